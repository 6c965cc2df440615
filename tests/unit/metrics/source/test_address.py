"""A client stays with the address that it was let in at, and never goes where no metrics source can be."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from earlystop.metrics.source.address import SECONDS_KEPT_UNASKED, PinnedAddress, is_in_cluster
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, count_row, serving, vector

METADATA = "169.254.169.254"
IN_CLUSTER = "prometheus-operated.monitoring.svc"


class Names:
    """A DNS that its owner changes at will. asked: how often it was."""

    def __init__(self, *addresses: str, host: str = "prometheus.example") -> None:
        self.addresses: Sequence[str] = addresses
        self.asked = 0
        self._host = host

    def __call__(self, host: str, port: int) -> Sequence[str]:
        assert host == self._host
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


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_source_that_left_its_address_to_another_server_is_asked_where_its_name_leads_now() -> None:
    """Addresses of Pods are given away again, and the next one may answer queries as well."""
    names, clock = Names("127.0.0.1", host=IN_CLUSTER), Clock()
    address = PinnedAddress(names, clock)
    with serving(good_and_goodbye) as server, serving(good_and_goodbye, at=("127.0.0.2", server.server_port)) as moved:
        client = ExactPrometheus(server.url_of(IN_CLUSTER), address=address, total_seconds=2.0)
        assert ask(client) is None
        names.addresses = ["127.0.0.2"]
        clock.now += SECONDS_KEPT_UNASKED
        assert ask(client) is None
        assert (len(server.requests), len(moved.requests)) == (1, 1)


@pytest.mark.parametrize("passed", [SECONDS_KEPT_UNASKED - 1, SECONDS_KEPT_UNASKED, 1e6])
def test_a_source_whose_name_nobody_can_look_up_is_asked_at_its_kept_address(passed: float) -> None:
    clock, works = Clock(), True

    def resolve(host: str, port: int) -> Sequence[str]:
        if not works:
            raise socket.gaierror("temporary failure in name resolution")
        return ["127.0.0.1"]

    address = PinnedAddress(resolve, clock)
    with serving(good_and_goodbye) as server:
        client = ExactPrometheus(server.url_of(IN_CLUSTER), address=address, total_seconds=2.0)
        assert ask(client) is None
        works, clock.now = False, clock.now + passed
        assert ask(client) is None


def test_a_name_that_nobody_can_look_up_is_asked_for_once_a_minute_not_by_each_connection() -> None:
    """A resolver that is away is waited for many seconds, which no deadline of a query bounds."""
    names, clock = Names("10.0.0.1", host=IN_CLUSTER), Clock()

    def resolve(host: str, port: int) -> Sequence[str]:
        found = names(host, port)
        if not found:
            raise socket.gaierror("temporary failure in name resolution")
        return found

    address = PinnedAddress(resolve, clock)
    address.keep(*address.choices(IN_CLUSTER, 9090))
    names.addresses = ()
    clock.now += SECONDS_KEPT_UNASKED
    assert [address.choices(IN_CLUSTER, 9090) for _ in range(3)] == [["10.0.0.1"]] * 3
    assert names.asked == 2
    names.addresses = ("10.0.0.2",)
    clock.now += SECONDS_KEPT_UNASKED
    assert address.choices(IN_CLUSTER, 9090) == ["10.0.0.2"], "and is followed once it answers"


def test_a_name_that_still_has_the_kept_address_among_others_moves_no_client() -> None:
    names, clock = Names("10.0.0.1", "10.0.0.2", host=IN_CLUSTER), Clock()
    address = PinnedAddress(names, clock)
    assert address.choices(IN_CLUSTER, 9090) == ["10.0.0.1", "10.0.0.2"]
    address.keep("10.0.0.2")
    clock.now += SECONDS_KEPT_UNASKED
    assert address.choices(IN_CLUSTER, 9090) == ["10.0.0.2"]


def test_a_name_that_leads_to_a_clouds_metadata_service_later_is_refused_then() -> None:
    names, clock = Names("10.0.0.1", host=IN_CLUSTER), Clock()
    address = PinnedAddress(names, clock)
    address.keep(*address.choices(IN_CLUSTER, 9090))
    names.addresses = [METADATA]
    clock.now += SECONDS_KEPT_UNASKED
    with pytest.raises(MetricsFailure, match=r"leads to 169\.254\.169\.254"):
        address.choices(IN_CLUSTER, 9090)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("prometheus", True),
        ("prometheus-operated.monitoring.svc", True),
        ("prometheus-0.prometheus-operated.monitoring.svc.cluster.local", True),
        ("prometheus.monitoring.svc.cluster.local.", True),
        ("prometheus.monitoring", False),
        ("prometheus.example", False),
        ("prometheus.svc.example.com", False),
        ("svc.example", False),
        ("10.0.0.1", False),
    ],
)
def test_a_name_that_somebody_outside_can_have_is_not_one_of_the_cluster(host: str, is_one: bool) -> None:
    assert is_in_cluster(host) == is_one
