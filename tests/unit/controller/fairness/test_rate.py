"""What others can provoke without end happens a number of times at once, and then at a rate, for each key alone."""

from __future__ import annotations

import random

import pytest

from earlystop.controller.fairness.rate import LEAST_KEPT, Rate

BURST, SECONDS = 5, 2.0


@pytest.mark.slow
def test_any_stretch_of_time_has_no_more_than_the_burst_and_its_share() -> None:
    chance = random.Random(3)
    for _ in range(50):
        rate, now, allowed = Rate(BURST, SECONDS), 100.0, []
        for _ in range(300):
            now += chance.choice((0.0, 0.01, 0.5, 3.0))
            if rate.is_allowed("hostile", now):
                allowed.append(now)
        for first, begin in enumerate(allowed):
            for last, end in enumerate(allowed[first:], first):
                assert last - first + 1 <= BURST + (end - begin) / SECONDS + 1e-9


def test_who_waits_until_the_earliest_moment_is_allowed_then() -> None:
    rate, now = Rate(BURST, SECONDS), 0.0
    for number in range(20):
        at = now = rate.earliest("key", now)
        rate.note("key", at)
        assert at == max(0.0, (number - BURST + 1) * SECONDS)


def test_a_key_is_limited_for_itself_alone() -> None:
    rate = Rate(BURST, SECONDS)
    assert [rate.is_allowed("hostile", 0.0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert rate.is_allowed("healthy", 0.0)


def test_a_clock_that_is_set_back_holds_nothing_up_for_longer_than_a_bucket_takes_to_fill() -> None:
    rate = Rate(BURST, SECONDS)
    for _ in range(BURST):
        rate.note("key", 10_000.0)
    earliest = rate.earliest("key", 0.0)
    assert earliest <= 2 * SECONDS
    rate.note("key", earliest)
    assert rate.earliest("key", earliest) <= earliest + 2 * SECONDS


def test_keys_that_are_not_limited_any_more_are_forgotten() -> None:
    rate = Rate(BURST, SECONDS)
    for number in range(10 * LEAST_KEPT):
        rate.note(number, float(number))
    assert len(rate._full_at) <= 2 * LEAST_KEPT + 1
