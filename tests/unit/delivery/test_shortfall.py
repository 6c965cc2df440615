"""Counted requests show that a variant gets far less than its share, and mere chance shows it never."""

from __future__ import annotations

import random

import pytest

from earlystop.delivery.shortfall import Mark, ServedMarks
from earlystop.delivery.split import TrafficSplit
from tests.unit.delivery.cluster import split

SECONDS = 60


def readings(wanted: TrafficSplit, requests: int, number: int, lost: dict[str, float], seed: int) -> list[Mark]:
    """Counts a minute apart, of so many requests each, of which a part is lost by variant."""
    rng, counted, marks = random.Random(seed), dict.fromkeys(sorted(wanted.in_use), 0), []
    names, weights = [each.variant for each in wanted.variants], wanted.weights
    for turn in range(number):
        for name in rng.choices(names, weights, k=requests):
            counted[name] += rng.random() >= lost.get(name, 0.0)
        marks.append(Mark(SECONDS * turn, dict(counted)))
    return marks


def first_shortfall(wanted: TrafficSplit, marks: list[Mark]) -> tuple[int, str] | None:
    """At which reading the shortfall shows, and the sentence about it."""
    served = ServedMarks.begin(wanted, marks[0])
    for number, mark in enumerate(marks[1:], start=1):
        found = served.shortfall(mark)
        if found is not None:
            return number, found
        served = served.after(mark)
    return None


@pytest.mark.parametrize("weights", [(50,), (5,), (1,), (90,), (20, 30), (10, 5, 5)])
@pytest.mark.parametrize("requests", [1, 7, 150])
def test_chance_takes_nobody_off_at_any_rate_of_requests(weights: tuple[int, ...], requests: int) -> None:
    wanted = split(*weights)
    assert first_shortfall(wanted, readings(wanted, requests, 400, {}, seed=requests)) is None


@pytest.mark.parametrize("weights", [(50,), (5,), (90,), (20, 30)])
@pytest.mark.parametrize("which", [0, -1], ids=["baseline", "a candidate"])
def test_a_variant_without_any_request_shows_within_a_minute_of_seven_requests_a_second(
    weights: tuple[int, ...], which: int
) -> None:
    wanted = split(*weights)
    name = wanted.variants[which].variant
    before = readings(wanted, 420, 5, {}, seed=3)
    after = readings(wanted, 420, 3, {name: 1.0}, seed=4)
    marks = [*before, *(Mark(each.at + 300, _plus(before[-1], each)) for each in after)]
    found = first_shortfall(wanted, marks)
    assert found is not None and found[0] == len(before)
    assert f"{name} should have had about " in found[1] and "has 0." in found[1]


@pytest.mark.parametrize("weights", [(50,), (10,)])
def test_a_candidate_that_loses_two_thirds_of_its_requests_shows_in_minutes(weights: tuple[int, ...]) -> None:
    wanted = split(*weights)
    found = first_shortfall(wanted, readings(wanted, 420, 20, {"candidate": 0.67}, seed=5))
    assert found is not None and found[0] <= 10


def test_a_quiet_night_and_counts_that_begin_anew_show_nothing() -> None:
    wanted = split(50)
    busy, anew = Mark(0, {"baseline": 900, "candidate": 880}), Mark(60, {"baseline": 4, "candidate": 0})
    served = ServedMarks.begin(wanted, busy)
    assert served.shortfall(busy) is None and served.shortfall(anew) is None


def test_counts_that_were_lost_of_one_variant_show_nothing_and_are_compared_from_there_on() -> None:
    wanted = split(90)
    served = ServedMarks.begin(wanted, Mark(0, {"baseline": 46_240, "candidate": 419_266}))
    # A server ended, and what it had counted lately was read by nobody: so many of the one, and so many of the other.
    lost = Mark(660, {"baseline": 46_220, "candidate": 419_475})
    assert served.shortfall(lost) is None
    served = served.after(lost)
    assert served == ServedMarks.begin(wanted, lost)
    starved = Mark(720, {"baseline": 46_220, "candidate": 420_000})
    found = served.shortfall(starved)
    assert found is not None and "Of 525 requests that were counted in 60 s, baseline" in found


def _plus(before: Mark, after: Mark) -> dict[str, int]:
    return {name: before.counted[name] + count for name, count in after.counted.items()}


def test_counts_that_may_lack_requests_of_a_variant_take_nobody_off_until_they_are_whole_again() -> None:
    wanted = split(50)
    served = ServedMarks.begin(wanted, Mark(0, {"baseline": 0, "candidate": 0}))
    restarted = Mark(60, {"baseline": 500, "candidate": 0}, {"baseline": 0, "candidate": 80})
    assert served.shortfall(restarted) is None
    served = served.after(restarted)
    # Whatever the baseline's counts lack, it had these requests at least.
    for opened in (restarted.open, {"baseline": 7, "candidate": 80}):
        starved = Mark(120, {"baseline": 1000, "candidate": 0}, opened)
        found = served.shortfall(starved)
        assert found is not None and "Of 500 requests that were counted in 60 s" in found


def test_an_incumbent_that_gets_nothing_shows_as_any_variant_does() -> None:
    wanted = split(20, incumbent=60)
    found = first_shortfall(wanted, readings(wanted, 150, 10, {"incumbent": 1.0}, seed=1))
    assert found is not None and "incumbent should have had about" in found[1]


def test_where_nobody_counts_the_incumbent_the_two_others_share_what_is_counted() -> None:
    wanted = split(20, incumbent=60)
    marks = readings(wanted, 150, 400, {}, seed=2)
    counted = [Mark(each.at, {name: n for name, n in each.counted.items() if name != "incumbent"}) for each in marks]
    assert first_shortfall(wanted, counted) is None
    lost = readings(wanted, 150, 40, {"candidate": 1.0}, seed=2)
    counted = [Mark(each.at, {name: n for name, n in each.counted.items() if name != "incumbent"}) for each in lost]
    found = first_shortfall(wanted, counted)
    assert found is not None and "candidate" in found[1]
