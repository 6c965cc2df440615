"""The pace of the load generator, without a clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.demo.pacing import CATCH_UP_SECONDS, Pace


def run(rate: float, sleeps: list[float]) -> list[int]:
    """How many requests are sent after each sleep."""
    pace, sent = Pace(rate, at=0.0), []
    for sleep in sleeps:
        pace = pace.wait(pace.at + sleep)
        sent.append(int(pace.due))
        pace = pace.send(int(pace.due))
    return sent


def test_the_rate_is_kept_over_many_short_sleeps() -> None:
    assert sum(run(400, [0.005] * 2_000)) == pytest.approx(4_000, abs=1)
    assert sum(run(3, [0.25] * 400)) == pytest.approx(300, abs=1)


def test_a_stall_is_not_followed_by_a_burst() -> None:
    before, stalled, *after = run(400, [0.005, 10.0, 0.005, 0.005])
    assert (before, after) == (2, [2, 2])
    assert stalled == 1 + 400 * CATCH_UP_SECONDS


def test_a_slow_pace_still_sends_single_requests() -> None:
    assert run(0.5, [2.0, 1.0, 1.0, 60.0]) == [1, 0, 1, 2]


def test_a_clock_that_steps_back_owes_nothing() -> None:
    pace = Pace(400, at=100.0).wait(90.0)
    assert pace.due == 0
    assert pace.wait(90.005).due == pytest.approx(2)


def test_the_time_to_the_next_request_is_never_negative() -> None:
    assert Pace(400, at=0.0).seconds_to_next == pytest.approx(1 / 400)
    assert Pace(400, at=0.0).wait(1.0).seconds_to_next == 0


@pytest.mark.slow
@given(st.floats(0.1, 10_000), st.lists(st.floats(0, 5), max_size=50))
def test_never_more_is_sent_than_the_rate_allows(rate: float, sleeps: list[float]) -> None:
    assert sum(run(rate, sleeps)) <= rate * sum(sleeps) * (1 + 1e-9)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace(rate, at=0.0)
