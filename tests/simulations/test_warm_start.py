"""A search that starts from a good history needs at least a quarter fewer requests, and certifies nothing wrong."""

from __future__ import annotations

import random
from statistics import mean

import pytest
from numpy.random import default_rng

from earlystop.evidence.objective import Objective
from earlystop.rollout.search.belief import PastResult, belief_of
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Belief, Estimate
from tests.bench.search_shapes import CLIFF, FLAT, Shape
from tests.bench.simulated_search import SimulatedSearch, simulate_search
from tests.unit.rollout.search.made_up import TERMS

RUNS, TENANTS, RUNGS_TRIED = 12, 4, 5
OBJECTIVE = Objective(margin=0.02, minimum_saving=0.04, risk_promote=0.05, risk_harm=0.05)


def history(shape: Shape, rng: random.Random, *, is_reversed: bool = False) -> Belief | None:
    """What tenants that tried some rungs each have shown; their losses differ by half a point. is_reversed: what they
    say of the boldest is true of the most careful."""
    results = []
    for _ in range(TENANTS):
        for rung in rng.sample(range(len(shape.settings)), RUNGS_TRIED):
            true = shape.curve.settings[len(shape.settings) - 1 - rung if is_reversed else rung]
            loss, saving = rng.gauss(rng.gauss(true.em_loss, 0.005), 0.005), rng.gauss(true.saving, 0.03)
            results.append(PastResult(shape.settings[rung].place, Estimate(loss, 0.005), Estimate(saving, 0.02)))
    return belief_of(shape.settings, results)


def searches(shape: Shape, kind: str) -> list[SimulatedSearch]:
    chance, rng = default_rng(3), random.Random(3)
    found = []
    for _ in range(RUNS):
        belief = None if kind == "cold" else history(shape, rng, is_reversed=kind == "reversed")
        found.append(simulate_search(Ladder(), shape.settings, shape.curve, OBJECTIVE, TERMS, chance, belief))
    return found


@pytest.mark.parametrize("shape", [FLAT, CLIFF], ids=lambda shape: shape.name)
def test_a_good_history_saves_a_quarter_of_the_requests_and_finds_no_worse_a_setting(shape: Shape) -> None:
    cold, warm = searches(shape, "cold"), searches(shape, "good")
    assert mean(each.requests for each in warm) <= 0.75 * mean(each.requests for each in cold)
    savings = [
        mean(0.0 if each.best is None else shape.curve.settings[each.best].saving for each in found)
        for found in (cold, warm)
    ]
    assert savings[1] >= savings[0] - 0.01


def test_a_history_that_is_the_wrong_way_round_certifies_nothing_that_violates() -> None:
    found = searches(CLIFF, "reversed")
    assert sum(each.violations > 0 for each in found) <= 2  # 5 % of 12, and two standard deviations of a binomial
