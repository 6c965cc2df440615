"""A belief orders a search and never lowers what a trial must show, however wrong it is."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from earlystop.rollout.search.belief import PastResult, belief_of
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Belief, Estimate
from tests.unit.rollout.search.made_up import TABLE_LOSSES, TERMS, Truth, largest_error, rungs, savings_of, search

FEW = rungs(5)
LOSSES = {
    "everything is fine": (-0.05,) * 5,
    "the boldest is the safest": (0.08, 0.06, 0.04, 0.02, 0.0),
    "everything harms": (0.3,) * 5,
    "the middle harms": (0.0, 0.0, 0.3, 0.0, 0.0),
}


def believed(losses: tuple[float, ...]) -> Belief:
    """What is believed after tenants that all had these losses, measured precisely."""
    results = [
        PastResult(each.place, Estimate(loss, 0.001), Estimate(0.1 + each.place[0] / 2, 0.01))
        for each, loss in zip(FEW, losses, strict=True)
        for _ in range(6)
    ]
    found = belief_of(FEW, results)
    assert found is not None
    return found


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES.keys())
def test_a_search_that_starts_from_a_wildly_wrong_history_errs_no_more_often_than_its_risk(
    losses: tuple[float, ...],
) -> None:
    terms = replace(TERMS, risk=0.2, horizon=100_000_000)
    rng = random.Random(1)
    shown = [Estimate(rng.uniform(-0.05, 0.1), 0.01) for _ in FEW]
    assert largest_error(Ladder(), FEW, terms, believed(losses), shown) <= 0.2 + 1e-12


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES.keys())
def test_the_first_trial_is_judged_at_the_same_risk_with_a_history_as_without(losses: tuple[float, ...]) -> None:
    terms = replace(TERMS, horizon=100_000_000)
    cold = Ladder().propose(FEW, [], terms, None, 1)
    warm = Ladder().propose(FEW, [], terms, believed(losses), 1)
    assert cold is not None
    assert warm is None or warm.risk == cold.risk


def test_a_good_history_goes_to_the_best_setting_in_fewer_trials() -> None:
    settings, truth = rungs(10), Truth(TABLE_LOSSES, savings_of(10))
    results = [
        PastResult(settings[k].place, Estimate(TABLE_LOSSES[k], 0.004), Estimate(truth.savings[k], 0.02))
        for k in (2, 5, 6, 8)
        for _ in range(3)
    ]
    warm = search(Ladder(), settings, truth, belief=belief_of(settings, results))
    cold = search(Ladder(), settings, truth)
    assert max(each.setting for each in warm if TABLE_LOSSES[each.setting] <= 0.02) == 6
    assert len(warm) < len(cold)
