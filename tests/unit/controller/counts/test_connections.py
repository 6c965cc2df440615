"""A source gets the credentials that its Secrets hold now, over one address, and nobody else gets to see them."""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import ClusterError
from earlystop.controller.counts.connections import SECRETS_LIVE_SECONDS
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.counts.secrets import SECRETS
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.controller.counts.metric_sources import (
    HOST,
    NAMESPACE,
    REQUEST,
    PrivateFiles,
    answer_well,
    authorized_by,
    basic,
    bearer,
    eventually,
    opened,
    reference,
)
from tests.unit.metrics.source.certificates import Authority, Pair
from tests.unit.metrics.source.faulty_server import Handler, serving


def kind(result: Result) -> FailureKind | None:
    return result.kind if isinstance(result, MetricsFailure) else None


def sent(server: Any) -> list[str | None]:
    """The Authorization header of each request."""
    return [headers.get("Authorization") for _, headers, _ in server.requests]


async def test_a_bearer_token_is_sent_as_the_secret_holds_it() -> None:
    with serving(authorized_by("Bearer abc.def")) as server:
        async with opened() as place:
            place.secret("prometheus", token="abc.def\n")
            place.source(server.url, auth=bearer())
            assert isinstance(await place.read(), Reading)


async def test_a_user_and_password_are_sent_in_utf8_with_colons_in_the_password() -> None:
    header = "Basic " + base64.b64encode("reader:pä:ss".encode()).decode()
    with serving(authorized_by(header)) as server:
        async with opened() as place:
            place.secret("prometheus", login="reader:pä:ss\n")
            place.source(server.url, auth=basic())
            assert isinstance(await place.read(), Reading)


async def test_a_token_that_was_replaced_costs_no_look() -> None:
    with serving(authorized_by("Bearer first")) as server:
        async with opened() as place:
            place.secret("prometheus", token="first")
            place.source(server.url, auth=bearer())
            assert isinstance(await place.read(), Reading)
            server.answer = authorized_by("Bearer second")
            place.secret("prometheus", token="second")
            assert isinstance(await place.read(), Reading)
    assert sent(server) == ["Bearer first", "Bearer first", "Bearer second"]


async def test_secrets_are_read_again_after_a_minute_and_no_sooner() -> None:
    with serving(answer_well) as server:
        async with opened() as place:
            place.secret("prometheus", token="first")
            place.source(server.url, auth=bearer())
            await place.read()
            place.secret("prometheus", token="second")
            place.now += SECRETS_LIVE_SECONDS - 1
            await place.read()
            place.now += 1
            await place.read()
            place.now += 1
            await place.read()
            assert place.api.secrets_read == 2
    assert sent(server) == ["Bearer first", "Bearer first", "Bearer second", "Bearer second"]


async def test_a_source_that_refuses_the_right_token_is_asked_once_a_look_and_the_api_once_a_second() -> None:
    with serving(authorized_by()) as server:
        async with opened() as place:
            place.secret("prometheus", token="wrong")
            place.source(server.url, auth=bearer())
            for _ in range(5):
                assert kind(await place.read()) is FailureKind.UNAUTHORIZED
            assert (len(server.requests), place.api.secrets_read) == (5, 2)
            place.now += 1
            assert kind(await place.read()) is FailureKind.UNAUTHORIZED
            assert (len(server.requests), place.api.secrets_read) == (6, 3)


async def test_a_secret_that_is_withdrawn_is_used_no_more_and_one_that_comes_is_used_at_once() -> None:
    with serving(answer_well) as server:
        async with opened() as place:
            place.source(server.url, auth=bearer())
            assert kind(await place.read()) is FailureKind.SECRET_NOT_FOUND
            place.secret("prometheus", token="first")
            assert isinstance(await place.read(), Reading)
            del place.api.objects[SECRETS.path(NAMESPACE, "prometheus")]
            place.now += SECRETS_LIVE_SECONDS
            assert kind(await place.read()) is FailureKind.SECRET_NOT_FOUND
    assert len(server.requests) == 1


async def test_while_the_api_is_away_the_last_credentials_serve_on() -> None:
    with serving(answer_well) as server:
        async with opened() as place:
            place.secret("prometheus", token="first")
            place.source(server.url, auth=bearer())
            assert isinstance(await place.read(), Reading)
            place.now += SECRETS_LIVE_SECONDS
            place.api.fail("GET", ClusterError(0, "no answer"))
            assert isinstance(await place.read(), Reading)


