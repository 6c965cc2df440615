"""Instant vectors of several moments in one answer are read as strictly as one of one moment."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from earlystop.metrics.source.answer import Series, parse_moments
from earlystop.metrics.source.client import FLAVOUR_PARAMETERS, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import JSON, SECRET, serving

MOMENTS = range(1_700_000_000, 1_700_000_031, 15)
ROW: dict[str, Any] = {"metric": {"policy": "llm/qa"}, "values": [[at, str(at % 100)] for at in MOMENTS]}


def answer(*rows: object, kind: str = "matrix", **extra: object) -> bytes:
    data = {"resultType": kind, "result": rows}
    return json.dumps({"status": "success", "data": data, **extra}, separators=(",", ":")).encode()


def test_a_range_is_asked_for_from_its_first_moment_to_its_last() -> None:
    with serving(lambda handler: handler.reply(200, answer(ROW))) as server:
        client = ExactPrometheus(server.url, parameters=FLAVOUR_PARAMETERS["Thanos"])
        found = client.vectors("up", MOMENTS)
    assert found == [Series({"policy": "llm/qa"}, [(at, float(at % 100)) for at in MOMENTS])]
    [(path, _, body)] = server.requests
    form = {name: values[0] for name, values in parse_qs(body).items()}
    assert path == "/api/v1/query_range"
    assert (form["start"], form["end"], form["step"]) == ("1700000000", "1700000030", "15")
    assert form["dedup"] == "false" and "time" not in form


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (answer(kind="vector"), FailureKind.MALFORMED),
        (answer(ROW, {"metric": {"policy": 1}, "values": []}), FailureKind.MALFORMED),
        (answer(ROW, {"metric": {SECRET: "x"}, "value": [MOMENTS[0], "1"]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "values": [[MOMENTS[0], 1]]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "values": [[MOMENTS[0], SECRET]]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "values": [["soon", "1"]]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "values": [[float("inf"), "1"]]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "values": [[MOMENTS[0]]]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "histograms": [[MOMENTS[0], {}]]}), FailureKind.MALFORMED),
        (answer({"metric": {}, "values": [[MOMENTS[0] + 5, "1"]]}), FailureKind.TIME_MOVED),
        (answer({"metric": {}, "values": [[MOMENTS[0] + 0.25, "1"]]}), FailureKind.TIME_MOVED),
        (answer(ROW, warnings=["a store is away"]), FailureKind.PARTIAL),
        (answer(*[ROW] * 20_001), FailureKind.TOO_LARGE),
        (answer({"metric": {}, "values": [[MOMENTS[0], "1"]] * 150_001}), FailureKind.TOO_LARGE),
    ],
    ids=range(14),
)
def test_what_is_no_count_at_each_moment_is_a_failure(body: bytes, kind: FailureKind) -> None:
    with pytest.raises(MetricsFailure) as failure:
        parse_moments(body, JSON, "http://prometheus", MOMENTS)
    assert failure.value.kind is kind
    assert SECRET not in str(failure.value)
