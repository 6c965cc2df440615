"""The intervals that are shown: honest at every look, in both directions, and never outside what can be."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest

from earlystop.evidence import intervals, normal_mixture, tokens
from earlystop.evidence.exact_match import Answers
from earlystop.evidence.intervals import EffectSums, Interval
from earlystop.evidence.tokens import Lengths
from tests.unit.evidence.simulate import RAMP, at_most, lengths, scored_answers


@pytest.mark.slow
@pytest.mark.parametrize(("first", "last"), [(0.85, 0.85), (0.90, 0.80), (0.80, 0.90)])
def test_the_true_effect_lies_inside_at_all_looks_of_a_ramp_with_a_drifting_baseline(first: float, last: float) -> None:
    runs, missed = 200, 0
    rng = np.random.default_rng(31)
    for _ in range(runs):
        sums, inside = EffectSums(), True
        looks = scored_answers(rng, 100, 400, RAMP, lambda t: first + (last - first) * t, -0.02)
        for baseline, candidate in looks:
            sums = intervals.add_look(sums, baseline, candidate)
            shown = intervals.effect(sums, 0.02)
            assert shown.low is not None and shown.high is not None
            inside = inside and shown.low <= -0.02 <= shown.high
        missed += not inside
    assert missed / runs <= at_most(intervals.RISK, runs)


def test_intervals_shrink_as_answers_arrive() -> None:
    widths = []
    sums = EffectSums()
    for _ in range(4):
        for _ in range(50):
            sums = intervals.add_look(sums, Answers(100, 85), Answers(100, 84))
        shown = intervals.effect(sums, 0.02)
        assert shown.low is not None and shown.high is not None
        widths.append(shown.high - shown.low)
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.025
    assert shown.estimate == pytest.approx(-0.01)


def test_the_radius_equals_its_closed_form() -> None:
    sums = EffectSums(Answers(5000, 4250), Answers(5000, 4200), -150.0, 15_000.0)
    kappa, info, risk = 0.02**-2, 15_000.0, 0.05
    radius = math.sqrt(2 * (info + kappa) / info**2 * math.log(1 + math.sqrt(info / kappa + 1) / risk))
    shown = intervals.effect(sums, 0.02)
    assert astuple(shown) == pytest.approx((-0.01, -0.01 - radius, -0.01 + radius))


def test_before_any_answer_the_intervals_claim_nothing() -> None:
    assert intervals.effect(EffectSums(), 0.02) == Interval(None, -1.0, 1.0)
    assert intervals.saving(tokens.start(0.1)) == Interval(None, None, 1.0)


def test_a_first_look_is_taken_at_the_largest_variance_a_rate_can_have() -> None:
    sums = intervals.add_look(EffectSums(), Answers(200, 100), Answers(200, 100))
    assert sums.information == pytest.approx(1 / (0.25 / 200 + 0.25 / 200))


def test_a_look_with_an_empty_arm_leaves_the_effect_alone() -> None:
    sums = intervals.add_look(EffectSums(), Answers(200, 100), Answers(200, 100))
    assert intervals.add_look(sums, Answers(0, 0), Answers(7, 3)) is sums


def test_rates_of_one_and_zero_stay_inside_minus_one_and_one() -> None:
    sums = EffectSums()
    for _ in range(100):
        sums = intervals.add_look(sums, Answers(100, 0), Answers(100, 100))
    shown = intervals.effect(sums, 0.02)
    assert shown.estimate == pytest.approx(1) and shown.high == 1.0
    assert shown.low is not None and 0.9 < shown.low <= 1.0


def test_the_bounds_of_the_saving_are_where_a_token_test_starts_to_reject() -> None:
    rng = np.random.default_rng(33)
    process = tokens.start(0.10)
    for look in range(20):
        baseline = lengths(rng, 100, 600) + (Lengths(0, 9_000, 9_000**2) if look == 9 else tokens.NOTHING)
        process = tokens.update(process, baseline, lengths(rng, 100, 450), 50)
    shown = intervals.saving(process)
    assert process.doubt(1.0) > 0
    assert process.scale is not None and shown.low is not None and shown.high is not None
    for bound in (shown.low, shown.high):
        keep = 1 - bound
        limit = normal_mixture.boundary(process.information(keep), process.scale, intervals.RISK / 2)
        assert abs(process.statistic(keep)) - process.doubt(keep) == pytest.approx(limit, rel=1e-6)
    assert shown.low < 0.25 < shown.high


def test_a_baseline_without_tokens_leaves_the_saving_open() -> None:
    process = tokens.start(0.10)
    for _ in range(5):
        process = tokens.update(process, Lengths(100, 0, 0), Lengths(100, 100, 100), 50)
    assert intervals.saving(process) == Interval(None, None, 1.0)


def test_a_baseline_with_hardly_any_tokens_has_no_lower_bound_yet() -> None:
    process = tokens.start(0.10)
    for _ in range(5):
        process = tokens.update(process, Lengths(20, 1, 1), Lengths(20, 400, 10_000), 50)
    process = tokens.update(process, Lengths(20, 1, 1), Lengths(20, 400, 10_000), 50)
    shown = intervals.saving(process)
    assert shown.low is None and shown.high is not None and shown.high <= 1.0
