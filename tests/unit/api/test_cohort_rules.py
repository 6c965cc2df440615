"""Cohorts of users that a policy cannot mean are refused wherever they are written, with what to write there."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.files.offline_check import problems_of
from tests.unit.rollout.policies import written

SAID = {"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b", "c"]}
ROUTE = {"routeRef": {"name": "qa"}}


def _problems(mode: str, cohort: dict[str, Any], prefix: str = "x-early-stop-", **changes: Any) -> list[str]:
    told = {"header": "X-User-Cohort", "cohorts": list(SAID), **cohort}
    delivery = {
        "HeaderCohort": {"mode": mode, "headerCohort": {**ROUTE, "headerPrefix": prefix, **told}},
        "RequestBody": {
            "mode": mode,
            "requestBody": {"engine": "VLLM", **ROUTE, "headerPrefix": prefix, "cohort": told},
        },
    }[mode]
    spec = written({"delivery": {"gatewayHeader": None, **delivery}, "rollout": {"strategy": "ABTest", "steps": None}})
    for name, change in changes.items():
        spec[name] = {**spec.get(name, {}), **change}
    knobs = [{**each, "body": {"knob": "AnswerCap"}} for each in spec["parameters"]]
    spec["parameters"] = knobs if mode == "RequestBody" else spec["parameters"]
    if mode == "RequestBody":
        spec["objective"]["exactMatch"] = {"margin": "0.02", "evidence": "Pairs"}
        spec["metrics"] = {"sourceRef": {"name": "default"}}
    manifest = {"apiVersion": "earlystop.dev/v1alpha1", "kind": "EarlyStopPolicy", "metadata": {"name": "qa"}}
    return [str(each) for each in problems_of({**manifest, "spec": spec})]


def _about_cohorts(problems: list[str]) -> str:
    return " ".join(each for each in problems if "ohort" in each)


MODES = pytest.mark.parametrize("mode", ["HeaderCohort", "RequestBody"])


@MODES
@pytest.mark.parametrize(
    ("cohort", "prefix", "sentence"),
    [
        ({"header": "Transfer-Encoding"}, "x-early-stop-", "belongs to the connection or the body"),
        ({"header": "X-Early-Stop-Golden"}, "x-other-", "is one of the headers that the overlay sets itself"),
        ({"header": "X-Stop-Cohort"}, "x-stop-", "is one of the headers that the overlay sets itself"),
        ({"cohorts": [SAID[0], {"variant": "w10", "values": ["a"]}]}, "x-early-stop-", "overlap; write each value"),
        ({"cohorts": [SAID[0], {"variant": "w10", "values": ["b", "b"]}]}, "x-early-stop-", "overlap; write each"),
        ({"cohorts": [SAID[1], {"variant": "w5", "values": ["d"]}]}, "x-early-stop-", "for the variant baseline"),
        ({"cohorts": [SAID[0], {"variant": "w5", "values": ["d"]}]}, "x-early-stop-", "for every candidate"),
    ],
)
def test_cohorts_that_cannot_be_told_apart_are_refused(
    mode: str, cohort: dict[str, Any], prefix: str, sentence: str
) -> None:
    said = _about_cohorts(_problems(mode, cohort, prefix))
    assert sentence in said and {"HeaderCohort": "headerCohort.", "RequestBody": "requestBody.cohort."}[mode] in said


@MODES
def test_cohorts_that_are_told_apart_are_taken(mode: str) -> None:
    assert not _about_cohorts(_problems(mode, {}))


@pytest.mark.parametrize(
    ("rollout", "sentence"),
    [
        ({"strategy": "Canary"}, "delivery.mode RequestBody with cohort compares fixed cohorts"),
        ({"steps": [{"weight": 5}]}, "no share of requests in delivery.mode RequestBody with cohort; remove them"),
    ],
)
def test_a_mode_that_has_cohorts_only_where_they_are_written_is_named_with_them(
    rollout: dict[str, Any], sentence: str
) -> None:
    assert sentence in _about_cohorts(_problems("RequestBody", {}, rollout=rollout))
