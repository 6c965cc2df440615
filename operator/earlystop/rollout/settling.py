"""When the evidence of a step may begin: as soon as what its looks will miss is too little to matter.

After a change of weights a step counts answers to its own requests only. At first the slow ones are missing, and slow
answers are wrong more often. With r requests a second and the probability S(u) that a request takes longer than u
seconds, a step has started r s requests after s seconds, and r times the integral of S from 0 to s are in flight. So
the share in flight is the mean time of an answer, in units of s (Little's law): two counters measure it, for each
variant, and no clock. What all later looks together miss is r times the integral of S from s on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from earlystop.api.counts import Tally
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.rollout.formatting import in_count
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import Phase, RolloutState, Totals

STARTED_FOR_EACH_IN_FLIGHT = 25
"""A step is settled once each variant has started so many requests for each one in flight, which takes as many mean
times of an answer. `make bench-street` shows that slow answers cost no error then, for log-normal times with a sigma up
to 1.2 and wrong answers three times slower; at 20 the errors begin to rise."""
UNSEEN_SECONDS = 30
"""So long a variant that has no requests yet is waited for: two scrapes at the usual interval."""
LONGEST_SECONDS = 3600
"""A step waits no longer than this, nor than its part of the rollout's time, unless the policy says so itself."""
PARTS_OF_DEADLINE = 4


class SettleTimes(NamedTuple):
    """least: seconds from weights in force to the snapshot at least. longest: at most. measured: whether requests in
    flight are counted; a step waits for the least time where they are not."""

    least: int
    longest: int
    measured: bool


def settle_times(spec: PolicySpec) -> SettleTimes:
    """What a policy says about the wait."""
    least = spec.rollout.settle_seconds
    longest = min(LONGEST_SECONDS, spec.rollout.deadline_seconds // PARTS_OF_DEADLINE)
    return SettleTimes(least, max(least, longest), spec.metrics.traits.by_convention)


class Arm(NamedTuple):
    """Requests of one variant in a step: in flight, started so far, and started before its wait began. Counts >= 0."""

    in_flight: int
    started: int
    before: int = 0


def settle(
    times: SettleTimes, state: RolloutState, at: int, totals: Sequence[Totals], in_flight: Sequence[int] | None = None
) -> RolloutState:
    """The state after a look at a step that settles: its evidence begins, or waits for answers that are not in yet.

    totals, in_flight: as for `take_look`. A step that was interrupted, at whatever moment, has counted requests before
    its weights came back. How many is known at the first look after that, so what it starts is counted from there on.
    """
    assert state.step_started_at is not None  # a step settles from the moment when its weights are in force
    arms = _arms(state, totals, in_flight) if times.measured else []
    wait = wait_of(times, arms, at - state.step_started_at, interrupted=state.interrupted)
    if wait.is_over:
        after = replace(state, phase=Phase.OBSERVING, evidence_from=at, in_flight=wait.in_flight)
        return replace(_marked(after, totals), interrupted=False)
    if wait.counts_older:
        state = replace(_marked(state, totals), interrupted=False)
    return replace(state, in_flight=wait.in_flight)


def begun_anew(state: RolloutState, at: int, totals: Sequence[Totals]) -> RolloutState:
    """The state of a step whose evidence begins now, and not when it seemed settled."""
    return replace(_marked(state, totals), evidence_from=at)


class Wait(NamedTuple):
    """What becomes of a step that settles. is_over: its evidence begins. in_flight: requests that it waits for, or that
    were in flight when the wait was over without them. counts_older: what is counted is of before its weights came
    back, so requests are counted from here on."""

    is_over: bool
    in_flight: int | None
    counts_older: bool


def wait_of(times: SettleTimes, arms: Sequence[Arm], seconds: int, *, interrupted: bool) -> Wait:
    """Whether a step goes on waiting. arms: variants that answer requests, none where these are not measured. seconds:
    since its weights are in force. interrupted: as in `RolloutState`."""
    waiting, counts_older = sum(arm.in_flight for arm in arms) or None, times.measured and interrupted
    unknown = counts_older and (waiting is not None or seconds < UNSEEN_SECONDS)
    settled = not unknown and is_settled(arms, seconds)
    return Wait(settled or seconds >= times.longest, None if settled else waiting, counts_older)


def arm_of(now: Tally, before: Tally, in_flight: int | None = None) -> Arm:
    """A variant's requests in a step. before: its counts at the step's mark. in_flight: None where `now` says it."""
    return Arm(_open(now) if in_flight is None else in_flight, now.started, before.started)


def is_settled(arms: Sequence[Arm], seconds: int) -> bool:
    """Whether every variant's answers of a step are nearly all in. seconds: since its weights are in force."""
    if seconds < UNSEEN_SECONDS and not all(arm.started > arm.before for arm in arms):
        return False
    return all(arm.in_flight * STARTED_FOR_EACH_IN_FLIGHT <= max(0, arm.started - arm.before) for arm in arms)


def answers_are_outstanding(state: RolloutState) -> bool:
    """Whether the step's evidence began although many of its answers were not in."""
    return state.phase is Phase.OBSERVING and state.in_flight is not None


def waits_for(state: RolloutState) -> str:
    """What a step that settles waits for, as a part of a sentence."""
    if not state.pinned_plan.spec.metrics.traits.by_convention:
        return (
            "its evidence begins after rollout.settleSeconds, so that requests that began before it finish: the preset "
            f"{state.pinned_plan.spec.metrics.preset} does not count requests in flight"
        )
    if not state.in_flight:
        return "its evidence begins once the requests that began before it have finished"
    return (
        f"{in_count(state.in_flight)} of its requests are still in flight, and slow answers would be missing; evidence "
        f"begins at one or less for every {STARTED_FOR_EACH_IN_FLIGHT} that each variant has started"
    )


def outstanding(state: RolloutState) -> str:
    """What it means that evidence began without answers that were outstanding, and what to do."""
    assert state.in_flight is not None and state.step_started_at is not None and state.evidence_from is not None
    return (
        f"{counted(state.in_flight, 'request was', 'requests were')} still in flight when this step's evidence "
        "began, after "
        f"{in_count(state.evidence_from - state.step_started_at)} s, the longest that a step waits. Slow answers are "
        "missing from its first looks, so errors may be more frequent than objective.risk says. Let the server end "
        "requests sooner, count each as completed or failed, or write a longer rollout.settleSeconds."
    )


def _arms(state: RolloutState, totals: Sequence[Totals], in_flight: Sequence[int] | None) -> list[Arm]:
    """Each variant that answers requests in this step: in shadow the baseline alone."""
    tallies = [(totals[0].baseline, state.comparisons[0].mark.baseline)]
    tallies += [(now.candidate, each.mark.candidate) for now, each in zip(totals, state.comparisons, strict=True)]
    known = [_open(now) for now, _ in tallies] if in_flight is None else in_flight
    arms = [Arm(waiting, now.started, before.started) for waiting, (now, before) in zip(known, tallies, strict=True)]
    if state.pinned_plan.stage(state.step).kind is not StageKind.SPLIT:
        return arms[:1]
    tried = [arm for arm, each in zip(arms[1:], state.comparisons, strict=True) if each.dropped is None]
    return [*arms[:1], *tried]


def _open(tally: Tally) -> int:
    return max(0, tally.started - tally.completed - tally.failed)


def _marked(state: RolloutState, totals: Sequence[Totals]) -> RolloutState:
    marked = (each.marked(counted) for each, counted in zip(state.comparisons, totals, strict=True))
    return replace(state, comparisons=tuple(marked))
