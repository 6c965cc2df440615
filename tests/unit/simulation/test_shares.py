"""The interval of a simulated share holds the probability as often as it says, and at its ends too."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from earlystop.simulation.shares import share_interval


@pytest.mark.parametrize("probability", [0.001, 0.03, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("runs", [1, 7, 200])
def test_the_interval_misses_the_probability_at_most_as_often_as_its_risk_allows(runs: int, probability: float) -> None:
    intervals = [share_interval(count, runs) for count in range(runs + 1)]
    missed = [count for count, (low, high) in enumerate(intervals) if not low <= probability <= high]
    assert sum(binom.pmf(missed, runs, probability)) <= 0.05


def test_a_share_of_nothing_and_of_everything_begin_and_end_at_the_bounds() -> None:
    (none, few), (most, all_of_them) = share_interval(0, 200), share_interval(200, 200)
    assert (none, all_of_them) == (0.0, 1.0)
    assert few == pytest.approx(0.0183, abs=1e-4) and most == pytest.approx(0.9817, abs=1e-4)
