"""The interval for Exact Match: exact at any number of answers, compared inside classes, and never against a claim."""

from __future__ import annotations

from itertools import product
from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evidence import effect_bounds
from earlystop.evidence.bets import Answers
from earlystop.evidence.effect_bounds import GRID, DifferenceSums
from earlystop.evidence.intervals import Interval
from tests.unit.evidence.simulate import binomial, examples

MARGIN = 0.02
Classes = dict[str, tuple[Answers, Answers]]


def log_e(sums: DifferenceSums, difference: float) -> np.ndarray:
    """Evidence of each bet against "the candidate's Exact Match differs by `difference` at most"."""
    answers = np.array(sums.answers)
    return np.asarray(np.array(sums.difference) - difference * answers - np.array(sums.spread))


@pytest.mark.parametrize("rates", [(0.9, 0.7), (0.5, 0.5), (0.02, 0.3), (1.0, 0.0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_evidence_against_the_true_difference_is_expected_to_stay_below_one(
    rates: tuple[float, float], sign: int
) -> None:
    known = effect_bounds.add_look(DifferenceSums(MARGIN), {"": (Answers(40, 33), Answers(30, 20))}, 50)
    n_b, n_c = 4, 6
    expected = np.zeros(len(GRID))
    for x_b, x_c in product(range(n_b + 1), range(n_c + 1)):
        after = effect_bounds.add_look(known, {"": (Answers(n_b, x_b), Answers(n_c, x_c))}, 50)
        gain = np.subtract(after.difference, known.difference)
        gain = sign * (gain - (rates[1] - rates[0]) * np.subtract(after.answers, known.answers))
        gain -= np.subtract(after.spread, known.spread)
        expected += binomial(x_b, n_b, rates[0]) * binomial(x_c, n_c, rates[1]) * np.exp(gain)
    assert expected.max() <= 1 + 1e-12


def looks_of(rng: np.random.Generator, looks: int) -> list[Classes]:
    found = []
    for _ in range(looks):
        row = {}
        for name, rate, loss in (("easy", 0.97, 0.0), ("hard", 0.55, 0.04)):
            n_b, n_c = (int(rng.integers(20, 80)) for _ in range(2))
            row[name] = (
                Answers(n_b, int(rng.binomial(n_b, rate))),
                Answers(n_c, int(rng.binomial(n_c, rate - loss))),
            )
        found.append(row)
    return found


def summed(looks: list[Classes], share: float | None = 50) -> DifferenceSums:
    sums = DifferenceSums(MARGIN)
    for look in looks:
        sums = effect_bounds.add_look(sums, look, share)
    return sums


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_a_bound_is_where_the_evidence_reaches_one_over_its_risk(dispersion: float) -> None:
    sums = summed(looks_of(np.random.default_rng(5), 60))
    found = effect_bounds.bounds(sums, 0.05, 0.01, dispersion)
    assert found.low is not None and found.high is not None
    shares = np.exp(GRID.log_weights)
    against_less = log(np.exp(log_e(sums, found.low) / dispersion) @ shares)
    negated = DifferenceSums(MARGIN, sums.classes, tuple(-each for each in sums.difference), sums.answers, sums.spread)
    against_more = log(np.exp(log_e(negated, -found.high) / dispersion) @ shares)
    assert against_less == pytest.approx(log(20), abs=1e-3)
    assert against_more == pytest.approx(log(100), abs=1e-3)


def test_a_dispersion_and_a_smaller_risk_widen_the_interval() -> None:
    sums = summed(looks_of(np.random.default_rng(6), 60))
    narrow = effect_bounds.bounds(sums, 0.05, 0.05)
    for wider in (effect_bounds.bounds(sums, 0.05, 0.05, 2.0), effect_bounds.bounds(sums, 0.005, 0.005)):
        assert wider.estimate == narrow.estimate
        assert wider.low is not None and narrow.low is not None and wider.low < narrow.low
        assert wider.high is not None and narrow.high is not None and wider.high > narrow.high


def test_answers_are_compared_inside_classes_however_unevenly_these_are_split() -> None:
    # No class differs, and a pooled comparison would find 0.2 between the variants.
    easy, hard = (Answers(800, 776), Answers(200, 194)), (Answers(200, 110), Answers(800, 440))
    sums = summed([{"easy": easy, "hard": hard}] * 5)
    assert sums.estimate == pytest.approx(0.0, abs=1e-12)


def test_before_any_answer_nothing_is_known_and_a_class_with_one_arm_says_nothing() -> None:
    begun = DifferenceSums(MARGIN)
    assert effect_bounds.bounds(begun, 0.05, 0.05) == Interval(None, -1.0, 1.0)
    assert effect_bounds.add_look(begun, {"": (Answers(5, 3), Answers(0, 0))}, 50) is begun


@pytest.mark.parametrize("share", [1, 50, 99, None])
@pytest.mark.parametrize(("match_b", "match_c"), [(0, 0), (100, 100), (0, 100), (100, 0)])
def test_bounds_stay_inside_minus_one_and_one_and_hold_the_estimate(
    match_b: int, match_c: int, share: float | None
) -> None:
    found = effect_bounds.bounds(summed([{"": (Answers(100, match_b), Answers(100, match_c))}] * 40, share), 0.05, 0.05)
    assert found.low is not None and found.high is not None and found.estimate is not None
    assert -1 <= found.low <= found.estimate <= found.high <= 1


numbers = st.floats(-1, 1)


@examples
@given(numbers, numbers, numbers, st.booleans(), st.booleans())
def test_an_interval_excludes_a_margin_exactly_if_that_is_claimed(
    low: float, high: float, estimate: float, above: bool, below: bool
) -> None:
    low, estimate, high = sorted((low, estimate, high))
    met = effect_bounds.meet(Interval(estimate, low, high), -MARGIN, is_above=above, is_below=below)
    assert met.low is not None and met.estimate is not None and met.high is not None
    assert met.low <= met.estimate <= met.high
    if not (above and below):
        assert (met.low > -MARGIN) is above and (met.high < -MARGIN) is below


def test_a_bound_that_nothing_limits_stays_open_unless_a_claim_limits_it() -> None:
    unknown = Interval(0.2, None, 1.0)
    assert effect_bounds.meet(unknown, 0.1, is_above=False, is_below=False) == unknown
    claimed = effect_bounds.meet(unknown, 0.1, is_above=True, is_below=False)
    assert claimed.low is not None and 0.1 < claimed.low < inf and claimed.high == 1.0
    nothing = Interval(None, None, 1.0)
    assert effect_bounds.meet(nothing, 0.1, is_above=False, is_below=False) == nothing
