"""Curves that others have measured: a Ladder ends with what holds on them, whatever their form."""

from __future__ import annotations

from functools import cache

from numpy.random import default_rng

from tests.bench.search_public import PUBLIC, SEED, best_within_reach
from tests.bench.search_strategies import STRATEGIES, VERSION
from tests.bench.simulated_search import SimulatedSearch

RUNS = 2
LADDER = f"Ladder, cold, {VERSION}"
MOST_VIOLATED = 6
"""A risk of 5 % violates in more than 6 of 28 campaigns once in 2,700 times."""
HARMFUL = "Qwen3-8B, max tokens, 200 questions", "R1-Distill-Qwen-14B, token budget"
"""Curves of which every setting loses more than the margin."""


@cache
def campaigns() -> dict[str, tuple[SimulatedSearch, ...]]:
    """Ladders on each curve, played once for all tests of a worker."""
    return {
        each.name: tuple(STRATEGIES[LADDER](each.shape(), default_rng([SEED, run])) for run in range(RUNS))
        for each in PUBLIC
    }


def test_on_curves_that_others_have_measured_no_more_is_certified_wrongly_than_the_risk_allows() -> None:
    ended = [each for found in campaigns().values() for each in found]
    assert sum(each.violations > 0 for each in ended) <= MOST_VIOLATED


def test_where_every_setting_of_a_public_curve_harms_the_search_ends_with_the_baseline() -> None:
    shapes = {each.name: each.shape() for each in PUBLIC}
    assert [best_within_reach(shapes[name]) for name in HARMFUL] == [None, None]
    ended = [each.best for name in HARMFUL for each in campaigns()[name]]
    assert ended.count(None) >= len(ended) - 1


def test_users_are_left_with_a_saving_on_most_public_curves_that_offer_one() -> None:
    offering = [each.name for each in PUBLIC if best_within_reach(each.shape()) is not None]
    saving = [name for name in offering if any(each.best is not None for each in campaigns()[name])]
    assert len(offering) >= 9 and len(saving) >= len(offering) - 2
