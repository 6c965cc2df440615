"""Bayesian: what trials have shown orders the next, and no surface certifies a bad setting too often."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from itertools import product

import pytest

from earlystop.rollout.search import bayesian, curve, surface
from earlystop.rollout.search.bayesian import Bayesian
from earlystop.rollout.search.prior import Prior, loss_prior
from earlystop.rollout.search.trial import Belief, Estimate, Setting, TrialEnd, TrialOutcome
from tests.unit.rollout.search.made_up import TABLE_LOSSES, TERMS, Truth, largest_error, rungs, savings_of, search

BAYESIAN = Bayesian()
TEN = rungs(10)


def grid(*sizes: int) -> list[Setting]:
    """Settings of so many values of each parameter."""
    places = product(*([index / max(1, size - 1) for index in range(size)] for size in sizes))
    return [Setting(f"setting-{number}", (), place) for number, place in enumerate(places)]


def test_the_levels_of_all_failures_there_can_be_add_up_to_no_more_than_the_risk() -> None:
    spent = sum(bayesian.level(0.05, failures) for failures in range(10_000))
    assert 0.0499 < spent < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_truth_is_a_violating_setting_is_certified_no_more_often_than_the_risk(seed: int) -> None:
    rng = random.Random(seed)
    terms = replace(TERMS, risk=0.2, failure_budget=4, horizon=100_000_000)
    guesses = [Estimate(rng.uniform(-0.05, 0.1), 0.01) for _ in range(5)]
    belief = Belief(tuple(guesses), (None,) * 5) if seed % 2 else None
    shown = [Estimate(rng.uniform(-0.05, 0.1), rng.choice([0.001, 0.01])) for _ in range(5)]
    assert 0 < largest_error(BAYESIAN, rungs(5), terms, belief, shown) <= 0.2 + 1e-12


def test_surface_and_curve_say_the_same_of_settings_of_one_parameter() -> None:
    rng = random.Random(3)
    supposed = loss_prior(TEN, TERMS, None)
    for trials in (1, 4, 9):
        seen = [(rng.randrange(10), Estimate(rng.uniform(0, 0.05), rng.uniform(0.001, 0.01))) for _ in range(trials)]
        by_curve, by_surface = (each.after_trials(TEN, supposed, seen) for each in (curve, surface))
        for one, other in zip(by_curve, by_surface, strict=True):
            assert other.mean == pytest.approx(one.mean, rel=1e-6)
            assert other.error == pytest.approx(one.error, rel=1e-6)


def test_what_is_seen_exactly_is_believed_and_what_is_far_away_stays_as_supposed() -> None:
    settings = [Setting("here", (), (0.0, 0.0)), Setting("near", (), (0.01, 0.0)), Setting("far", (), (1.0, 1.0))]
    supposed = Prior((0.0, 0.0, 0.0), (0.02, 0.02, 0.02))
    here, near, far = surface.after_trials(settings, supposed, [(0, Estimate(0.02, 1e-9))])
    assert here.mean == pytest.approx(0.02, abs=1e-4) and here.error < 1e-3
    assert near.mean == pytest.approx(0.02, abs=2e-3)
    assert far.error > 0.9 * 0.02


def test_an_estimate_with_a_large_error_moves_what_is_believed_less_than_a_sure_one() -> None:
    supposed = loss_prior(TEN, TERMS, None)
    unsure, sure = (surface.after_trials(TEN, supposed, [(5, Estimate(0.06, error))])[5] for error in (0.03, 0.001))
    assert supposed.mean[5] < unsure.mean < sure.mean


def test_trials_of_one_setting_that_contradict_each_other_leave_numbers() -> None:
    seen = [(2, Estimate(0.0, 1e-300)), (2, Estimate(0.05, 1e-300))]
    for each in (curve, surface):
        told = each.after_trials(TEN, loss_prior(TEN, TERMS, None), seen)
        assert all(abs(one.mean) < 1 and 0 < one.error < 1 for one in told)


def test_the_best_setting_of_a_surface_is_found_in_a_fraction_of_its_trials() -> None:
    settings = grid(8, 6)
    losses = [0.06 * max(0.0, (x + y) / 2 - 0.2) ** 2 + 0.03 * abs(x - y) ** 2 for x, y in (s.place for s in settings)]
    savings = [0.1 + 0.25 * x + 0.15 * y for x, y in (s.place for s in settings)]
    truth = Truth(losses, savings)
    outcomes = search(BAYESIAN, settings, truth, replace(TERMS, failure_budget=6, horizon=10_000_000))
    best = max(saving for loss, saving in zip(losses, savings, strict=True) if loss <= 0.02)
    found = max(savings[each.setting] for each in outcomes if each.end is TrialEnd.CERTIFIED)
    assert found >= 0.9 * best and len(outcomes) <= 16


def test_history_orders_the_trials() -> None:
    known = tuple(Estimate(loss, 0.002) for loss in TABLE_LOSSES)
    belief = Belief(known, tuple(Estimate(saving, 0.02) for saving in savings_of(10)))
    first = BAYESIAN.propose(TEN, [], TERMS, belief, 1)
    assert first is not None and first.setting in (4, 5, 6)


def test_a_search_ends_with_its_budget_of_failures_and_with_its_requests() -> None:
    harmful = [TrialOutcome(index, TrialEnd.HARMFUL, 0.01, None, None, 100) for index in range(3)]
    assert BAYESIAN.propose(TEN, harmful[:2], TERMS, None, 1) is not None
    assert BAYESIAN.propose(TEN, harmful, TERMS, None, 1) is None
    assert BAYESIAN.propose(TEN, [], replace(TERMS, requests=50), None, 1) is None


def test_every_setting_that_was_tried_leaves_nothing_to_propose() -> None:
    tried = [TrialOutcome(index, TrialEnd.CERTIFIED, 0.01, None, None, 100) for index in range(2)]
    assert BAYESIAN.propose(rungs(2), tried, TERMS, None, 1) is None


@pytest.mark.slow
def test_a_ladder_loads_no_numpy() -> None:
    program = (
        "import sys; from earlystop.rollout.search import bayesian, ladder;"
        "from tests.unit.rollout.search.made_up import *;"
        "search(ladder.Ladder(), rungs(10), Truth(TABLE_LOSSES, savings_of(10)));"
        "bayesian.Bayesian();"
        "sys.exit(any(name.startswith(('numpy', 'scipy')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
