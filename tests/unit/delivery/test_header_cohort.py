"""Mode HeaderCohort, and RequestBody with `cohort`: each cohort gets its variant, and everybody else the baseline, as
evidence for nobody."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.wire import GOLDEN_HEADER
from earlystop.delivery.by_cohort import has_split, probes, summary
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import preflight
from earlystop.delivery.split import TrafficSplit
from tests.unit.delivery.cluster import (
    COHORTS_IN_BODIES,
    exact,
    header,
    inputs,
    overlay_in,
    prefix,
    rule,
    spec_in,
    split,
)
from tests.unit.delivery.gateway_api import Request, passed_on, winner

CHAT = "/v1/chat/completions"
BOTH, ONE_LEFT, NEITHER, WON = split(30, 30), split(0, 30), split(0, 0), split(0, 100)
Told = tuple[str, str, str]


def overlay(here: ClusterInputs, wanted: TrafficSplit) -> Manifest:
    return overlay_in(mode_of(here.spec.delivery).render(here, wanted))


def told(wanted: TrafficSplit, request: Request, *rules: dict[str, Any], mode: str = "HeaderCohort") -> Told:
    """Revision, variant and window that the server sees of a request."""
    users = list(rules) or [rule()]
    here = inputs(*users, spec=spec_in(mode, len(wanted.candidates)))
    assert preflight(here, wanted) is None
    made = overlay(here, wanted)
    met = winner(request, users, made["spec"]["rules"])
    assert met is not None and len(met["backendRefs"]) == 1
    carried = passed_on({"x-early-stop-variant": "forged", **request.headers}, met, met["backendRefs"][0])
    names = ("revision", "variant", "param-window")
    revision, variant, window = (carried[f"x-early-stop-{name}"] for name in names)
    return revision, variant, window


def cohort(value: str | None, **more: str) -> Request:
    return Request(CHAT, headers={**({} if value is None else {"X-Cohort": value}), **more})


OURS, NOBODY = BOTH.revision, ("unassigned", "baseline", "40")
TABLE: list[tuple[TrafficSplit, str | None, Told]] = [
    (BOTH, "a", (OURS, "baseline", "40")),
    (BOTH, "A", (OURS, "baseline", "40")),
    (BOTH, "b-w10", (OURS, "w10", "10")),
    (BOTH, "b-w5", (OURS, "w5", "5")),
    (BOTH, "c", NOBODY),
    (BOTH, "a, b-w10", NOBODY),
    (BOTH, None, NOBODY),
    (ONE_LEFT, "b-w10", (OURS, "baseline", "40")),
    (ONE_LEFT, "b-w5", (OURS, "w5", "5")),
    (NEITHER, "b-w5", (OURS, "baseline", "40")),
    (NEITHER, None, NOBODY),
    (WON, "a", (OURS, "w5", "5")),
    (WON, "b-w10", (OURS, "w5", "5")),
    (WON, None, (OURS, "w5", "5")),
]


@pytest.mark.parametrize("mode", ["HeaderCohort", COHORTS_IN_BODIES])
@pytest.mark.parametrize(("wanted", "value", "expected"), TABLE)
def test_each_cohort_gets_its_variant_and_everybody_else_the_baseline(
    wanted: TrafficSplit, value: str | None, expected: Told, mode: str
) -> None:
    assert told(wanted, cohort(value), mode=mode) == expected


def test_the_only_candidate_is_called_candidate_whatever_its_name() -> None:
    assert told(split(50), cohort("b-w10")) == (OURS, "candidate", "10")
    assert told(split(50), cohort("a")) == (OURS, "baseline", "40")
    assert told(split(0), cohort("b-w10")) == (OURS, "baseline", "40")


def test_every_rule_of_the_users_has_its_cohorts() -> None:
    rules = (rule(prefix("/v1/chat")), rule(exact("/ask"), timeouts={"request": "9s"}))
    for path in (CHAT, "/ask"):
        assert told(BOTH, Request(path, headers={"X-Cohort": "b-w5"}), *rules) == (OURS, "w5", "5")
        assert told(BOTH, Request(path), *rules) == NOBODY


def test_a_golden_question_reaches_its_variant_whatever_its_cohort_and_no_other_request_keeps_its_header() -> None:
    for variant, window in (("baseline", "40"), ("w10", "10"), ("w5", "5")):
        for value in ("a", "b-w10", None):
            assert told(BOTH, cohort(value, **{GOLDEN_HEADER: variant})) == (OURS, variant, window)
    here = inputs(spec=spec_in("HeaderCohort", 2))
    made = overlay(here, BOTH)
    met = winner(cohort("a", **{GOLDEN_HEADER: "neither"}), made["spec"]["rules"])
    assert met is not None
    assert GOLDEN_HEADER not in passed_on({GOLDEN_HEADER: "neither"}, met, met["backendRefs"][0])


def test_the_probe_asks_every_value_of_every_cohort_and_somebody_of_none() -> None:
    here = inputs(spec=spec_in("HeaderCohort", 2))
    made = overlay(here, BOTH)
    asked = {dict(each.headers).get("X-Cohort"): (each.revision, each.weights) for each in probes(here, BOTH, made)}
    assert asked == {
        "a": (OURS, (("baseline", 100),)),
        "A": (OURS, (("baseline", 100),)),
        "b-w10": (OURS, (("w10", 100),)),
        "b-w5": (OURS, (("w5", 100),)),
        None: ("unassigned", (("baseline", 100),)),
    }
    made = overlay(here, WON)
    (only,) = probes(here, WON, made)
    assert (only.revision, only.weights) == (OURS, (("w5", 100),))


@pytest.mark.parametrize("name", ["x-cohort", "X-COHORT"])
@pytest.mark.parametrize(
    ("mode", "field"), [("HeaderCohort", "headerCohort"), (COHORTS_IN_BODIES, "requestBody.cohort")]
)
def test_a_route_that_matches_on_the_cohorts_header_itself_is_refused(name: str, mode: str, field: str) -> None:
    here = inputs(rule(prefix("/", headers=[header(name, "a")])), spec=spec_in(mode))
    refusal = preflight(here, split(50))
    assert refusal is not None
    assert refusal.reason == "CohortHeaderInRoute" and f"Write another header in {field}, or" in refusal.message


def test_more_cohorts_than_a_route_can_hold_are_refused() -> None:
    rules = [rule(exact(f"/ask/{number}")) for number in range(4)]
    here = inputs(*rules, spec=spec_in("HeaderCohort", 2))
    refusal = preflight(here, BOTH)
    assert refusal is not None
    assert (refusal.reason, "fewer cohort values" in refusal.message) == ("OverlayTooLarge", True)


def test_an_overlay_in_which_somebody_moved_a_cohort_does_not_show_the_share() -> None:
    here = inputs(spec=spec_in("HeaderCohort", 2))
    made = overlay(here, BOTH)
    for each in made["spec"]["rules"]:
        for match in each["matches"]:
            for condition in match.get("headers", []):
                condition["value"] = "d" if condition["value"] == "b-w5" else condition["value"]
    assert not has_split(made, here.spec.delivery, BOTH)


def test_what_cohorts_get_is_told() -> None:
    assert [summary(each) for each in (BOTH, ONE_LEFT, NEITHER, WON)] == [
        "Cohorts get w10, w5.",
        "Cohorts get w5.",
        "All cohorts get the baseline.",
        "All requests get w5.",
    ]
