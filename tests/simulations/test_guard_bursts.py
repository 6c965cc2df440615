"""Under a guard whose requests come in bursts, a harmless setting stays in force and harm is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from earlystop.api.counts import Tally
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import RolloutState
from earlystop.rollout.step_moves import take_look, weights_in_force
from earlystop.rollout.totals import Totals
from tests.turns import Turns
from tests.unit.rollout.guarding import SPEC, begun, guard_of

REQUESTS, EVERY_SECONDS = 500, 300
HOURS = 12


class Arm:
    """One variant: all its requests come in bursts, wrong answers take half as long again."""

    def __init__(self, random: np.random.Generator, share: float, exact_match: float, seconds: float) -> None:
        bursts = np.arange(HOURS * 3600 // EVERY_SECONDS) * EVERY_SECONDS
        began = np.repeat(bursts, random.binomial(REQUESTS, share, bursts.size)) + 0.0
        right = random.random(began.size) < exact_match
        ended = began + random.gamma(4, seconds / 4, began.size) * np.where(right, 1.0, 1.5)
        self.began, self.matched, self.missed = began, np.sort(ended[right]), np.sort(ended[~right])

    def at(self, seconds: float) -> Tally:
        """What is counted by then."""
        started, match, mismatch = (
            int(np.searchsorted(each, seconds)) for each in (self.began, self.matched, self.missed)
        )
        tokens = 300 * (match + mismatch)
        return Tally(started, match + mismatch, 0, match, mismatch, 0, tokens, 300 * tokens)


def looks(seed: int, seconds: tuple[float, float], loss: float = 0.0) -> Iterator[RolloutState]:
    """The guard after each look of half a day, or until its alarm. seconds: that an answer of the baseline and of the
    promoted setting takes on average."""
    random = np.random.default_rng(seed)
    arms = Arm(random, 0.1, 0.8, seconds[0]), Arm(random, 0.9, 0.8 - loss, seconds[1])
    state, times = begun(), LiveTimes.of(SPEC)
    began = guard_of(state).since
    state = weights_in_force(state, began)
    turns = Turns()
    while (
        alarm_of(state) is None
        and (at := next_look(times, state)) is not None
        and at < began + HOURS * 3600
        and turns.another()
    ):
        baseline, promoted = (arm.at(at - began) for arm in arms)
        state = take_look(times, state, at, Totals(baseline, promoted))
        yield state


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [(5.0, 15.0), (40.0, 10.0)])
def test_bursts_take_no_harmless_setting_back(seconds: tuple[float, float]) -> None:
    *_, last = looks(1, seconds)
    assert alarm_of(last) is None
    assert guard_of(last).taken > 0.9 * HOURS * 3600 / EVERY_SECONDS, "each burst has a look"


@pytest.mark.slow
def test_harm_is_found_in_bursts_too() -> None:
    *_, last = looks(1, (15.0, 5.0), loss=0.15)
    assert alarm_of(last) is not None
