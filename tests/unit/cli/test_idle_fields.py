"""`validate` notes which fields of a policy can do nothing beside others of it."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.files.idle_fields import idle_notes

GUARD = {"adjust": {}, "whenBusy": {"load": "queue", "above": "40", "below": "10"}}
GATE = {"name": "nightly", "jobRef": {"name": "nightly"}}


def notes(**spec: Any) -> list[str]:
    return list(idle_notes({"spec": spec}))


@pytest.mark.parametrize("mode", ["BeforePromotion", "Always"])
def test_both_parts_of_a_guard_are_noted_where_people_are_asked(mode: str) -> None:
    busy, adjust = notes(guard=GUARD, approval={"mode": mode})
    assert busy.startswith("spec.guard.whenBusy: the load changes nothing, since people (spec.approval) must agree")
    assert adjust.startswith("spec.guard.adjust: no more careful setting follows an alarm")


def test_a_gate_before_the_promotion_makes_them_idle_too_and_one_before_a_step_does_not() -> None:
    assert "gates (rollout.gates)" in notes(guard=GUARD, rollout={"gates": [GATE]})[0]
    assert not notes(guard=GUARD, rollout={"gates": [{**GATE, "before": "Step"}]})


@pytest.mark.parametrize("mode", ["Never", "WhenBelowFloor"])
def test_nothing_is_noted_where_a_promotion_need_not_wait(mode: str) -> None:
    assert not notes(guard=GUARD, approval={"mode": mode}) and not notes(guard=GUARD)
    assert not notes(approval={"mode": "Always"}) and not notes(approval={"mode": "Always"}, guard={})


@pytest.mark.parametrize("spec", [None, [], "x", {"guard": 3, "approval": 4}, {"rollout": {"gates": 1}}])
def test_a_policy_of_another_form_is_not_noted(spec: object) -> None:
    assert not list(idle_notes({"spec": spec}))


LEARNED = {"learnSeconds": 60}
IDLE: dict[str, dict[str, Any]] = {
    "approval.expiresSeconds": {"approval": {"expiresSeconds": 600}},
    "approval.notByAuthor": {"approval": {"mode": "Never", "notByAuthor": True}},
    "rollout.learnSeconds": {"rollout": LEARNED, "objective": {"exactMatch": {"assumeIndependent": True}}},
    "objective.exactMatch.questions.number": {"objective": {"exactMatch": {"questions": {"number": 50}}}},
    "savings.shadows": {"savings": {"shadows": "Generated"}, "delivery": {"mode": "GatewayHeader"}},
    "search.failureBudget": {"search": {"strategy": "Grid", "failureBudget": 5}},
    "delivery.paths": {"delivery": {"paths": ["/v1/*"]}},
    "rollout.onInconclusive": {"search": {"strategy": "Ladder"}, "rollout": {"onInconclusive": "Hold"}},
}
USED: dict[str, dict[str, Any]] = {
    "approvals that are asked for": {"approval": {"mode": "WhenBelowFloor", "expiresSeconds": 600}},
    "a watch that teaches": {"rollout": LEARNED},
    "questions of a population": {"objective": {"exactMatch": {"questions": {"about": "Population", "number": 50}}}},
    "shadows before the first step": {"savings": {"shadows": "Generated"}, "rollout": {"shadowSeconds": 60}},
    "trials that may fail": {"search": {"strategy": "Bayesian", "failureBudget": 5}},
    "paths of the server": {"delivery": {"paths": ["/v1/chat/completions", "/llm/chat"]}},
    "a campaign that holds": {"rollout": {"onInconclusive": "Hold"}},
    "a search in one campaign that holds": {"search": {"strategy": "Grid"}, "rollout": {"onInconclusive": "Hold"}},
}


@pytest.mark.parametrize("field", sorted(IDLE))
def test_a_value_that_does_nothing_is_noted_by_its_name_and_with_what_to_write(field: str) -> None:
    (note,) = notes(**IDLE[field])
    assert note.startswith(f"spec.{field}: ") and ("remove" in note)


@pytest.mark.parametrize("what", sorted(USED))
def test_the_same_value_is_not_noted_where_it_does_something(what: str) -> None:
    assert notes(**USED[what]) == []