async def test_another_secret_moves_no_source_to_another_address_but_another_url_does() -> None:
    asked: list[str] = []

    def names(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with serving(answer_well) as server:
        async with opened(names) as place:
            place.secret("prometheus", token="first")
            place.source(server.url_of(HOST), auth=bearer())
            await place.read()
            place.secret("prometheus", token="second")
            place.now += SECRETS_LIVE_SECONDS
            await place.read()
            assert (asked, len(server.requests)) == ([HOST], 2)
            place.source(server.url_of(HOST), auth=bearer(), scrapeIntervalSeconds=30)
            await place.read()
            assert asked == [HOST, HOST], "whoever changes the source may have changed the record"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_pair(authority: Authority) -> Pair:
    return authority.issue("server", f"DNS:{HOST}")


def certificates(authority: Authority, pair: Pair) -> dict[str, bytes]:
    return {
        "ca_crt": authority.certificate,
        "tls_crt": pair.certificate.read_bytes(),
        "tls_key": pair.key.read_bytes(),
    }


MUTUAL = {"caRef": reference("ca.crt"), "certificateRef": reference("tls.crt"), "keyRef": reference("tls.key")}


async def test_a_source_behind_mutual_tls_is_read_and_no_certificate_outlives_its_connection(
    authority: Authority, server_pair: Pair, private: PrivateFiles
) -> None:
    with serving(answer_well, server_pair.serving(authority)) as server:
        async with opened() as place:
            place.secret("prometheus", **certificates(authority, authority.issue("operator")))
            place.source(server.url_of(HOST), tls=MUTUAL)
            assert isinstance(await place.read(), Reading)
            modes = {"/": 0o700, "authority.pem": 0o600, "certificate.pem": 0o600, "key.pem": 0o600}
            assert private.modes() == modes
            before = private.names()
            place.secret("prometheus", **certificates(authority, authority.issue("operator-2")))
            place.now += SECRETS_LIVE_SECONDS
            assert isinstance(await place.read(), Reading)
            assert before != private.names() and private.modes() == modes
            place.reader.learn_source("default", None)
            await eventually(lambda: private.names() == [], "the removal of a deleted source's certificates")
            place.source(server.url_of(HOST), tls=MUTUAL)
            assert isinstance(await place.read(), Reading)
        assert private.names() == []


async def test_a_certificate_that_the_server_no_longer_takes_is_replaced_within_the_same_look(
    authority: Authority, server_pair: Pair, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger").issue("operator")
    with serving(answer_well, server_pair.serving(authority)) as server:
        async with opened() as place:
            place.secret("prometheus", **certificates(authority, stranger))
            place.source(server.url_of(HOST), tls=MUTUAL)
            assert kind(await place.read()) is FailureKind.TLS_FAILED
            place.secret("prometheus", **certificates(authority, authority.issue("operator")))
            place.now += 1
            assert isinstance(await place.read(), Reading)


async def test_one_source_that_hangs_holds_up_no_other() -> None:
    release = threading.Event()

    def hang(handler: Handler) -> None:
        release.wait(30)
        answer_well(handler)

    with serving(hang) as hanging, serving(answer_well) as well:
        async with opened() as place:
            place.source(hanging.url, timeoutSeconds=30)
            waiting = [asyncio.create_task(place.read()) for _ in range(8)]
            await eventually(lambda: bool(hanging.requests), "the first query")
            place.reader.learn_source("other", SourceSpec.model_validate({"url": well.url}))
            async with asyncio.timeout(10):
                assert isinstance(await place.reader.read("other", REQUEST, 1_700_000_000), Reading)
            assert not any(task.done() for task in waiting)
            release.set()
            assert all(isinstance(result, Reading) for result in await asyncio.gather(*waiting))


async def test_sources_that_hang_however_many_hold_up_no_other() -> None:
    release = threading.Event()

    def hang(handler: Handler) -> None:
        release.wait(20)
        answer_well(handler)

    with serving(hang) as hanging, serving(answer_well) as well:
        async with opened() as place:
            for number in range(12):
                spec = SourceSpec.model_validate({"url": hanging.url, "timeoutSeconds": 30})
                place.reader.learn_source(f"hanging-{number}", spec)
            place.reader.learn_source("well", SourceSpec.model_validate({"url": well.url}))
            names = [f"hanging-{number}" for number in range(12)]
            waiting = [asyncio.create_task(place.reader.read(name, REQUEST, 1_700_000_000)) for name in names]
            await eventually(lambda: len(hanging.requests) == 12, "a query to each source that hangs")
            async with asyncio.timeout(10):
                assert isinstance(await place.reader.read("well", REQUEST, 1_700_000_000), Reading)
            assert not any(task.done() for task in waiting)
            release.set()
            assert all(isinstance(result, Reading) for result in await asyncio.gather(*waiting))


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_no_secret_reaches_a_log_line_an_error_or_a_repr(
    status: int, caplog: pytest.LogCaptureFixture, authority: Authority, server_pair: Pair
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[object] = []
    with serving(lambda handler: handler.reply(status, b"{}"), server_pair.serving(authority)) as server:
        async with opened() as place:
            place.reader.report = lambda *told: said.append(told)
            mine = certificates(authority, authority.issue("operator"))
            place.secret("prometheus", token="SECRET-TOKEN", login="user:SECRET-PASSWORD", **mine)
            for auth in (bearer(), basic()):
                place.source(server.url_of(HOST), auth=auth, tls=MUTUAL)
                said.append(await place.read())
                connection = place.connections._open["default"]
                said += [place.connections, connection, connection.client, connection.files, connection.credentials]
    assert len(server.requests) == (4 if status == 500 else 2)  # after a server error, a probe
    line = mine["tls_key"].decode().splitlines()[1]
    told = [repr(each) for each in said] + [f"{record.getMessage()} {record.exc_text}" for record in caplog.records]
    encoded = [base64.b64encode(b"user:SECRET-PASSWORD").decode(), base64.b64encode(b"SECRET-TOKEN").decode()]
    assert not [text for text in told for secret in ("SECRET-", line, *encoded) if secret in text]
