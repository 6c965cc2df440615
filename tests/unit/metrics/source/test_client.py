"""What the client sends, and what it does not take from its surroundings."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from earlystop.metrics.source.client import FLAVOUR_PARAMETERS, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, count_row, serving, vector


def good(handler: Handler) -> None:
    handler.reply(200, vector(count_row("41")))


def test_a_query_travels_in_the_body_with_its_time_and_the_flavours_parameters() -> None:
    query = 'up{policy="a&b=c %20 ü"}' * 2000  # far beyond what a URL may hold
    answer = vector(count_row("41"), at=1_700_000_000.25)
    with serving(lambda handler: handler.reply(200, answer)) as server:
        client = ExactPrometheus(server.url + "/prefix/", parameters=FLAVOUR_PARAMETERS["Thanos"])
        samples = client.instant_vector(query, 1_700_000_000.25)
    assert [sample.value for sample in samples] == [41.0]
    [(path, headers, body)] = server.requests
    form = {name: values[0] for name, values in parse_qs(body).items()}
    assert path == "/prefix/api/v1/query"
    assert form["query"] == query
    assert form["time"] == "1700000000.250"
    assert (form["dedup"], form["partial_response"]) == ("false", "false")
    assert headers["Accept-Encoding"] == "identity"


def test_a_connection_is_kept_for_the_next_query() -> None:
    peers = set()

    def answer(handler: Handler) -> None:
        peers.add(handler.client_address)
        good(handler)

    with serving(answer) as server:
        client = ExactPrometheus(server.url)
        for _ in range(3):
            client.instant_vector("up", 0.0)
        client.close()
    assert len(peers) == 1


def test_infos_about_the_query_do_not_make_an_answer_partial() -> None:
    with serving(lambda handler: handler.reply(200, vector(count_row("1"), infos=["a remark"], warnings=[]))) as server:
        assert len(ExactPrometheus(server.url).instant_vector("up", 0.0)) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(good) as server:
        assert len(ExactPrometheus(server.url).instant_vector("up", 0.0)) == 1


def test_a_token_is_read_anew_for_every_query() -> None:
    tokens = iter(["first", "second\n"])
    with serving(good) as server:
        client = ExactPrometheus(server.url, token=lambda: next(tokens))
        client.instant_vector("up", 0.0)
        client.instant_vector("up", 0.0)
    assert [headers["Authorization"] for _, headers, _ in server.requests] == ["Bearer first", "Bearer second"]


def test_a_token_that_cannot_be_read_is_unauthorized_and_nothing_is_sent() -> None:
    def missing() -> str:
        raise FileNotFoundError("/var/run/SECRET")

    with serving(good) as server:
        for token in (missing, lambda: "", lambda: "SECRET\r\nX-Evil: 1"):
            with pytest.raises(MetricsFailure) as caught:
                ExactPrometheus(server.url, token=token).instant_vector("up", 0.0)
            assert caught.value.kind is FailureKind.UNAUTHORIZED
            assert "SECRET" not in str(caught.value)
            assert caught.value.__context__ is None
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "prometheus:9090",
        "ftp://host",
        "http://",
        "http://user:SECRET@",
        "http://user:SEC/RET@host",
        "http://host/?token=SECRET",
        "http://host#SECRET",
    ],
)
def test_a_url_that_cannot_work_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"must read http") as caught:
        ExactPrometheus(url)
    assert "SEC" not in str(caught.value)
    assert caught.value.__context__ is None
