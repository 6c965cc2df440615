"""A declared scrape interval that is not the real one is measured, told once, and never shortens a look's patience."""

from __future__ import annotations

import random

import pytest

from earlystop.metrics.scrape_interval import (
    AGAIN_AFTER_SECONDS,
    FIRST_AFTER_SECONDS,
    LONGEST_WINDOW_SECONDS,
    MEASURED_EVERY_SECONDS,
    MOST_SILENT,
    ScrapeIntervals,
    measured_interval,
    window_seconds,
)

NOW = 100_000.0


def scrapes(
    interval: float, until: float = 600.0, offset: float = 0.0, jitter: float = 0.0, lost: float = 0.0
) -> list[float]:
    rng = random.Random(1)
    moments = [offset + interval * number for number in range(int(until / interval))]
    return [moment + rng.uniform(-jitter, jitter) for moment in moments if rng.random() >= lost]


@pytest.mark.parametrize("interval", [1.0, 5.0, 15.0, 30.0, 300.0])
def test_the_interval_is_measured_whatever_jitter_phase_and_lost_scrapes_there_are(interval: float) -> None:
    until = 20 * interval
    series = [scrapes(interval, until, offset, jitter=0.01 * interval, lost=0.2) for offset in (0.0, 0.3 * interval)]
    assert measured_interval(series) == pytest.approx(interval, rel=0.05)


def test_too_few_samples_say_nothing() -> None:
    assert measured_interval([]) is None
    assert measured_interval([[1.0], [2.0], [3.0], [4.0]]) is None
    assert measured_interval([[0.0, 30.0, 60.0]]) is None


@pytest.mark.parametrize("declared", [1, 5, 15, 300])
def test_the_window_holds_enough_samples_of_the_longest_interval_that_can_be_declared(declared: int) -> None:
    assert 300 * 4 <= window_seconds(declared, silent=True) == LONGEST_WINDOW_SECONDS
    assert declared * 4 <= window_seconds(declared, silent=False) <= LONGEST_WINDOW_SECONDS


def test_looks_reckon_with_the_longer_of_the_declared_and_the_measured_interval() -> None:
    intervals = ScrapeIntervals(5.0).with_measured("a", 30.0, NOW).with_measured("b", 1.0, NOW)
    assert [intervals.interval(name) for name in "abc"] == [30.0, 5.0, 5.0]
    assert [intervals.difference(name) for name in "abc"] == [30.0, 1.0, None]


def test_a_measurement_without_samples_leaves_what_was_found() -> None:
    intervals = ScrapeIntervals(5.0).with_measured("a", 30.0, NOW).with_measured("a", None, NOW + 60)
    assert intervals.difference("a") == 30.0


def test_another_declaration_is_judged_anew() -> None:
    intervals = ScrapeIntervals(5.0).with_measured("a", 30.0, NOW)
    assert intervals.with_declared(5.0) is intervals
    assert intervals.with_declared(30.0).difference("a") is None


def test_an_interval_at_the_limit_is_not_told_again_and_again() -> None:
    intervals, told = ScrapeIntervals(10.0), []
    for number, seconds in enumerate([14.9, 15.1, 14.9, 15.1, 13.0, 12.4, 14.9]):
        intervals = intervals.with_measured("a", seconds, NOW + number)
        told.append(intervals.difference("a") is not None)
    assert told == [False, True, True, True, True, False, False]


def test_some_policy_is_measured_every_five_minutes_and_each_in_turn() -> None:
    intervals, measured = ScrapeIntervals(5.0).begun(NOW), []
    for at in range(int(NOW), int(NOW + FIRST_AFTER_SECONDS + 3 * MEASURED_EVERY_SECONDS), 5):
        for name in intervals.due(["a", "b", "c"], [], at):
            intervals = intervals.with_measured(name, 5.0, at)
            measured.append((name, at - NOW))
    first, every = FIRST_AFTER_SECONDS, MEASURED_EVERY_SECONDS
    assert measured == [("a", first), ("b", first + every), ("c", first + 2 * every)]


def test_silent_policies_are_measured_at_once_but_few_of_them_and_not_again_soon() -> None:
    many = [f"p{number}" for number in range(50)]
    intervals = ScrapeIntervals(5.0).begun(NOW)
    first = intervals.due([], many, NOW)
    assert len(first) == MOST_SILENT
    for name in first:
        intervals = intervals.with_measured(name, None, NOW)
    second = intervals.due([], many, NOW + AGAIN_AFTER_SECONDS - 1)
    assert len(second) == MOST_SILENT and not set(first) & set(second)
    assert intervals.due([], list(first), NOW + AGAIN_AFTER_SECONDS) == first
