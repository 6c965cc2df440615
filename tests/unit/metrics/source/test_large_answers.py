"""One answer never outgrows the operator's memory: its bytes, rows and samples are bounded, and large ones wait."""

from __future__ import annotations

import json
import threading

import pytest

from earlystop.metrics.source.answer import MAX_POINTS, MAX_ROWS, parse_matrix, parse_vector
from earlystop.metrics.source.client import DEFAULT_MAX_BYTES, LARGE_ANSWER_BYTES, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, count_row, serving, vector

JSON, PLACE = "application/json", "http://prometheus:9090"
TINY = b'{"metric":{},"value":[0,"1"]}'
HEAD = b'{"status":"success","data":{"resultType":"vector","result":['


def tiny_rows(number: int) -> bytes:
    return HEAD + b",".join([TINY] * number) + b"]}}"


def matrix(points: int) -> bytes:
    series = [{"metric": {"a": "b"}, "values": [[moment, "1"] for moment in range(points)]}]
    return json.dumps(
        {"status": "success", "data": {"resultType": "matrix", "result": series}}, separators=(",", ":")
    ).encode()


def failure(parse: object, *arguments: object) -> FailureKind:
    assert callable(parse)
    with pytest.raises(MetricsFailure) as caught:
        parse(*arguments)
    return caught.value.kind


def test_rows_however_small_are_bounded_and_as_many_as_the_bound_are_read() -> None:
    assert len(parse_vector(tiny_rows(MAX_ROWS), JSON, PLACE)) == MAX_ROWS
    body = tiny_rows(MAX_ROWS + 1)
    assert len(body) < DEFAULT_MAX_BYTES
    assert failure(parse_vector, body, JSON, PLACE) is FailureKind.TOO_LARGE
    assert failure(parse_vector, body.replace(b'"metric":', b'"metric" :'), JSON, PLACE) is FailureKind.TOO_LARGE


def test_a_label_cannot_make_an_answer_look_like_many_rows() -> None:
    labels, value = count_row("1", query_class='"metric":' * (MAX_ROWS + 1))
    assert len(parse_vector(vector((labels, value)), JSON, PLACE)) == 1


@pytest.mark.slow
def test_samples_of_ranges_are_bounded() -> None:
    assert len(parse_matrix(matrix(1000), JSON, PLACE, 10**6)[0].points) == 1000
    body = matrix(MAX_POINTS + 1)
    assert len(body) < DEFAULT_MAX_BYTES
    assert failure(parse_matrix, body, JSON, PLACE, 10**6) is FailureKind.TOO_LARGE


def test_an_answer_of_more_than_four_mebibytes_is_refused() -> None:
    labels, value = count_row("1", query_class="x" * 50_000)
    body = vector(*[(labels, value)] * 84)
    assert len(body) > 4 * 1024 * 1024
    with serving(lambda handler: handler.reply(200, body)) as server:
        client = ExactPrometheus(server.url)
        assert failure(client.instant_vector, "up", 0.0) is FailureKind.TOO_LARGE


def test_a_large_answer_waits_until_the_one_before_is_no_longer_used_and_a_small_one_does_not() -> None:
    large = vector(count_row("1", query_class="x" * LARGE_ANSWER_BYTES))
    small = vector(count_row("1"))

    def answer(handler: Handler) -> None:
        handler.reply(200, small if "small" in handler.server.requests[-1][2] else large)

    lock, asked = threading.Lock(), threading.Event()
    with serving(answer) as server:
        first, second, third = (ExactPrometheus(server.url, large_answers=lock) for _ in range(3))
        assert first.instant_vector("large", 0.0)
        found: list[object] = []

        def ask() -> None:
            asked.set()
            found.append(second.instant_vector("large", 0.0))

        waiting = threading.Thread(target=ask)
        waiting.start()
        assert asked.wait(30)
        assert third.instant_vector("small", 0.0)
        assert found == []
        first.release_answer()
        waiting.join(30)
        assert len(found) == 1
        second.release_answer()
        assert not lock.locked()
