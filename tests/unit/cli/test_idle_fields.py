"""`validate` notes which fields of a guard can do nothing, since promotions wait for consent."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.idle_fields import idle_notes

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
