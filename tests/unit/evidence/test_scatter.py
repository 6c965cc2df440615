"""How much differences between arms scatter: 1 for independent events, the design effect for clustered ones."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import scatter
from earlystop.evidence.scatter import LEAST_PAIRS, Scatter


def factor(differences: np.ndarray, variance: float) -> float:
    """The factor after looks with these differences, of a variance that independent events would have."""
    seen = Scatter()
    for each in differences:
        seen = scatter.observe(seen, float(each) / variance, 1 / variance)
    return seen.factor(unknown=7.0)


def test_nothing_is_known_until_enough_looks_were_compared() -> None:
    rng = np.random.default_rng(1)
    assert factor(rng.normal(0, 1, LEAST_PAIRS), 1.0) == 7.0
    assert factor(rng.normal(0, 1, LEAST_PAIRS + 1), 1.0) < 7.0


def test_independent_events_are_charged_half_as_much_again_at_most_on_average() -> None:
    factors = [factor(np.random.default_rng([2, run]).normal(0.3, 0.5, 200), 0.25) for run in range(100)]
    assert min(factors) == 1.0 and np.mean(factors) < 1.7


@pytest.mark.parametrize("span", [1, 4, 10])
def test_clusters_of_one_or_more_looks_are_found_out(span: int) -> None:
    # Each cluster adds the same to `span` looks, so sums over many looks vary 1 + 2 span times as much.
    factors = []
    for run in range(60):
        rng = np.random.default_rng([3, span, run])
        shared = np.repeat(rng.normal(0, np.sqrt(2), 400 // span + 1), span)[:400]
        factors.append(factor(rng.normal(0, 1, 400) + shared, 1.0))
    assert 0.75 * (1 + 2 * span) < np.median(factors) < 2 * (1 + 2 * span)


@pytest.mark.parametrize("level", [0.0, 100.0])
def test_a_difference_that_stays_is_no_scatter(level: float) -> None:
    differences = np.random.default_rng(4).normal(0, 1, 100)
    assert factor(differences + level, 1.0) == pytest.approx(factor(differences, 1.0))
