"""Several estimates become one as published, and pooling along an order keeps what the data show."""

from __future__ import annotations

import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.search.pooling import CLEAR_FALL, Mean, heterogeneity, monotone, random_effects
from earlystop.rollout.search.trial import Estimate
from tests.unit.rollout.policies import examples

# Thirteen trials of the BCG vaccine: logarithm of the risk ratio and its variance (Colditz et al., 1994).
BCG = (
    (-0.8893, 0.3256),
    (-1.5854, 0.1946),
    (-1.3481, 0.4154),
    (-1.4416, 0.0200),
    (-0.2175, 0.0512),
    (-0.7861, 0.0069),
    (-1.6209, 0.2230),
    (0.0120, 0.0040),
    (-0.4694, 0.0564),
    (-1.3713, 0.0730),
    (-0.3394, 0.0124),
    (0.4459, 0.5325),
    (-0.0173, 0.0714),
)
values = st.floats(-0.2, 0.2)
errors = st.floats(0.001, 0.05)
estimates = st.lists(st.builds(Estimate, values, errors), min_size=1, max_size=8)
means = st.builds(Mean, values, st.floats(1e-6, 1e-3), st.floats(0, 1e-3), st.floats(0, 1e-3))


def test_thirteen_trials_of_a_vaccine_are_pooled_as_published() -> None:
    trials = [Estimate(value, sqrt(variance)) for value, variance in BCG]
    between = heterogeneity(trials).between
    pooled = random_effects(trials, between)
    assert between == pytest.approx(0.3088, abs=1e-3)
    assert pooled.value == pytest.approx(-0.7141, abs=1e-3)
    assert sqrt(pooled.variance) == pytest.approx(0.1787, abs=1e-3)


def test_three_tenants_by_hand() -> None:
    # Weights 1/0.005^2 = 40,000 each: mean 0.02, Q = 40,000 (2 x 0.01^2) = 8, C = 120,000 - 40,000 = 80,000.
    tenants = [Estimate(mean, 0.005) for mean in (0.01, 0.02, 0.03)]
    assert heterogeneity(tenants).between == pytest.approx((8 - 2) / 80_000)
    pooled = random_effects(tenants, 0.000075)
    assert (pooled.value, pooled.variance) == pytest.approx((0.02, 0.0001 / 3))
    assert pooled.sampling == pytest.approx(0.000025 / 3)


@pytest.mark.slow
@examples
@given(estimates)
def test_tenants_that_agree_differ_by_nothing_and_one_alone_shows_no_difference(found: list[Estimate]) -> None:
    alike = [Estimate(found[0].mean, each.error) for each in found]
    assert heterogeneity(alike).between == 0
    assert heterogeneity(found[:1]).between == 0


@pytest.mark.slow
@examples
@given(estimates, st.floats(0, 0.01))
def test_a_mean_lies_among_its_estimates_and_is_no_worse_known_than_any_of_them(
    found: list[Estimate], between: float
) -> None:
    pooled = random_effects(found, between)
    assert min(each.mean for each in found) - 1e-12 <= pooled.value <= max(each.mean for each in found) + 1e-12
    assert pooled.variance <= min(each.error**2 for each in found) + between + 1e-12


@pytest.mark.slow
@examples
@given(st.lists(means, min_size=1, max_size=10))
def test_means_that_do_not_fall_are_left_as_they_are(found: list[Mean]) -> None:
    rising = sorted(found, key=lambda each: each.value)
    assert monotone(rising) == rising


@pytest.mark.slow
@examples
@given(st.lists(means, min_size=1, max_size=10))
def test_no_mean_leaves_the_range_of_all_and_one_that_moved_is_as_uncertain_as_it_moved(
    found: list[Mean],
) -> None:
    after = monotone(found)
    assert len(after) == len(found)
    lowest, highest = min(each.value for each in found), max(each.value for each in found)
    for before, each in zip(found, after, strict=True):
        assert lowest - 1e-12 <= each.value <= highest + 1e-12
        assert each.sampling + 1e-15 >= (each.value - before.value) ** 2


def test_a_fall_within_the_errors_is_pooled_and_a_clear_one_is_kept() -> None:
    error = 0.005
    for fall, is_kept in ((0.9 * CLEAR_FALL, False), (1.1 * CLEAR_FALL, True)):
        pair = [Mean(0.02 + fall * sqrt(2) * error, error**2, 0.0, 0.0), Mean(0.02, error**2, 0.0, 0.0)]
        assert (monotone(pair) == pair) is is_kept


def test_a_u_shape_is_flattened_in_no_more_than_one_of_fifty_histories() -> None:
    rng, flattened = random.Random(4), 0
    truth = (0.03, 0.02, 0.01, 0.0, 0.01, 0.02, 0.03)
    for _ in range(500):
        seen = [Mean(rng.gauss(value, 0.005), 0.005**2, 0.0, 0.0) for value in truth]
        after = monotone(seen)
        flattened += after[0].value - after[3].value < 0.015  # half of the true depth
    assert flattened <= 10


def test_a_rising_curve_that_noise_disturbs_is_known_better_after_pooling() -> None:
    rng, before, after = random.Random(5), 0.0, 0.0
    truth = (0.0, 0.0, 0.001, 0.002, 0.005, 0.009, 0.015)
    for _ in range(500):
        seen = [Mean(rng.gauss(value, 0.01), 0.01**2, 0.0, 0.0) for value in truth]
        before += sum((each.value - value) ** 2 for each, value in zip(seen, truth, strict=True))
        after += sum((each.value - value) ** 2 for each, value in zip(monotone(seen), truth, strict=True))
    assert after < 0.9 * before
