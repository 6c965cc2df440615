"""How much differences between arms scatter: 1 for independent events, the design effect for clustered ones."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import scatter
from earlystop.evidence.scatter import KNOWN_LOOKS, MOST_FACTOR, Scatter


def seen(differences: np.ndarray, variance: float = 1.0) -> Scatter:
    """After looks with these differences, of a variance that independent events would have."""
    found = Scatter()
    for each in differences:
        found = scatter.observe(found, float(each) / variance, 1 / variance)
    return found


def factor(differences: np.ndarray, variance: float) -> float:
    return seen(differences, variance).factor(unknown=7.0)


def clusters(rng: np.random.Generator, looks: int, span: int, size: float) -> np.ndarray:
    """Differences of which clusters of `span` looks make up `size` times as much variance as independent events."""
    shared = np.repeat(rng.normal(0, np.sqrt(size), looks // span + 1), span)[:looks]
    return np.asarray(rng.normal(0, 1, looks) + shared)


def test_nothing_is_known_until_enough_looks_were_compared() -> None:
    rng = np.random.default_rng(1)
    assert not seen(rng.normal(0, 1, 7)).is_known() and factor(rng.normal(0, 1, 7), 1.0) >= 7.0
    assert seen(rng.normal(0, 1, 9)).is_known() and factor(rng.normal(0, 1, 9), 1.0) < 7.0


def test_long_blocks_are_known_after_four_of_them_and_are_a_guess_before() -> None:
    differences = np.random.default_rng(1).normal(0, 1, 129)
    early, late = seen(differences[:127]), seen(differences)
    assert not early.is_known(KNOWN_LOOKS) and early.factor(5.0, KNOWN_LOOKS) >= 5.0
    assert late.is_known(KNOWN_LOOKS) and late.factor(5.0, KNOWN_LOOKS) < 5.0
    assert late.learned_looks == KNOWN_LOOKS


def test_independent_events_are_charged_three_quarters_more_on_average() -> None:
    factors = [factor(np.random.default_rng([2, run]).normal(0.3, 0.5, 200), 0.25) for run in range(40)]
    assert min(factors) == 1.0 and np.median(factors) < 1.6
    # Of 600 runs the mean is 1.7 and the standard deviation 1.3: three standard errors more.
    assert np.mean(factors) < 1.7 + 3 * 1.3 / np.sqrt(40)


@pytest.mark.parametrize("span", [1, 4, 10, 20])
def test_clusters_of_one_or_more_looks_are_found_out(span: int) -> None:
    # Each cluster adds the same to `span` looks, so sums over many looks vary 1 + 2 span times as much.
    factors = [factor(clusters(np.random.default_rng([3, span, run]), 300, span, 2.0), 1.0) for run in range(15)]
    assert 0.75 * (1 + 2 * span) < np.median(factors) < 3 * (1 + 2 * span)


@pytest.mark.parametrize("level", [0.0, 100.0])
def test_a_difference_that_stays_is_no_scatter(level: float) -> None:
    differences = np.random.default_rng(4).normal(0, 1, 100)
    assert factor(differences + level, 1.0) == pytest.approx(factor(differences, 1.0))


def test_no_factor_is_above_the_most_and_one_that_reaches_it_is_not_known() -> None:
    drifting = seen(np.cumsum(np.random.default_rng(5).normal(0, 30, 200)))
    assert drifting.factor(5.0, KNOWN_LOOKS) == MOST_FACTOR
    assert not drifting.is_known(KNOWN_LOOKS)


def test_what_is_believed_of_independent_events_is_what_chance_hardly_explains() -> None:
    calm = [seen(np.random.default_rng([8, run]).normal(0, 1, 100)).beyond_doubt for run in range(40)]
    assert np.mean([each > 1 for each in calm]) < 0.2
    assert seen(clusters(np.random.default_rng(9), 100, 4, 4.0)).beyond_doubt > 5


@pytest.mark.slow
def test_the_degrees_of_freedom_are_those_that_simulated_means_have() -> None:
    means = np.array(
        [
            [each.mean for each in seen(np.random.default_rng([7, run]).normal(0, 1, 96)).scales[:5]]
            for run in range(150)
        ]
    )
    freedom = [each.freedom for each in seen(np.zeros(96)).scales[:5]]
    # A mean of squares with n degrees of freedom has the variance 2 / n; of 150 means it is known within a third.
    assert (means.var(axis=0) / (2 / np.array(freedom))).tolist() == pytest.approx([1.0] * 5, abs=0.4)


def test_growth_is_carried_on_to_blocks_that_were_not_seen_yet_and_nothing_else_is() -> None:
    rng = np.random.default_rng(7)
    grows, flat = seen(np.repeat([1.0, -1.0], 18)), seen(rng.normal(0, 1, 36))
    assert 1.0 < grows.carried_on(1) < grows.carried_on(32) < grows.carried_on(64) <= MOST_FACTOR
    assert grows.carried_on(1) == grows.factor(1.0, 64)
    assert flat.carried_on(32) == flat.factor(1.0, 64)
    assert Scatter().carried_on(32) == 1.0


def test_busy_looks_say_more_of_the_scatter_than_quiet_ones() -> None:
    rng = np.random.default_rng(11)
    found = Scatter(is_weighed=True), Scatter()
    for at in range(200):
        information, deviation = (1.0, 1.0) if at < 150 else (10.0, 3.0)
        statistic = float(rng.normal(0, deviation * np.sqrt(information)))
        found = scatter.observe(found[0], statistic, information), scatter.observe(found[1], statistic, information)
    weighed, even = (each.scales[0] for each in found)
    # A quarter of the looks has 500 of 650 parts of the information, and the variance of 9.
    assert weighed.mean == pytest.approx((150 + 500 * 9) / 650, rel=0.5) and even.mean < 4
    assert weighed.freedom < even.freedom / 2
    assert [each.windows for each in found[0].scales] == [each.windows for each in found[1].scales]
    assert found[0].is_known(KNOWN_LOOKS) and found[0].learned_looks == found[1].learned_looks


def test_looks_that_weigh_alike_say_the_same_whether_they_are_weighed_or_not() -> None:
    differences = np.random.default_rng(12).normal(0, 1, 150)
    found = Scatter(is_weighed=True)
    for each in differences:
        found = scatter.observe(found, float(each) / 0.25, 4.0)
    even = seen(differences, 0.25)
    assert [each.mean for each in found.scales] == pytest.approx([each.mean for each in even.scales])
    assert [each.freedom for each in found.scales] == pytest.approx([each.freedom for each in even.scales])


def test_what_was_seen_before_looks_that_are_not_compared_stays_with_what_it_weighs() -> None:
    before = seen(np.random.default_rng(13).normal(0, 1, 40))
    anew = scatter.begun_anew(before)
    assert [each.mean for each in anew.scales[:4]] == [each.mean for each in before.scales[:4]]
    assert not any(each.parts for each in anew.scales)


def test_quiet_looks_teach_nothing_of_a_few_that_have_nearly_all_answers() -> None:
    rng = np.random.default_rng(14)
    found = Scatter(is_weighed=True)
    known = []
    for at in range(170):
        information = 1.0 if at < 130 else 1000.0
        found = scatter.observe(found, float(rng.normal(0, np.sqrt(information))), information)
        known.append(found.is_known(KNOWN_LOOKS))
    assert known[129] and not any(known[130:160]) and known[-1]
    assert not known[126]
