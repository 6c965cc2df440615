"""TLS over a real socket: both sides show who they are, or nothing is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from earlystop.metrics.source.address import PinnedAddress
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.certificates import Authority, Pair
from tests.unit.metrics.source.faulty_server import Handler, count_row, serving, vector

HOST = "prometheus.example"


def good(handler: Handler) -> None:
    handler.reply(200, vector(count_row("41")))


def here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_pair(authority: Authority) -> Pair:
    return authority.issue("server", f"DNS:{HOST}")


def ask(url: str, authority: Authority | None, pair: Pair | None = None) -> FailureKind | None:
    """The kind of the failure of one query, None when it is answered."""
    client = ExactPrometheus(
        url,
        verify=True if authority is None else str(authority.pair.certificate),
        cert=None if pair is None else (str(pair.certificate), str(pair.key)),
        address=PinnedAddress(here),
    )
    try:
        client.instant_vector("up", 0.0)
    except MetricsFailure as failure:
        return failure.kind
    finally:
        client.close()
    return None


def test_a_server_is_trusted_by_its_authority_and_its_hosts_name_not_by_its_address(
    authority: Authority, server_pair: Pair
) -> None:
    with serving(good, server_pair.serving()) as server:
        assert ask(server.url_of(HOST), authority) is None
        assert ask(server.url_of("other.example"), authority) is FailureKind.TLS_FAILED
        assert ask(server.url, authority) is FailureKind.TLS_FAILED, "the certificate does not name the address"
        assert ask(server.url_of(HOST), None) is FailureKind.TLS_FAILED, "no public authority signed it"
    assert len(server.requests) == 1


def test_a_server_of_another_authority_is_not_trusted(tmp_path: Path, server_pair: Pair) -> None:
    with serving(good, server_pair.serving()) as server:
        assert ask(server.url_of(HOST), Authority(tmp_path)) is FailureKind.TLS_FAILED
    assert server.requests == []


def test_a_server_that_asks_for_a_certificate_gets_the_operators(
    authority: Authority, server_pair: Pair, tmp_path: Path
) -> None:
    with serving(good, server_pair.serving(authority)) as server:
        assert ask(server.url_of(HOST), authority, authority.issue("operator")) is None
        assert ask(server.url_of(HOST), authority) is FailureKind.TLS_FAILED
        stranger = Authority(tmp_path, "stranger").issue("operator")
        assert ask(server.url_of(HOST), authority, stranger) is FailureKind.TLS_FAILED
    assert len(server.requests) == 1
