"""A guarded status refers to its plan, which its policy's spec says as well."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.api.status.compact import compact, whole
from earlystop.controller.status_layout import StatusLayout
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.margin_use import MarginUse
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.search.progress import Incumbent
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.stored.plan_reference import (
    PlanElsewhere,
    has_reference,
    plan_recorded,
    with_plan,
    with_reference,
)
from earlystop.rollout.stored.status_codec import from_status, to_status
from tests.unit.rollout.guarding import SPEC, watched, watching
from tests.unit.rollout.policies import UID, policy
from tests.unit.rollout.traffic import SAVING, Server

SEARCH: dict[str, Any] = {
    "candidates": None,
    "search": {"strategy": "Ladder", "parameters": [{"name": "window", "values": ["20", "10", "5"]}]},
    "guard": {"holdbackWeight": 10},
}
SESSIONS = {"objective": {"exactMatch": {"longestSessionSeconds": 600}}, "rollout": {"lookSeconds": 60}}
LEARNING = {"rollout": {"learnSeconds": 600}, "objective": {"risk": {"campaigns": 3}}}
BESIDE = Incumbent("w10", (("window", "10"),), 0.3)
PLANS = [
    (policy(), {}),
    (policy(LEARNING), {"retry": "again", "attempt": 3}),
    (policy(SESSIONS), {"engine": 1}),
    (policy(), {"longest_answer": 32768}),
    (policy(), {"used": MarginUse(0.01, 0.0125, 2)}),
    (policy(SEARCH), {"trial": TrialPlan(1, 2, "w5", (("window", "5"),), 0.0125, 50_000, BESIDE, 60)}),
]


@pytest.mark.parametrize(("spec", "own"), PLANS, ids=range(len(PLANS)))
def test_any_plan_comes_back_from_its_spec_and_from_its_verdict(spec: PolicySpec, own: dict[str, Any]) -> None:
    text = plan_text(spec, **own)
    parse_plan(text)
    short = json.loads(json.dumps(with_reference({"plan": text}, spec)))
    assert has_reference(short) and len(json.dumps(short["plan"])) < len(text)
    assert with_plan(short, spec) == with_plan(short, None, ("{}", text)) == {"plan": text}
    assert with_plan({"plan": text}, spec) == {"plan": text}


def test_what_is_edited_live_leaves_the_plan_and_another_margin_does_not() -> None:
    text = plan_text(SPEC)
    short = with_reference({"plan": text}, SPEC)
    live = SPEC.model_copy(update={"suspend": True})
    assert with_plan(short, live) == {"plan": text}
    edited = policy({"objective": {"exactMatch": {"margin": "0.07"}}})
    with pytest.raises(PlanElsewhere, match="restore that verdict, or take the edit back"):
        with_plan(short, edited, plan_recorded({"spec": {"plan": plan_text(edited)}}))
    assert with_plan(short, edited, plan_recorded({"spec": {"plan": text}})) == {"plan": text}
    assert with_reference({"plan": text}, edited) == {"plan": text}, "an edit waits, so nothing else says the plan"


@pytest.mark.parametrize("reference", [{}, {"digest": "00"}, {"digest": 1, "engine": 3}, {"engine": None}])
def test_a_reference_to_no_plan_is_refused(reference: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="EarlyStopVerdict alone"):
        with_plan({"plan": reference}, SPEC)


@pytest.mark.parametrize("own", [{"unheardOf": 1}, {"used": {"lost": 2}}, {"trial": {"number": 1}}])
def test_a_reference_of_another_release_is_refused_with_what_is_unknown(own: dict[str, Any]) -> None:
    short = with_reference({"plan": plan_text(SPEC)}, SPEC)
    with pytest.raises(ValueError, match=r"unheardOf|the plan's") as told:
        with_plan({"plan": {**short["plan"], **own}}, SPEC)
    assert not isinstance(told.value, PlanElsewhere)


@pytest.mark.parametrize("verdict", [None, {}, {"spec": None}, {"spec": {"plan": 3}}])
def test_a_verdict_without_a_plan_gives_none(verdict: object) -> None:
    assert plan_recorded(verdict) == ()


def test_only_a_guarded_status_whose_verdict_is_stored_refers_to_its_plan_and_older_ones_are_read() -> None:
    server = Server()
    state = watched(SPEC, watching(SPEC, server), server, SAVING, 40)
    status = {**to_status("qa", UID, LiveTimes.of(SPEC), state, "a ledger"), "observedGeneration": 1}
    layout = StatusLayout(keeps_internal=True, keeps_rest=True)
    short = layout.of(status, SPEC, is_recorded=True)
    assert has_reference(whole(short)) and "plan" not in short
    assert from_status(with_plan(whole(short), SPEC))[0].plan == state.plan
    for kept in (layout.of(status, SPEC), layout.of(status, is_recorded=True), compact(status)):
        assert whole(kept)["plan"] == status["plan"] and with_plan(whole(kept), None) == whole(kept)
    trying = {**status, "phase": "Observing"}
    assert layout.of(trying, SPEC, is_recorded=True) == trying
    old_definition = replace(layout, keeps_rest=False)
    assert old_definition.of(status, SPEC, is_recorded=True)["plan"] == status["plan"]


def test_a_reference_that_nobody_resolved_is_no_status() -> None:
    server = Server()
    state = watching(SPEC, server)
    status = to_status("qa", UID, LiveTimes.of(SPEC), state, "")
    with pytest.raises(ValueError, match="plan"):
        from_status(with_reference(status, SPEC))
