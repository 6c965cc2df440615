"""Answers in the form that each flavour of source gives them: what is exact is read, what may not be is refused."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.client import FLAVOUR_PARAMETERS, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.source.faulty_server import Handler, serving

AT = 1_700_000_000
REQUEST = CountRequest("llm/qa", "r1", 120)
LABELS = {
    "__name__": "earlystop_requests_started_total",
    "policy": "llm/qa",
    "revision": "r1",
    "step": "0",
    "variant": "candidate",
    "query_class": "default",
    "process": "p1",
}
MINE = {SeriesKey(0, Variant.CANDIDATE, "default", "p1"): Tally(started=41)}


def rows(time_written: float = AT, time_evaluated: float = AT, newest: float = AT - 4) -> list[dict[str, Any]]:
    """Counts, the newest sample and the time of evaluation."""
    policy = {"policy": "llm/qa", "revision": "r1", "reading": "newest_sample"}
    return [
        {"metric": LABELS, "value": [time_written, "41"]},
        {"metric": policy, "value": [time_written, str(newest)]},
        {"metric": {"reading": "evaluated_at"}, "value": [time_written, str(time_evaluated)]},
    ]


def answer(result: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **extra}


def victoria(result: list[dict[str, Any]], partial: bool = False) -> dict[str, Any]:
    """VictoriaMetrics counts what it fetched, and a cluster says whether a part is missing."""
    return {**answer(result), "isPartial": partial, "stats": {"seriesFetched": "2", "executionTimeMsec": 3}}


def thanos_without_stores() -> dict[str, Any]:
    return answer([], warnings=["No StoreAPIs matched for this query"])


def thanos_partial() -> dict[str, Any]:
    lost = 'receive series from Addr: 10.1.2.3:10901 LabelSets: {replica="a"}: rpc error: code = Unavailable'
    return answer(rows(), warnings=[lost])


def read(flavour: str, status: int, body: dict[str, Any]) -> tuple[Reading | MetricsFailure, dict[str, str]]:
    """What the operator makes of the answer, and the form that it sent."""
    encoded = json.dumps(body).encode()
    with serving(lambda handler: handler.reply(status, encoded)) as server:
        client = ExactPrometheus(server.url, parameters=FLAVOUR_PARAMETERS[flavour])
        result = read_counts(client, [REQUEST], AT)[REQUEST.policy]
    [(_, _, form)] = server.requests
    return result, {name: values[0] for name, values in parse_qs(form).items()}


RECORDED: dict[str, tuple[str, int, dict[str, Any]]] = {
    "Prometheus 2": ("Prometheus", 200, answer(rows())),
    "Prometheus 3 with a remark": (
        "Prometheus",
        200,
        answer(rows(), infos=["PromQL info: metric might not be a counter"]),
    ),
    "Thanos": ("Thanos", 200, answer([{**row, "value": [float(AT), row["value"][1]]} for row in rows()])),
    "VictoriaMetrics": ("VictoriaMetrics", 200, victoria(rows())),
    "Mimir": ("Mimir", 200, answer(rows())),
}
REFUSED: dict[str, tuple[str, int, dict[str, Any], FailureKind]] = {
    "Thanos with a store away": ("Thanos", 200, thanos_partial(), FailureKind.PARTIAL),
    "Thanos without any store": ("Thanos", 200, thanos_without_stores(), FailureKind.PARTIAL),
    "Thanos that refuses to be partial": (
        "Thanos",
        422,
        {"status": "error", "errorType": "execution", "error": "expanding series: rpc error: code = Aborted"},
        FailureKind.NOT_EXECUTED,
    ),
    "VictoriaMetrics with a node away": ("VictoriaMetrics", 200, victoria(rows(), partial=True), FailureKind.PARTIAL),
    "VictoriaMetrics that moved the time and says so": (
        "VictoriaMetrics",
        200,
        victoria(rows(AT - 26, AT - 26, AT - 30)),
        FailureKind.TIME_MOVED,
    ),
    "VictoriaMetrics that moved the time and hides it": (
        "VictoriaMetrics",
        200,
        victoria(rows(AT, AT - 26, AT - 30)),
        FailureKind.TIME_MOVED,
    ),
    "Mimir over its limit": (
        "Mimir",
        422,
        {"status": "error", "errorType": "execution", "error": "the query exceeded the maximum number of chunks"},
        FailureKind.NOT_EXECUTED,
    ),
    "Mimir without a tenant": (
        "Mimir",
        401,
        {"status": "error", "errorType": "unauthorized", "error": "no org id"},
        FailureKind.UNAUTHORIZED,
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_whole_answer_of_each_flavour_is_read(name: str) -> None:
    result, _ = read(*RECORDED[name])
    assert result == Reading(AT, MINE, AT - 4, 0)


@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_that_may_not_be_exact_is_refused(name: str) -> None:
    flavour, status, body, kind = REFUSED[name]
    result, _ = read(flavour, status, body)
    assert isinstance(result, MetricsFailure)
    assert result.kind is kind
    assert "rpc error" not in str(result) and "org id" not in str(result)


@pytest.mark.parametrize(
    ("flavour", "sent"),
    [
        ("Prometheus", {}),
        ("Thanos", {"dedup": "false", "partial_response": "false", "max_source_resolution": "0s"}),
        ("VictoriaMetrics", {"nocache": "1", "deny_partial_response": "1"}),
        ("Mimir", {}),
    ],
)
def test_each_flavour_is_asked_in_the_way_that_makes_it_exact(flavour: str, sent: dict[str, str]) -> None:
    _, form = read(flavour, 200, answer(rows()))
    assert {name: text for name, text in form.items() if name not in ("query", "time", "timeout")} == sent


def victoria_near_now(handler: Handler) -> None:
    """As its source code has it: near now, and without nocache, the query is evaluated 30 s earlier, and the values
    are written down with the time that was asked for."""
    form = {name: values[0] for name, values in parse_qs(handler.server.requests[-1][2]).items()}
    asked, now = float(form["time"]), time.time()
    moved = form.get("nocache") != "1" and now - asked < 30
    handler.reply(200, json.dumps(victoria(rows(asked, now - 30 if moved else asked, asked - 4))).encode())


def test_the_flavours_parameter_keeps_victoriametrics_from_moving_the_time() -> None:
    at = int(time.time()) - 5
    with serving(victoria_near_now) as server:
        results = {
            flavour: read_counts(ExactPrometheus(server.url, parameters=FLAVOUR_PARAMETERS[flavour]), [REQUEST], at)[
                "llm/qa"
            ]
            for flavour in ("VictoriaMetrics", "Prometheus")
        }
    right, wrong = results["VictoriaMetrics"], results["Prometheus"]
    assert isinstance(right, Reading) and right.at == at
    assert isinstance(wrong, MetricsFailure) and wrong.kind is FailureKind.TIME_MOVED
    assert "flavour" in wrong.message
