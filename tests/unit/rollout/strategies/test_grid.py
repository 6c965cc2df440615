"""Grid: all settings at once in equal shares, and at most one of them promoted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.policy import PolicySpec
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import TRYING, Phase, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.turns import Turns
from tests.unit.rollout.policies import UID, examples, policy, started
from tests.unit.rollout.several import BAD, Answering, by_name, decided, observe
from tests.unit.rollout.strategies.searches import CURVE, GRID, NAMES, search


def test_settings_share_the_weight_evenly_and_what_one_that_is_dropped_had_goes_to_the_baseline() -> None:
    before = started(GRID)
    assert weights(before) == (20, 20, 20, 20, 20)
    after = observe(GRID, before, CURVE, requests=1000)
    assert by_name(after)["window-3"].dropped is not None and weights(after) == (40, 20, 20, 20, 0)
    assert (after.phase, after.step) == (Phase.APPLYING, 1)


def test_looks_are_judged_by_the_shares_that_were_in_force() -> None:
    state = observe(GRID, started(GRID), CURVE, requests=1000)
    assert {(look.weight, look.baseline_weight) for each in state.comparisons for look in each.looks} == {(20, 20)}
    assert not any(each.assessment.sample_ratio_broken for each in state.comparisons)


def test_the_proven_setting_that_saves_most_is_promoted_and_its_verdict_verifies() -> None:
    state = decided(GRID, started(GRID), CURVE)
    assert state.decision is not None and state.decision.verdict is Verdict.PROMOTE
    assert state.decision.candidate == "window-5" and weights(state) == (0, 0, 0, 100, 0)
    assert differences(verdict_spec("qa", UID, state)) == []


@pytest.mark.slow
def test_a_grid_that_goes_on_from_its_status_at_any_look_decides_the_same() -> None:
    interrupted = started(GRID)
    turns = Turns()
    while interrupted.decision is None and turns.another():
        interrupted = observe(GRID, interrupted, CURVE, requests=1500)
        interrupted, _ = from_status(to_status("qa", UID, LiveTimes.of(GRID), interrupted, ""))
    whole = decided(GRID, started(GRID), CURVE, requests=1500)
    assert verdict_spec("qa", UID, interrupted) == verdict_spec("qa", UID, whole)


@pytest.mark.slow
@settings(examples, max_examples=8)
@given(st.lists(st.sampled_from([*CURVE, BAD]), min_size=1, max_size=3), st.integers(6, 99))
def test_at_most_one_setting_is_promoted_and_the_baseline_always_has_a_share(
    answering: list[Answering], weight: int
) -> None:
    spec = search("Grid", {"steps": [{"weight": weight}]}, [str(each) for each in range(20, 20 - len(answering), -1)])
    state = started(spec)
    for _ in range(2):
        if state.phase not in TRYING:
            break
        shares = weights(state)
        assert shares is not None and sum(shares) == 100 and shares[0] >= 100 - weight
        assert all(each.name == name for each, name in zip(state.comparisons, state.pinned_plan.names, strict=True))
        state = observe(spec, state, answering, requests=4000)
    if state.decision is not None:
        assert differences(verdict_spec("qa", UID, state)) == []
        final = weights(carried_out(state))
        assert final is not None and max(final) == 100


@pytest.mark.slow
def test_one_campaign_judges_as_many_settings_as_a_record_holds() -> None:
    written = {"name": "patience", "range": {"from": "0.1", "to": "6.4", "step": "0.1"}}
    spec = policy(
        {
            "candidates": None,
            "search": {"strategy": "Grid", "parameters": [written]},
            "rollout": {"steps": [{"weight": 70}]},
        }
    )
    plan = parse_plan(plan_text(spec))
    state = started(spec)
    assert len(plan.names) == 63 and weights(state) == (37, *(1,) * 63), "2.5 is the baseline's own"
    state = observe(spec, state, [CURVE[0]] * 63, requests=20_000)
    again, _ = from_status(to_status("qa", UID, LiveTimes.of(spec), state, ""))
    assert strategy_of(plan).weights(plan, again) == dict.fromkeys(plan.names, 1)
    assert replace(again, comparisons=()) == replace(state, comparisons=())


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_called_by_its_value(name: str) -> None:
    plan = parse_plan(plan_text(GRID))
    assert plan.settings_of(name) == {"window": name.removeprefix("window-"), "patience": "2.5"}


@pytest.mark.parametrize("budget", [{"requests": 3000}, {"seconds": 60}])
def test_a_budget_that_runs_out_ends_at_the_baseline_where_nothing_is_proven_and_says_so(
    budget: dict[str, int],
) -> None:
    spec = with_budget(budget)
    state = started(spec)
    for _ in range(8):
        state = observe(spec, state, CURVE[:2], requests=500)
        state = expire(LiveTimes.of(spec), state, state.last_look_at or 0)
        if state.decision is not None:
            break
    assert state.decision is not None and state.decision.reason == "SearchBudgetUsed"
    assert state.decision.verdict is Verdict.INCONCLUSIVE and "back to the baseline" in state.decision.message
    assert weights(state) == (100, 0, 0)
    assert differences(verdict_spec("qa", UID, state)) == []


def test_a_budget_that_runs_out_ends_with_the_best_setting_that_is_certified() -> None:
    spec = with_budget({"requests": 30_000})
    waiting = (CURVE[1], Answering(0.765, 100))  # the bolder one is slow to prove, and may save more
    state = observe(spec, started(spec), waiting, requests=9000, looks=2)
    assert state.decision is None and by_name(state)["window-20"].certified_at is not None
    state = observe(spec, state, waiting, requests=15_000)
    state = expire(LiveTimes.of(spec), state, state.last_look_at or 0)
    assert state.decision is not None and state.decision.verdict is Verdict.PROMOTE
    assert state.decision.candidate == "window-20"
    assert differences(verdict_spec("qa", UID, state)) == []


def with_budget(budget: dict[str, int]) -> PolicySpec:
    searched = {
        "strategy": "Grid",
        "parameters": [{"name": "window", "values": ["20", "10"]}],
        "budget": budget,
    }
    return policy({"candidates": None, "search": searched, "rollout": {"steps": [{"weight": 60}]}})
