"""Looks dealt into parts, thousands of times: no part is luckier than another, and no bet grows under the null."""

from __future__ import annotations

from itertools import product
from math import exp

import numpy as np
import pytest
from scipy.stats import chi2, hypergeom, multivariate_hypergeom

from earlystop.api.counts import Pairs
from earlystop.evidence import exact_match, pairs
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.split_look import deal
from tests.unit.evidence.simulate import binomial

MARGIN, RISK = 0.02, 0.05


LOOK_TIMES = range(1_700_000_000, 1_700_000_000 + 15 * 20_000, 15)
"""Seeds as the operator has them: a look every 15 seconds."""


def fits(counts: np.ndarray, chances: np.ndarray) -> bool:
    """Pearson's test at 1 in 1000; cells expected fewer than 5 times are put together."""
    expected = counts.sum() * chances
    rare = expected < 5
    seen = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    statistic = float(((seen - wanted) ** 2 / np.maximum(wanted, 1e-9)).sum())
    return statistic <= float(chi2.isf(0.001, len(seen) - 1))


def test_over_look_times_the_arms_are_dealt_at_random_and_apart_from_each_other() -> None:
    seen = np.zeros((13, 9))
    for seed in LOOK_TIMES:
        (first_b, first_c), _ = deal(Answers(24, 18), Answers(16, 11), seed)
        seen[first_b.match, first_c.match] += 1
    chances = np.outer(hypergeom.pmf(np.arange(13), 24, 18, 12), hypergeom.pmf(np.arange(9), 16, 11, 8))
    assert fits(seen.ravel(), chances.ravel())


def test_over_look_times_no_part_is_luckier_than_another() -> None:
    seen = np.zeros((5, 11))
    for seed in LOOK_TIMES[:8000]:
        for place, (share, _) in enumerate(deal(Answers(50, 41), Answers(50, 25), seed)):
            seen[place, share.match] += 1
    for place in range(5):
        assert fits(seen[place], hypergeom.pmf(np.arange(11), 50, 41, 10))


def test_the_deals_of_looks_that_follow_each_other_have_nothing_in_common() -> None:
    first = [deal(Answers(40, 30), Answers(40, 30), seed)[0][0].match for seed in LOOK_TIMES]
    for lag in (1, 2, 4):
        correlation = np.corrcoef(first[:-lag], first[lag:])[0, 1]
        assert abs(correlation) <= 4 / np.sqrt(len(LOOK_TIMES))


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("rate", [0.1, 0.9])
@pytest.mark.parametrize(("n_b", "n_c"), [(37, 3), (20, 20)])
def test_parts_that_were_dealt_let_no_bet_grow_on_average_under_the_null(
    side: Side, rate: float, n_b: int, n_c: int
) -> None:
    """All outcomes of a look, dealt by many seeds; the gambler leaves with a small gain, or stays to the end."""
    begun, times = exact_match.start(MARGIN, side, guess=0.7, strength=2.0), 25
    at_end, left_early = np.zeros(times), np.zeros(times)
    for match_b, match_c in product(range(n_b + 1), range(n_c + 1)):
        chance = binomial(match_b, n_b, rate) * binomial(match_c, n_c, rate - MARGIN)
        for seed in range(times):
            (first, second) = deal(Answers(n_b, match_b), Answers(n_c, match_c), seed)
            middle = exact_match.update(begun, *first)
            end = exact_match.update(middle, *second)
            at_end[seed] += chance * exp(end.log_e)
            left_early[seed] += chance * exp(middle.log_e if middle.log_e > 0.2 else end.log_e)
    for values in (at_end, left_early):
        assert values.mean() <= 1 + 4 * values.std() / np.sqrt(times)


def test_over_look_times_pairs_are_dealt_at_random() -> None:
    new, seen = Pairs(40, 4, 3, 3), dict[Pairs, int]()
    for seed in LOOK_TIMES:
        first, second = pairs.deal(new, seed)
        assert first.plus(second) == new
        seen[first] = seen.get(first, 0) + 1
    cells = [Pairs(25 - b - c - n, b, c, n) for b, c, n in product(range(5), range(4), range(4))]
    chances = np.array([multivariate_hypergeom.pmf(list(cell), list(new), 25) for cell in cells])
    assert chances.sum() == pytest.approx(1)
    assert fits(np.array([seen.get(cell, 0) for cell in cells]), chances)
