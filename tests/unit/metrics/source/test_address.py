"""A client stays with the address that it was let in at, and never goes where no metrics source can be."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from earlystop.metrics.source.address import PinnedAddress
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, count_row, serving, vector

METADATA = "169.254.169.254"


class Names:
    """A DNS that its owner changes at will. asked: how often it was."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        assert host == "prometheus.example"
        self.asked += 1
        return self.addresses


def good(handler: Handler) -> None:
    handler.reply(200, vector(count_row("41")))


def good_and_goodbye(handler: Handler) -> None:
    """Says that it will close the connection: a client that reused it might meet the end of it."""
    handler.reply(200, vector(count_row("41")), Connection="close")
    handler.close_connection = True


def client_of(url: str, names: Names) -> ExactPrometheus:
    return ExactPrometheus(url, address=PinnedAddress(names), connect_seconds=0.5, total_seconds=2.0)


def ask(client: ExactPrometheus) -> FailureKind | None:
    try:
        client.instant_vector("up", 0.0)
    except MetricsFailure as failure:
        return failure.kind
    return None


@pytest.mark.parametrize(
    "host", [METADATA, "0.0.0.0", "2852039166", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[::]", "[fd00:ec2::254]"]
)
def test_an_address_written_into_the_url_is_refused_as_well(host: str) -> None:
    client = ExactPrometheus(f"http://{host}:9", connect_seconds=0.5, total_seconds=1.0)
    with pytest.raises(MetricsFailure) as caught:
        client.instant_vector("up", 0.0)
    assert caught.value.kind is FailureKind.ADDRESS_REFUSED
    assert caught.value.__context__ is None


def test_a_name_that_leads_to_a_clouds_metadata_service_is_refused_by_name_and_address() -> None:
    with serving(good) as server:
        with pytest.raises(MetricsFailure, match=r"prometheus\.example leads to 169\.254\.169\.254") as caught:
            client_of(server.url_of("prometheus.example"), Names(METADATA)).instant_vector("up", 0.0)
        assert caught.value.kind is FailureKind.ADDRESS_REFUSED
        assert server.requests == []


def test_a_name_that_is_rebound_moves_no_client_that_was_let_in() -> None:
    names = Names("127.0.0.1")
    with serving(good_and_goodbye) as server:
        client = client_of(server.url_of("prometheus.example"), names)
        assert ask(client) is None
        names.addresses = [METADATA]
        assert [ask(client) for _ in range(3)] == [None] * 3, "each by a connection of its own"
        assert names.asked == 1
        assert {headers["Host"] for _, headers, _ in server.requests} == {f"prometheus.example:{server.server_port}"}


def test_after_a_failed_connection_the_name_is_looked_up_again_and_judged_again() -> None:
    names = Names("127.0.0.1")
    with serving(good_and_goodbye) as server:
        client = client_of(server.url_of("prometheus.example"), names)
        assert ask(client) is None
    names.addresses = [METADATA]
    assert ask(client) is FailureKind.UNREACHABLE, "the kept address is tried, and given up"
    assert ask(client) is FailureKind.ADDRESS_REFUSED
    assert names.asked == 2


def test_a_source_that_moved_is_found_again() -> None:
    names = Names("127.0.0.9")  # nobody listens there: every address of 127/8 is this machine
    with serving(good) as server:
        client = client_of(server.url_of("prometheus.example"), names)
        assert ask(client) is FailureKind.UNREACHABLE
        names.addresses = ["127.0.0.1"]
        assert ask(client) is None


def test_of_several_addresses_the_first_permitted_one_that_answers_is_kept() -> None:
    names = Names(METADATA, "127.0.0.9", "127.0.0.1")
    with serving(good_and_goodbye) as server:
        client = client_of(server.url_of("prometheus.example"), names)
        assert ask(client) is None
        names.addresses = ["127.0.0.9"]
        assert ask(client) is None


def test_an_answer_that_fails_does_not_make_the_address_forgotten() -> None:
    names = Names("127.0.0.1")
    with serving(lambda handler: handler.reply(500, b"")) as server:
        client = client_of(server.url_of("prometheus.example"), names)
        assert ask(client) is FailureKind.SERVER_ERROR
        assert ask(client) is FailureKind.SERVER_ERROR
    assert names.asked == 1


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "SECRET")

    client = ExactPrometheus("http://prometheus.example", address=PinnedAddress(unknown))
    with pytest.raises(MetricsFailure) as caught:
        client.instant_vector("up", 0.0)
    assert caught.value.kind is FailureKind.UNREACHABLE
    assert "SECRET" not in str(caught.value)
    assert ask(ExactPrometheus("http://prometheus.example", address=PinnedAddress(Names()))) is FailureKind.UNREACHABLE
