"""Searches against curves that are known: what they certify keeps the margin, and what they find is worth finding."""

from __future__ import annotations

from functools import cache

import pytest

from tests.bench.search import Cell, cell
from tests.bench.search_shapes import LADDERS, SURFACE, TABLE, U_SHAPE, Shape
from tests.bench.search_strategies import OF_BAYESIAN, STRATEGIES, TERMS, VERSION

RUNS = 10
MOST_VIOLATED = 3
"""A risk of 5 % violates in more than 3 of 10 campaigns once in 1000 times."""


@cache
def run(name: str, shape: Shape) -> Cell:
    """Each cell is played once for all tests of a worker."""
    return cell(shape, name, STRATEGIES[name], RUNS)


@pytest.mark.parametrize("shape", LADDERS, ids=lambda each: each.name)
def test_a_ladder_certifies_no_violating_rung_more_often_than_the_risk_and_saves_on_every_shape(shape: Shape) -> None:
    found = run(f"Ladder, cold, {VERSION}", shape)
    assert found.violates * RUNS <= MOST_VIOLATED
    assert found.saving >= 0.5 * found.most


@pytest.mark.parametrize("shape", LADDERS, ids=lambda each: each.name)
def test_on_one_stream_in_shadow_the_best_rung_is_found_with_few_requests(shape: Shape) -> None:
    found = run("Shadow, in sequence", shape)
    assert found.violates * RUNS <= MOST_VIOLATED
    assert found.at_best >= 0.9
    assert sorted(found.requests)[RUNS // 2] <= 20_000


@pytest.mark.parametrize("shape", [TABLE, U_SHAPE], ids=lambda each: each.name)
def test_users_save_most_of_what_the_ladder_finds_while_it_still_searches(shape: Shape) -> None:
    assert run(f"Ladder, cold, {VERSION}", shape).meanwhile >= 0.6


def test_a_ladder_finds_the_best_rung_of_a_curve_that_turns_round() -> None:
    assert run(f"Ladder, cold, {VERSION}", U_SHAPE).at_best >= 0.8


@pytest.mark.slow
def test_history_makes_a_ladder_shorter_by_a_quarter_at_least() -> None:
    # A campaign may take a tenth or twice of the mean: ten tell no two apart.
    cold, warm = (
        cell(TABLE, name, STRATEGIES[name], 40) for name in (f"Ladder, cold, {VERSION}", f"Ladder, warm, {VERSION}")
    )
    assert sum(warm.requests) <= 0.75 * sum(cold.requests)
    assert max(cold.violates, warm.violates) * 40 <= 7  # a risk of 5 % violates in more once in 1500 times


def test_a_bayesian_search_finds_a_saving_setting_of_a_surface_with_few_of_its_settings_tried() -> None:
    found = run(f"Bayesian, {OF_BAYESIAN}", SURFACE)
    assert found.violates * RUNS <= MOST_VIOLATED
    assert found.saving >= 0.75 * found.most


def test_the_bench_asks_for_no_more_than_the_shapes_can_give() -> None:
    best = TABLE.curve.best(TERMS.margin, TERMS.minimum_saving)
    assert best == 6 and TABLE.curve.keeps(6, TERMS.margin, TERMS.minimum_saving)
    assert not TABLE.curve.keeps(7, TERMS.margin, TERMS.minimum_saving)
