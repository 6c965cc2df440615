"""How long a rollout under way still takes is told as it comes in most cases, and not at all where nobody can say."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from earlystop.api.policy import PolicySpec
from earlystop.evidence.intervals import Interval
from earlystop.rollout.state import RolloutState
from earlystop.simulation import remaining as module
from earlystop.simulation.forecast import follow
from earlystop.simulation.paths import Paths
from earlystop.simulation.remaining import remaining
from earlystop.simulation.remaining_time import obstacle
from earlystop.simulation.remaining_together import Drawn, together
from earlystop.simulation.search_campaigns import play_search
from earlystop.simulation.search_truth import TrueCurve, TrueSetting
from earlystop.simulation.simulate import states_of
from earlystop.simulation.traffic import SyntheticTraffic
from earlystop.simulation.watched_stages import Watched
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.states import REACHED

STEPS = {"lookSeconds": 15, "settleSeconds": 30, "steps": [{"weight": 25}, {"weight": 50}]}
INDEPENDENT: dict[str, Any] = {"margin": "0.03", "assumeIndependent": True}
CASES: dict[str, tuple[dict[str, Any], SyntheticTraffic]] = {
    "on answers": (INDEPENDENT, SyntheticTraffic(rate=20)),
    "on pairs": ({"margin": "0.03", "evidence": "Pairs"}, SyntheticTraffic(rate=20)),
}
RUNS = 6


def spec_of(exact_match: dict[str, Any]) -> PolicySpec:
    return policy({"rollout": STEPS, "objective": {"exactMatch": exact_match}})


@pytest.mark.slow
def test_most_verdicts_come_within_the_interval_that_was_told_midway() -> None:
    random, within = default_rng(5), []
    for exact_match, traffic in CASES.values():
        spec = spec_of(exact_match)
        for _ in range(RUNS):
            seen = list(states_of(spec, traffic, random))
            now, state = seen[len(seen) // 2]
            told = remaining(spec, state, now)
            within += [] if told is None else [told.low <= seen[-1][0] - now <= told.high]
    # 8 of 10 are promised: of so many, no fewer than two standard deviations below that.
    assert len(within) >= RUNS
    assert sum(within) >= 0.8 * len(within) - 2 * (0.8 * 0.2 * len(within)) ** 0.5


NO_FORECAST = {
    "settling": "no forecast before 100 answers of each (0 so far)",
    "observing a broken split": "no forecast before answers begin to show a saving of tokens",
    "promoted": None,
    "pending": None,
}


@pytest.mark.parametrize("name", NO_FORECAST)
def test_a_campaign_that_nobody_can_forecast_says_why(name: str) -> None:
    assert obstacle(REACHED[name]) == NO_FORECAST[name]


def midway(loss: float) -> tuple[PolicySpec, int, RolloutState]:
    """A rollout after its eighth look."""
    spec = spec_of(INDEPENDENT)
    looks = states_of(spec, SyntheticTraffic(rate=4, em_loss=loss), default_rng(2))
    now, state = next((now, state) for now, state in looks if state.most_looks == 8)
    return spec, now, state


@pytest.mark.slow
def test_all_supposed_losses_are_followed_together_look_by_look(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, now, state = midway(0.0)
    followed: list[int] = []

    def counting(watched: Watched, random: Generator, paths: Paths, *more: Any) -> Any:
        followed.append(len(paths.number))
        return follow(watched, random, paths, *more)

    monkeypatch.setattr(module, "follow", counting)
    assert remaining(spec, state, now) is not None
    assert followed == [len(module.PARTS) * module.RUNS], "a look costs as much for one rollout as for hundreds"


@pytest.mark.slow
def test_the_same_state_is_told_the_same_each_time_and_the_clock_counts_down() -> None:
    spec, now, state = midway(0.0)
    first, later = remaining(spec, state, now), remaining(spec, state, now + 5)
    assert first is not None and first == remaining(spec, state, now)
    assert later is not None and later.low == pytest.approx(first.low - 5)


def test_what_comes_after_the_deadline_is_no_verdict() -> None:
    spec, now, state = midway(0.0)
    short = spec.model_copy(update={"rollout": spec.rollout.model_copy(update={"deadline_seconds": now + 16})})
    told = remaining(short, state, now)
    assert told is not None and told.high == inf and told.promoted + told.rolled_back < 0.2


@every_row("name", sorted(REACHED))
def test_nothing_is_told_of_what_is_decided_stands_still_or_is_unsound(name: str) -> None:
    state = REACHED[name]
    spec = state.plan.spec if state.plan else policy()
    told = remaining(spec, state, (state.last_look_at or NOW) + 5)
    if told is not None:
        assert state.decision is None and state.suspended_at is None
        assert state.awaiting is None
        assert not any(each.assessment.sample_ratio_broken for each in state.active)
        assert 0 <= told.low <= told.high and told.promoted + told.rolled_back <= 1


SEARCHED: dict[str, Any] = {
    "rollout": {"lookSeconds": 15, "settleSeconds": 30, "steps": [{"weight": 50}]},
    "objective": {"exactMatch": INDEPENDENT, "tokens": {"minimumSaving": "0.05"}},
    "candidates": None,
}
TRUE = (0.0, 0.005, 0.01, 0.08), (0.15, 0.25, 0.4, 0.5)


def campaigns(strategy: str, run: int) -> tuple[PolicySpec, list[list[tuple[int, RolloutState]]]]:
    """The states after the looks of each campaign of a search over four settings, of which the boldest harms."""
    searched = [{"name": "window", "values": ["20", "10", "5", "2"]}]
    spec = policy({**SEARCHED, "search": {"strategy": strategy, "parameters": searched}})
    names = [each.name for each in spec.search_settings()]
    curve = TrueCurve(0.85, 600, tuple(map(TrueSetting, names, *TRUE)))
    seen: dict[int, list[tuple[int, RolloutState]]] = {}
    play_search(spec, curve, 20.0, default_rng([9, run]), lambda now, state: _note(seen, now, state))
    return spec, list(seen.values())


def _note(seen: dict[int, list[tuple[int, RolloutState]]], now: int, state: RolloutState) -> None:
    seen.setdefault(state.campaign, []).append((now, state))


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "runs"), [("Grid", 8), ("Ladder", 6)])
def test_several_candidates_and_trials_beside_a_setting_that_serves_are_forecast_as_well(
    strategy: str, runs: int
) -> None:
    within: list[bool] = []
    for run in range(runs):
        spec, played = campaigns(strategy, run)
        for looks in played:
            now, state = looks[len(looks) // 2]
            if len(state.comparisons) > 1 or state.pinned_plan.incumbent is not None:
                told = remaining(spec, state, now)
                within += [] if told is None else [told.low <= looks[-1][0] - now <= told.high]
    assert len(within) >= runs / 2
    assert sum(within) >= 0.8 * len(within) - 2 * (0.8 * 0.2 * len(within)) ** 0.5


def drawn(saved: float, seconds: list[float], verdicts: list[int]) -> Drawn:
    return Drawn(np.array(seconds), np.array(verdicts), Interval(saved, saved - 0.01, saved + 0.01), 100, 1.0)


def test_of_several_the_best_that_is_proven_is_promoted_once_no_bolder_one_is_open() -> None:
    bold, careful = drawn(0.5, [10, 20, inf, 40], [-1, 1, 0, -1]), drawn(0.2, [30, 70, 50, 60], [1, 1, 1, -1])
    told = together([careful, bold], 100, default_rng(1))
    assert (told.promoted, told.rolled_back) == (0.75, 0.25)
    # Nobody waits for the careful one once the bold one is proven and both savings are apart; an open one is waited for
    # until the deadline.
    assert told.low == 20 and told.high == 100


def test_more_candidates_than_a_screen_waits_for_are_not_forecast() -> None:
    many = replace(REACHED["several, one dropped"])
    assert obstacle(replace(many, comparisons=many.active * 17)) == "no forecast of more than 16 candidates"
