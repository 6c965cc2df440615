"""A condition that alternates is written at most once a minute, and what lasts is shown within a minute."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.rollout.damping import LEAST_SECONDS, DampedObservation, observe
from earlystop.rollout.observations import NOT_YET, Observation
from tests.unit.every_row import every_row

GOOD = Observation(ConditionStatus.TRUE, "Readable", "Counts can be read.")
OTHER_GOOD = Observation(ConditionStatus.TRUE, "ScrapeIntervalDiffers", "Counts can be read, but.")
BAD = Observation(ConditionStatus.FALSE, "Stale", "The newest sample is too old.")
OTHER_BAD = Observation(ConditionStatus.FALSE, "NoData", "There are no counters.")
EVERY = (GOOD, BAD, OTHER_BAD)


def said(observation: Observation) -> tuple[str, str]:
    return observation.status.value, observation.reason


def writes(sequence: list[tuple[float, Observation]]) -> list[tuple[float, Observation]]:
    """When the condition was written, and with what: each observation, and each moment that is due between two."""
    damped, written = DampedObservation.beginning(GOOD), []
    for index, (at, observed) in enumerate(sequence):
        until = sequence[index + 1][0] if index + 1 < len(sequence) else at + 2 * LEAST_SECONDS
        before, damped = damped, observe(damped, observed, at)
        if said(before.shown) != said(damped.shown):
            written.append((at, damped.shown))
        due = damped.due_at
        if due is not None and at < due < until:
            before, damped = damped, observe(damped, observed, due)
            assert said(damped.shown) == said(observed), "what is due is shown"
            written.append((due, damped.shown))
    return written


@pytest.mark.slow
@every_row("seed", range(200))
def test_there_is_at_most_one_write_a_minute_and_what_lasts_is_shown_within_one(seed: int) -> None:
    rng = random.Random(seed)
    moments = sorted(rng.sample(range(10_000), rng.randrange(2, 400)))
    sequence = [(float(at), rng.choice(EVERY)) for at in moments]
    written = writes(sequence)
    assert all(later - earlier >= LEAST_SECONDS for (earlier, _), (later, _) in pairwise(written))
    for (at, observed), (until, _) in pairwise(sequence):
        if until - at > LEAST_SECONDS:
            shown = [each for moment, each in written if moment <= at + LEAST_SECONDS]
            assert said(shown[-1] if shown else GOOD) == said(observed), (at, until)


def test_counts_that_come_and_go_are_shown_as_missing_by_one_write() -> None:
    sequence = [(float(at), BAD if at // 10 % 3 == 0 else GOOD) for at in range(0, 3600, 5)]
    assert [each for _, each in writes(sequence)][:1] == [BAD]
    last = sequence[-1][0]
    assert [at for at, _ in writes(sequence) if at <= last] == [0.0]


def test_trouble_after_quiet_is_shown_at_once_and_so_is_its_end_when_it_was_not_short() -> None:
    assert writes([(1000.0, BAD), (1090.0, GOOD)]) == [(1000.0, BAD), (1090.0, GOOD)]
    assert writes([(1000.0, BAD), (1010.0, GOOD)]) == [(1000.0, BAD), (1060.0, GOOD)]


def test_changes_between_states_without_trouble_are_shown_at_once() -> None:
    damped = DampedObservation.beginning(NOT_YET)
    for at, observed in enumerate((GOOD, OTHER_GOOD, GOOD)):
        damped = observe(damped, observed, float(at))
        assert damped.shown == observed and damped.due_at is None


def test_a_message_that_changes_is_taken_over_and_is_no_change() -> None:
    damped = observe(DampedObservation.beginning(GOOD), BAD, 0.0)
    other = Observation(BAD.status, BAD.reason, "The newest sample is older still.")
    after = observe(damped, other, 1.0)
    assert after.shown == other and after.changed_at == damped.changed_at and after.due_at is None
