"""Rates of rare events: exact for yes/no outcomes, under any split, and found when they rise."""

from __future__ import annotations

from itertools import product
from math import log

import numpy as np
import pytest

from earlystop.evidence import rate_ratio
from earlystop.evidence.rate_ratio import GRID, Events
from tests.unit.evidence.simulate import RAMP, at_most, binomial, weight_at


def test_one_look_reproduces_the_pinned_increment() -> None:
    found = rate_ratio.look_log_e(Events(1800, 5), Events(200, 9), 1.5, [log(2)])
    assert found == pytest.approx([4.36888513], abs=5e-9)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize(("n_b", "n_c"), [(1, 1), (5, 2), (3, 6)])
def test_no_null_hypothesis_lets_any_bet_of_a_look_grow_on_average(ratio: float, n_b: int, n_c: int) -> None:
    outcomes = list(product(range(n_b + 1), range(n_c + 1)))
    e_values = np.exp([rate_ratio.look_log_e(Events(n_b, b), Events(n_c, c), ratio) for b, c in outcomes])
    for rate_b, depth in product((0.0, 0.001, 0.05, 0.2, 0.33, 1.0), (1.0, 0.7, 0.0)):
        rate_c = ratio * rate_b * depth
        if rate_c > 1:
            continue
        chance = np.array([binomial(b, n_b, rate_b) * binomial(c, n_c, rate_c) for b, c in outcomes])
        assert (chance @ e_values).max() <= 1 + 1e-12


def run(rng: np.random.Generator, factor: float, looks: int = 120, size: int = 2000) -> bool:
    """Whether a ramp of failures at 0.5 % in the baseline, `factor` times that in the candidate, is refused."""
    process = rate_ratio.start(1.5)
    for look in range(looks):
        n_c = int(rng.binomial(size, weight_at(look / looks, RAMP) / 100))
        rate = 0.005 if look < looks / 2 else 0.02  # the baseline worsens at the larger weights
        failed = (
            Events(size - n_c, int(rng.binomial(size - n_c, rate))),
            Events(n_c, int(rng.binomial(n_c, rate * factor))),
        )
        process = rate_ratio.update(process, *failed)
    return process.log_e_max >= log(20)


@pytest.mark.slow
def test_at_the_allowed_ratio_false_alarms_stay_within_the_risk_while_weights_and_baseline_change() -> None:
    rng, runs = np.random.default_rng(5), 300
    assert sum(run(rng, 1.5) for _ in range(runs)) / runs <= at_most(0.05, runs)


def test_three_times_the_failures_are_found() -> None:
    rng = np.random.default_rng(6)
    assert all(run(rng, 3.0) for _ in range(20))


def test_bets_are_added_up_over_looks_and_mixed() -> None:
    look = Events(1800, 5), Events(200, 9)
    process = rate_ratio.update(rate_ratio.update(rate_ratio.start(1.5), *look), *look)
    single = np.array(rate_ratio.look_log_e(*look, 1.5))
    expected = np.log(np.mean(np.exp(2 * single)))
    assert process.log_e == pytest.approx(expected, rel=1e-12) == process.log_e_max
    halved = rate_ratio.update(rate_ratio.start(1.5), *look, dispersion=2.0)
    assert halved.log_capital == pytest.approx(single / 2)
    assert len(process.log_capital) == len(GRID)


def test_a_look_in_which_an_arm_was_not_exposed_changes_nothing() -> None:
    process = rate_ratio.update(rate_ratio.start(2.0), Events(100, 3), Events(100, 5))
    assert rate_ratio.update(process, Events(100, 3), Events(0, 0)) == process
    assert rate_ratio.update(process, Events(0, 0), Events(9, 9)) == process


def test_counts_and_ratios_outside_their_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="candidate: 6 events among 5"):
        rate_ratio.update(rate_ratio.start(1.5), Events(9, 1), Events(5, 6))
    for ratio in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"as in 1\.5"):
            rate_ratio.start(ratio)
