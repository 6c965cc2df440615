"""Harm that grows is told from sudden harm, and what a baseline does by itself from what belongs to the harm."""

from __future__ import annotations

from math import pi, sin

from earlystop.evidence.objective import EXACT_MATCH
from earlystop.rollout.guard.baseline_trend import DAY, NOTHING_KNOWN, Rate, trend_of
from earlystop.rollout.guard.culprit import Baseline, Changed, Culprit, Evidence, Trend, baseline_of, culprits
from earlystop.rollout.guard.growing_harm import with_begin
from earlystop.rollout.guard.harm_begin import Point, ways
from earlystop.rollout.guard.harm_series import Series, with_sudden_begin
from earlystop.rollout.guard.spans import Rates, Span

BEGAN, HOUR = 1_760_000_000, 3600
TRIAL = Rates(100_000, 80_000, 100_000, 80_000)


def evidence(**others: object) -> Evidence:
    return Evidence(claims=(EXACT_MATCH,), earliest=BEGAN, onset=BEGAN, latest=BEGAN, **others)  # type: ignore[arg-type]


def counted(baseline: float, candidate: float) -> Rates:
    return Rates(20_000, round(20_000 * baseline), 180_000, round(180_000 * candidate))


def hours(rates: list[tuple[float, float]]) -> Series:
    """Counts of each hour. rates: Exact Match of the baseline and of the promoted setting."""
    spans = [Span(BEGAN + HOUR * number, 32, counted(*each)) for number, each in enumerate(rates)]
    return Series(tuple(spans), BEGAN + HOUR * len(rates), TRIAL)


GROWING = hours([(0.8, 0.8)] * 6 + [(0.8, 0.8 - 0.01 * (number + 0.5)) for number in range(8)])
SUDDEN = hours([(0.8, 0.8)] * 6 + [(0.8, 0.72)] * 8)


def test_a_harm_that_grows_began_where_it_began_to_grow_and_not_in_its_middle() -> None:
    found = with_begin(evidence(), GROWING)
    assert abs(found.onset - (BEGAN + 6 * HOUR)) <= HOUR and found.earliest <= BEGAN + 6 * HOUR <= found.latest
    assert with_sudden_begin(evidence(), GROWING).earliest > BEGAN + 7 * HOUR, "as earlier releases took it"
    assert found.trend is not None and abs(found.trend.harm - 0.08) < 0.005


def test_a_sudden_harm_is_dated_as_before() -> None:
    found, before = with_begin(evidence(), SUDDEN), with_sudden_begin(evidence(), SUDDEN)
    assert found.onset == before.onset == BEGAN + 6 * HOUR
    assert found.before == before.before and found.after == before.after


def test_an_engine_that_changed_when_a_slow_harm_began_is_named() -> None:
    changed = (Changed(Culprit.ENGINE, BEGAN + 6 * HOUR + 60),)
    assert culprits(with_begin(evidence(changed=changed), GROWING)).named == (Culprit.ENGINE,)
    assert culprits(with_sudden_begin(evidence(changed=changed), GROWING)).named != (Culprit.ENGINE,)


def test_a_baseline_that_follows_the_hour_of_the_day_does_not_hide_a_setting_that_drifts() -> None:
    rates = []
    for number in range(30):
        wave, loss = 0.03 * sin(2 * pi * number / 24), max(0.0, 0.009 * (number - 22))
        rates.append((0.8 + wave, 0.8 + wave - loss))
    found = with_begin(evidence(), hours(rates))
    assert baseline_of(found) is Baseline.STEADY and culprits(found).named == (Culprit.SETTING,)


def test_a_baseline_that_moves_as_the_harm_grows_is_the_data() -> None:
    rates = [(0.8, 0.8)] * 6 + [(0.8 - 0.01 * (n + 0.5), 0.8 - 0.02 * (n + 0.5)) for n in range(8)]
    found = with_begin(evidence(), hours(rates))
    assert baseline_of(found) is Baseline.MOVED


def test_without_anything_before_the_harm_nothing_is_known_of_the_baseline() -> None:
    assert trend_of([Rate(BEGAN, BEGAN + HOUR, 0.5, 0.01, 1.0)], by_hour=True) == NOTHING_KNOWN
    alone = with_begin(evidence(), Series(SUDDEN.spans[:1], BEGAN + HOUR, Rates()))
    assert alone.trend == Trend(0.0, 0.0, 1.0) and baseline_of(alone) is Baseline.UNKNOWN


def test_counts_that_cannot_be_are_left_out_and_end_in_no_error() -> None:
    broken = [Span(BEGAN + 14 * HOUR, 1, Rates(10, 20, 5, -1)), Span(BEGAN + 15 * HOUR, 1, Rates(2**60, 0, 2**60, 1))]
    spoiled = GROWING._replace(spans=(*GROWING.spans, *broken), until=BEGAN + 16 * HOUR)
    assert with_begin(evidence(), spoiled).onset == with_begin(evidence(), GROWING).onset
    none = with_begin(evidence(), Series(tuple(broken[:1]), BEGAN + 16 * HOUR, Rates()))
    assert none.trend is None and culprits(none).named == ()


def test_weights_that_no_float_can_tell_apart_show_no_change() -> None:
    rates = [Rate(BEGAN, BEGAN + 1, 0.5, 1e-30, 1.0), Rate(BEGAN, BEGAN + 1, 0.5, 1e10, 0.0)]
    assert trend_of(rates, by_hour=False)[1] > 1


def test_a_wave_of_a_day_is_found_whatever_the_hour_at_which_it_began() -> None:
    for begin in range(BEGAN, BEGAN + DAY, 5 * HOUR):
        rates = [
            Rate(begin + HOUR * n, begin + HOUR * (n + 1), 0.8 + 0.02 * sin(2 * pi * n / 24), 1e-6, max(0, n - 40) / 8)
            for n in range(48)
        ]
        change, error = trend_of(rates, by_hour=True)
        assert abs(change) < 2 * error < 0.02


def test_less_harm_than_before_is_no_way_in_which_harm_began() -> None:
    better = [Point(BEGAN + n, BEGAN + n + 1, -0.1 * n, 1.0) for n in range(5)]
    assert {each.support for each in ways(better, ())} == {0.0}
