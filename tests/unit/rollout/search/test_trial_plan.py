"""A plan says which trial it is, and a text that is none is refused with what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.rollout.plan import parse_plan
from earlystop.rollout.search.progress import Incumbent
from earlystop.rollout.search.trial_plan import TrialPlan
from tests.unit.rollout.policies import policy, started
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched

TRIAL = TrialPlan(1, 2, "window-10", (("patience", "2.5"), ("window", "10")), 0.0125, 8000)
BESIDE = replace(TRIAL, incumbent=Incumbent("window-20", (("window", "20"),), 0.25), incumbent_weight=60)


@pytest.mark.parametrize("trial", [TRIAL, BESIDE])
def test_a_trial_is_read_back_as_it_was_written(trial: TrialPlan) -> None:
    assert TrialPlan.of(json.loads(json.dumps(trial.wire()))) == trial


def test_beside_an_incumbent_a_candidate_gets_no_more_than_the_baseline() -> None:
    assert (TRIAL.largest_weight, BESIDE.largest_weight) == (100, 20)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"risk": 1.5}, "probability"),
        ({"risk": "0.1"}, "probability"),
        ({"requests": 0}, "whole numbers"),
        ({"number": True}, "whole numbers"),
        ({"values": {"window": 10}}, "text"),
        ({"values": None}, "cannot be read"),
        ({"incumbent": {"name": "a", "values": {}, "leastSaving": float("nan"), "weight": 50}}, "incumbent"),
        ({"incumbent": {"name": "a", "values": {}, "leastSaving": 0.1, "weight": 99}}, "incumbent"),
        ({"incumbent": {"name": "a"}}, "cannot be read"),
    ],
)
def test_a_text_that_is_no_trial_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        TrialPlan.of({**TRIAL.wire(), **change})


def test_a_plan_with_candidates_is_no_trial() -> None:
    pinned = json.loads(started(policy()).pinned_plan.text)
    with pytest.raises(ValueError, match="of no search"):
        parse_plan(json.dumps({**pinned, "trial": TRIAL.wire()}))


def test_a_plans_own_spec_asks_for_the_plan() -> None:
    plan = World(searched(), SAFE_BUT_LAST).start().pinned_plan
    assert plan.is_asked_for(plan.spec, "") and plan.is_asked_for(searched(), "")
    assert not plan.is_asked_for(searched({"failureBudget": 2}), "")


def test_no_plan_tries_all_settings_of_a_ladder_at_once() -> None:
    pinned = json.loads(World(searched(), SAFE_BUT_LAST).start().pinned_plan.text)
    pinned.pop("trial")
    with pytest.raises(ValueError, match="exactly one candidate"):
        parse_plan(json.dumps(pinned))
