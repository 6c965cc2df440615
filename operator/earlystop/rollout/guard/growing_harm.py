"""When a harm began, whether at once or little by little, and what of the baseline's rate belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.evidence.objective import ClaimKind
from earlystop.rollout.guard.baseline_trend import Rate, trend_of
from earlystop.rollout.guard.believable import LARGEST_COUNT
from earlystop.rollout.guard.culprit import Evidence, Trend, error_of_gap, variance_of_rate
from earlystop.rollout.guard.harm_begin import Begin, Point, shape, size_of, ways
from earlystop.rollout.guard.harm_series import PLAUSIBLE, Series, counts_before, with_sudden_begin
from earlystop.rollout.guard.spans import Rates, total

DIGITS = 4
"""Digits of a trend after the point, as it is recorded."""
BY_ANSWERS = (ClaimKind.EXACT_MATCH, ClaimKind.FLOOR)
"""Claims about rates of right answers, of which `baseline_trend` knows how far they go with the hour of the day."""


def with_begin(evidence: Evidence, series: Series) -> Evidence:
    """The evidence with the moment at which the harm is most likely to have begun, counts before it and since, and how
    much of the baseline's rate belongs to it."""
    begins = [*(each.begin for each in series.spans), series.until]
    numbers = [index for index, each in enumerate(series.spans) if _has_both(each.rates)]
    if not numbers:
        return with_sudden_begin(evidence, series)
    points = [_point(evidence, series.spans[index].rates, begins[index], begins[index + 1]) for index in numbers]
    steady = [_point(evidence, series.trial, begins[0] - 1, begins[0])] if _has_both(series.trial) else []
    found = ways(points, steady)
    likeliest = max(each.support for each in found)
    plausible = [each for each in found if each.support >= likeliest - PLAUSIBLE]
    # A few looks of sudden harm look as if it grew, too, and then as if it were much more by now.
    best = max(plausible, key=lambda each: (not each.gradual, each.support))
    near = [numbers[each.first] for each in plausible]
    onset = numbers[best.first]
    after = total([each.rates for each in series.spans[onset:]])
    return replace(
        evidence,
        # Within a trial, or between it and the guard, harm may have begun with anything that changed since.
        earliest=begins[near[0] - 1] if near[0] else 0,
        onset=begins[onset],
        latest=begins[near[-1] + 1],
        before=counts_before(series, onset, after),
        after=after,
        trend=_trend(evidence, series, numbers, points, steady, best),
    )


def _trend(
    evidence: Evidence,
    series: Series,
    numbers: Sequence[int],
    points: Sequence[Point],
    steady: Sequence[Point],
    best: Begin,
) -> Trend:
    """What belongs to the harm. numbers: of the spans that the points are of."""
    shapes = [shape(each, points[best.first].begin, points, best.gradual) for each in points]
    harm = size_of([*steady, *points], [*(0.0 for _ in steady), *shapes])
    counted = [(each, series.trial, 0.0, True) for each in steady]
    counted += [
        (point, series.spans[number].rates, part, False)
        for point, number, part in zip(points, numbers, shapes, strict=True)
    ]
    rates = [
        Rate(
            begin=point.begin,
            end=point.end,
            rate=each.baseline_hits / each.baseline,
            variance=evidence.factor * variance_of_rate(each.baseline, each.baseline_hits),
            shape=part,
            is_trial=is_trial,
        )
        for point, each, part, is_trial in counted
    ]
    # Golden questions are the same at every hour, and rates of failures have no such scale.
    by_hour = evidence.claims[0].kind in BY_ANSWERS and not evidence.on_pairs
    change, error = trend_of(rates, by_hour)
    return Trend(*(round(max(-1.0, min(1.0, each)), DIGITS) for each in (harm, change, error)))


def _point(evidence: Evidence, rates: Rates, begin: int, end: int) -> Point:
    level = rates.candidate_hits / rates.candidate
    if not evidence.below_floor:
        level -= rates.baseline_hits / rates.baseline
    # The error of a change between two such counts has the variance of both.
    variance = error_of_gap(rates, rates, evidence.factor) ** 2 / 2
    return Point(begin, end, level if evidence.bad_hits else -level, 1 / variance)


def _has_both(rates: Rates) -> bool:
    """Whether there are counts of both variants, which can be."""
    is_known = 0 < rates.baseline <= LARGEST_COUNT and 0 < rates.candidate <= LARGEST_COUNT
    return is_known and 0 <= rates.baseline_hits <= rates.baseline and 0 <= rates.candidate_hits <= rates.candidate
