"""The sample-ratio check: exact under any sequence of weights, awake in both directions."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from earlystop.evidence import sample_ratio
from earlystop.evidence.sample_ratio import GRID, SampleRatioProcess
from tests.unit.evidence.simulate import RAMP, at_most, binomial, weight_at


def first_alarm(
    rng: np.random.Generator, odds_factor: float, risk: float, looks: int = 120, size: int = 200
) -> int | None:
    """Looks until the alarm when the candidate's odds are `odds_factor` times those asked for."""
    process = sample_ratio.start()
    for look in range(looks):
        weight = weight_at(look / looks, RAMP)
        odds = odds_factor * weight / (100 - weight)
        n_c = int(rng.binomial(size, odds / (1 + odds)))
        process = sample_ratio.update(process, size - n_c, n_c, weight)
        if process.log_e_max >= -math.log(risk):
            return look + 1
    return None


@pytest.mark.parametrize("weight", [1, 5, 25, 50, 99])
@pytest.mark.parametrize("started", [1, 7, 40])
def test_working_routing_leaves_every_bet_at_exactly_its_stake_on_average(weight: int, started: int) -> None:
    chance = np.array([binomial(count, started, weight / 100) for count in range(started + 1)])
    e_values = np.exp([sample_ratio.look_log_e(started - c, c, weight) for c in range(started + 1)])
    assert chance @ e_values == pytest.approx(np.ones(len(GRID)), abs=1e-9)


@pytest.mark.parametrize(("clump", "weight"), [(1, 50), (5, 50), (5, 5), (50, 50)])
def test_clumps_of_requests_that_stick_to_a_variant_raise_no_alarm_that_lasts(clump: int, weight: int) -> None:
    alarms = 0
    for run in range(20):
        rng, check = np.random.default_rng([clump, weight, run]), sample_ratio.start(in_clumps=True)
        for _ in range(120):
            candidate = clump * int(rng.binomial(200 // clump, weight / 100))
            check = sample_ratio.update(check, 200 - candidate, candidate, weight)
        alarms += check.log_e_shown >= np.log(1000)
    assert alarms <= 1


@pytest.mark.parametrize(("share", "looks"), [(0.0, 2), (0.4, 45)])
def test_a_split_that_is_broken_alarms_though_requests_come_in_clumps(share: float, looks: int) -> None:
    rng, check = np.random.default_rng(7), sample_ratio.start(in_clumps=True)
    for _ in range(looks):
        candidate = 5 * int(rng.binomial(40, share))
        check = sample_ratio.update(check, 200 - candidate, candidate, 50)
    assert check.log_e_shown >= np.log(1000)


def test_two_looks_under_different_weights_stay_at_one_on_average() -> None:
    expectation = 0.0
    for c1, c2 in product(range(9), range(6)):
        process = sample_ratio.update(sample_ratio.start(), 8 - c1, c1, 5)
        process = sample_ratio.update(process, 5 - c2, c2, 50)
        expectation += binomial(c1, 8, 0.05) * binomial(c2, 5, 0.5) * np.exp(process.log_e)
    assert expectation == pytest.approx(1, abs=1e-12)


@pytest.mark.slow
def test_a_ramp_routed_as_asked_alarms_no_more_often_than_the_risk() -> None:
    runs, risk = 400, 0.05
    rng = np.random.default_rng(21)
    false = sum(first_alarm(rng, 1.0, risk) is not None for _ in range(runs))
    assert false / runs <= at_most(risk, runs)


@pytest.mark.parametrize("odds_factor", [0.8, 1.25])
def test_odds_wrong_by_a_quarter_alarm_in_either_direction_during_a_ramp(odds_factor: float) -> None:
    rng = np.random.default_rng(22)
    assert all(first_alarm(rng, odds_factor, 0.001) is not None for _ in range(40))


def test_a_candidate_that_gets_nothing_at_all_alarms_at_a_risk_of_one_in_a_thousand() -> None:
    assert sample_ratio.update(sample_ratio.start(), 150, 0, 5).log_e < -math.log(0.001)
    assert sample_ratio.update(sample_ratio.start(), 200, 0, 5).log_e > -math.log(0.001)
    assert sample_ratio.update(sample_ratio.start(), 0, 40, 50).log_e > -math.log(0.001)


def test_the_known_mismatch_of_1_6_million_users_is_found_and_an_even_split_is_not() -> None:
    # 821 588 : 815 482 has a chi-squared p-value of 1.8e-6 under an even split.
    assert sample_ratio.update(sample_ratio.start(), 821_588, 815_482, 50).log_e > 6
    assert sample_ratio.update(sample_ratio.start(), 818_535, 818_535, 50).log_e < -2
    assert sample_ratio.update(sample_ratio.start(), 520, 480, 50).log_e < 0


def test_both_directions_weigh_the_same_at_an_even_split() -> None:
    one = sample_ratio.update(sample_ratio.start(), 600, 400, 50)
    other = sample_ratio.update(sample_ratio.start(), 400, 600, 50)
    assert one.log_e == pytest.approx(other.log_e, rel=1e-9) and one.log_e > 10


def test_a_look_without_requests_changes_nothing() -> None:
    process = SampleRatioProcess()
    assert sample_ratio.update(process, 0, 0, 50) is process
