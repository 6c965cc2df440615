"""Retries and edits of one candidate share the risks of error, over as many campaigns as the policy names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import Look
from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.spent_risk import attempts_spent, next_attempt
from earlystop.rollout.state import Attempts, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.policies import NOW, UID, WRITTEN, policy, started
from tests.unit.rollout.searching import NONE_IS_SAFE, World, searched
from tests.unit.rollout.traffic import SAVING, Server, answers, decided

SHARED = {"objective": {"risk": {"campaigns": 5}}}
PACE = {"name": "pace", "type": "Integer", "minimum": "1", "maximum": "9", "stopsSooner": "WhenLower"}


def shared(changes: dict[str, Any] | None = None) -> PolicySpec:
    objective = {**SHARED["objective"], **(changes or {}).get("objective", {})}
    return policy({**(changes or {}), "objective": objective})


def ended(spec: PolicySpec, state: RolloutState) -> RolloutState:
    """The campaign with its decision carried out."""
    return replace(decided(spec, state, Server(), SAVING), phase=Phase.PROMOTED)


def again(spec: PolicySpec, state: RolloutState, retry: str) -> RolloutState:
    return start_campaign(spec, retry, state, NOW, CampaignInputs(uid=UID, entropy=""))


def risks(state: RolloutState) -> tuple[int, float, float]:
    objective = state.pinned_plan.objective
    return state.pinned_plan.attempt, objective.risk_promote, objective.risk_harm


def retried(spec: PolicySpec, times: int) -> list[RolloutState]:
    """The first campaign of a policy and its retries, each as it begins."""
    states = [started(spec)]
    for number in range(times):
        states.append(again(spec, ended(spec, states[-1]), f"{number}"))
    return states


def test_the_campaigns_of_one_candidate_spend_each_risk_once_and_then_begin_anew() -> None:
    found = [risks(state) for state in retried(shared(), 6)]
    assert [attempt for attempt, _, _ in found] == [1, 2, 3, 4, 5, 1, 2]
    for column in (1, 2):
        assert sum(each[column] for each in found[:5]) == pytest.approx(0.05)
    falling = [promote for _, promote, _ in found[:5]]
    assert falling == sorted(falling, reverse=True)


def test_without_a_horizon_each_campaign_has_the_whole_risk() -> None:
    assert {risks(state) for state in retried(policy(), 2)} == {(1, 0.05, 0.05)}
    assert all(not state.attempts for state in retried(policy(), 2))


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": {"exactMatch": {"margin": "0.06"}}},
        {"rollout": {"steps": [{"weight": 50}]}},
        {"candidates": [{"name": "renamed", "values": [{"name": "window", "value": "10"}]}]},
        {
            "parameters": [*WRITTEN["parameters"], PACE],
            "baseline": {"values": [*WRITTEN["baseline"]["values"], {"name": "pace", "value": "3"}]},
        },
        {"parameters": WRITTEN["parameters"][:1], "baseline": {"values": [{"name": "window", "value": "40"}]}},
    ],
)
def test_an_edit_of_anything_but_the_candidates_values_is_a_campaign_of_the_same_candidate(
    changes: dict[str, Any],
) -> None:
    after = again(shared(changes), ended(shared(), started(shared())), "")
    assert (after.campaign, risks(after)[0]) == (2, 2)


def test_a_campaign_is_counted_on_after_a_status_that_told_candidates_apart_by_unchanged_values_too() -> None:
    identity = [[["patience", "2.5"], ["window", "10"]], 5]
    earlier = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    assert next_attempt([Attempts(earlier, 2)], shared()) == 3


def test_another_candidate_has_the_whole_risk_and_the_first_one_is_remembered_meanwhile() -> None:
    other = shared({"candidates": [{"name": "w11", "values": [{"name": "window", "value": "11"}]}]})
    between = again(other, ended(shared(), started(shared())), "")
    assert risks(between)[0] == 1
    assert risks(again(shared(), ended(other, between), ""))[0] == 2


def test_a_campaign_that_ended_before_any_evidence_has_spent_nothing() -> None:
    first = started(shared())
    assert first.looks == ()
    assert risks(again(shared(), first, "retry"))[0] == 1


def test_a_campaign_under_way_goes_on_though_it_is_not_the_first() -> None:
    second = retried(shared(), 1)[1]
    assert again(shared(), second, "0") is second


def test_status_and_verdict_say_what_is_spent_and_a_restart_forgets_none_of_it() -> None:
    spec = shared()
    second = retried(spec, 1)[1]
    status = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(spec), second, "")))
    assert status["risk"] == {
        "campaign": 2,
        "campaigns": 5,
        "promote": "0.00854052",
        "harm": "0.00854052",
        "promoteSpent": "0.0427026",
        "harmSpent": "0.0427026",
    }
    assert from_status(status)[0] == second
    record = json.loads(json.dumps(verdict_spec("qa", UID, decided(spec, second, Server(), SAVING))))
    assert record["risk"] == status["risk"] and differences(record) == []
    forged = {**record, "risk": {**record["risk"], "promoteSpent": "0.01"}}
    assert any("spent of the risks of error" in each for each in differences(forged))


@pytest.mark.parametrize("attempt", [0, 6, "2", 1.5])
def test_a_plan_that_is_none_of_the_campaigns_that_share_the_risk_is_refused(attempt: Any) -> None:
    text = {**json.loads(plan_text(shared())), "attempt": attempt}
    with pytest.raises(ValueError, match="write"):
        parse_plan(json.dumps(text))


WINDOWS = {"name": "window", "values": ["20", "10"]}


def a_search(strategy: str, *parameters: dict[str, Any]) -> PolicySpec:
    return searched(
        {"strategy": strategy, "parameters": list(parameters)},
        rollout={"steps": [{"weight": 50}]},
        objective={"risk": {"campaigns": 5}},
    )


@pytest.mark.parametrize(
    "again",
    [
        a_search("Ladder", {"name": "window", "values": ["20", "10", "5"]}),
        a_search("Bayesian", WINDOWS),
        a_search("Bayesian", WINDOWS, {"name": "patience", "values": ["2.5"]}),
        a_search("External", WINDOWS),
        a_search("Grid", WINDOWS),
    ],
    ids=["one more value", "another strategy", "a parameter that stays as it is", "proposals", "all at once"],
)
def test_a_search_that_changes_the_same_parameters_goes_on_in_the_same_count(again: PolicySpec) -> None:
    world = World(a_search("Ladder", WINDOWS), NONE_IS_SAFE)
    world.run()
    spent = attempts_spent(world.state)
    assert next_attempt(spent, again) == 2
    assert next_attempt(spent, a_search("Ladder", {"name": "patience", "values": ["1", "0.5"]})) == 1


def test_a_search_of_many_settings_makes_no_other_count_forgotten_nor_its_own() -> None:
    grid = a_search("Grid", {"name": "window", "values": [str(value) for value in range(1, 31)]})
    state = started(grid)
    look = Look(at=NOW, step=0, weight=1, baseline=answers(100), candidate=answers(100))
    looked = tuple(replace(each, looks=(look,)) for each in state.comparisons)
    others = tuple(Attempts(f"{number:016}", 1) for number in range(10))
    kept = attempts_spent(replace(state, comparisons=looked, attempts=others))
    assert set(others) <= set(kept) and next_attempt(kept, grid) == 2
