"""What a MetricSource refers to is read from the operator's own namespace, or the admin is told what to create."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earlystop.controller.cluster import ClusterError
from earlystop.controller.counts.secrets import Credentials, own_namespace
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.controller.counts.metric_sources import CountingOperator, PrivateFiles, basic, bearer, opened, reference
from tests.unit.metrics.source.certificates import Authority, encrypted
from tests.unit.metrics.source.faulty_server import serving

HTTPS = "https://prometheus.example"


async def failure_of(place: CountingOperator, **source: Any) -> MetricsFailure:
    place.source(HTTPS, **source)
    result = await place.read()
    assert isinstance(result, MetricsFailure), result
    assert "SECRET" not in f"{result!r} {result}"
    assert result.__context__ is None or "SECRET" not in repr(result.__context__)
    return result


def test_the_namespace_is_the_pods_else_the_environments_else_the_charts(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    assert own_namespace(file, {}) == "earlystop-system"
    assert own_namespace(file, {"EARLYSTOP_NAMESPACE": "ops"}) == "ops"
    file.write_text("mlops\n")
    assert own_namespace(file, {"EARLYSTOP_NAMESPACE": "ops"}) == "mlops"


async def test_a_secret_that_is_missing_is_named_with_the_key_and_namespace_to_create_it_in() -> None:
    async with opened() as place:
        failure = await failure_of(place, auth=bearer())
    assert failure.kind is FailureKind.SECRET_NOT_FOUND
    assert failure.message == (
        "auth.secretRef needs a Secret prometheus with the key token in namespace earlystop-system, and there is none; "
        "create it, or correct the reference in the MetricSource"
    )


@pytest.mark.parametrize(("field", "key"), [("caRef", "ca.crt"), ("certificateRef", "tls.crt"), ("keyRef", "tls.key")])
async def test_a_key_that_is_missing_is_named(field: str, key: str) -> None:
    keys = {"caRef": "ca.crt", "certificateRef": "tls.crt", "keyRef": "tls.key"}
    async with opened() as place:
        place.secret("prometheus", **{each.replace(".", "_"): "SECRET" for each in keys.values() if each != key})
        failure = await failure_of(place, tls={name: reference(each) for name, each in keys.items()})
    assert failure.kind is FailureKind.SECRET_NOT_FOUND
    assert f"tls.{field} needs a key {key} in Secret prometheus in namespace earlystop-system" in failure.message


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (403, FailureKind.SECRET_FORBIDDEN, "metricSecrets"),
        (401, FailureKind.SECRET_FORBIDDEN, "metricSecrets"),
        (500, FailureKind.SECRET_UNREADABLE, "the Kubernetes API answers 500"),
        (0, FailureKind.SECRET_UNREADABLE, "the Kubernetes API is away"),
    ],
)
async def test_an_api_that_does_not_show_the_secret_is_named(status: int, kind: FailureKind, says: str) -> None:
    async with opened() as place:
        place.api.fail("GET", ClusterError(status, "SECRET"))
        failure = await failure_of(place, auth=bearer())
    assert failure.kind is kind
    assert says in failure.message


BAD_TOKENS = ["", " \n", "SECRET SECRET", "Bearer SECRET", "SECRET\r\nX-Evil: 1", "SECRÈT", b"SECRET\xff"]
BAD_LOGINS = ["", "SECRET", ":SECRET", "user:SEC\nRET", b"user:SECRET\xff", "user:SECRET\0"]


@pytest.mark.parametrize("value", BAD_TOKENS)
async def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(value: str | bytes) -> None:
    async with opened() as place:
        place.secret("prometheus", token=value)
        failure = await failure_of(place, auth=bearer())
    assert failure.kind is FailureKind.SECRET_UNUSABLE
    assert "key token of Secret prometheus in namespace earlystop-system" in failure.message


@pytest.mark.parametrize("value", BAD_LOGINS)
async def test_a_login_that_is_none_is_refused_without_being_shown(value: str | bytes) -> None:
    async with opened() as place:
        place.secret("prometheus", login=value)
        failure = await failure_of(place, auth=basic())
    assert failure.kind is FailureKind.SECRET_UNUSABLE


@pytest.mark.parametrize(
    "value", ["SECRET", b"\xff\xfe", "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n"]
)
async def test_an_authority_that_does_not_parse_is_named(value: str | bytes, private: PrivateFiles) -> None:
    async with opened() as place:
        place.secret("prometheus", ca_crt=value)
        failure = await failure_of(place, tls={"caRef": reference("ca.crt")})
        assert private.names() == []
    assert failure.kind is FailureKind.SECRET_UNUSABLE
    assert (
        "key ca.crt of Secret prometheus in namespace earlystop-system holds no certificate in PEM" in failure.message
    )


async def test_a_certificate_and_a_key_that_do_not_belong_together_or_need_a_password_are_named(
    tmp_path: Path, private: PrivateFiles
) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    keys = [other.key.read_bytes(), encrypted(one.key, "SECRET"), b"SECRET"]
    tls = {"certificateRef": reference("tls.crt"), "keyRef": reference("tls.key")}
    async with opened() as place:
        for key in keys:
            place.secret("prometheus", tls_crt=one.certificate.read_bytes(), tls_key=key)
            failure = await failure_of(place, tls=tls)
            assert failure.kind is FailureKind.SECRET_UNUSABLE
            assert "key tls.crt of Secret prometheus" in failure.message
            assert "unencrypted private key of tls.keyRef" in failure.message
        assert private.names() == []


async def test_a_certificate_without_its_key_is_refused() -> None:
    async with opened() as place:
        failure = await failure_of(place, tls={"certificateRef": reference("tls.crt")})
    assert failure.kind is FailureKind.SECRET_UNUSABLE
    assert "tls.keyRef" in failure.message


async def test_a_url_that_no_client_takes_leaves_no_file(tmp_path: Path, private: PrivateFiles) -> None:
    async with opened() as place:
        place.secret("prometheus", ca_crt=Authority(tmp_path).certificate)
        place.source("https://prometheus.example#part", tls={"caRef": reference("ca.crt")})
        result = await place.read()
        assert isinstance(result, MetricsFailure) and result.kind is FailureKind.UNREACHABLE
        assert private.names() == []


async def test_a_missing_secret_sends_nothing_to_the_source() -> None:
    with serving(lambda handler: handler.reply(200, b"")) as server:
        async with opened() as place:
            place.source(server.url, auth=bearer())
            assert isinstance(await place.read(), MetricsFailure)
    assert server.requests == []


def test_credentials_do_not_show_themselves() -> None:
    assert "SECRET" not in repr(Credentials("SECRET", ("user", "SECRET"), b"SECRET", b"SECRET", b"SECRET"))
