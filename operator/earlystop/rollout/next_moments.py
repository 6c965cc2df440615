"""When a rollout has something to do by itself, besides its looks: a pure function of spec, state and clock."""

from __future__ import annotations

from collections.abc import Iterator

from earlystop.api.policy import PolicySpec
from earlystop.rollout.certificate.follow import certificate_due_at
from earlystop.rollout.certificate.response import acts_at
from earlystop.rollout.decided import is_decided_by_evidence
from earlystop.rollout.guard.adjust import steps_back
from earlystop.rollout.guard.follow import begins_now
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.outages import goes_on_at, is_interrupted
from earlystop.rollout.state import BETWEEN_TRIALS, TRYING, Phase, RolloutState
from earlystop.rollout.trials.clock import waits_until
from earlystop.rollout.trials.deadline import ends_at
from earlystop.rollout.trials.sequence import due_again_at
from earlystop.rollout.waiting.end import proof_is_due, waiting_ends_at
from earlystop.rollout.waiting.gates import time_out_at

# A proposal wakes the policy that it names; this is for one that no watch reported.
SECONDS_BETWEEN_PROPOSALS = 60.0


def next_moments(
    spec: PolicySpec, times: LiveTimes, state: RolloutState, now: float, *, refused: bool, retry_seconds: float
) -> Iterator[float]:
    """Every moment at which the rollout has something to do, in Unix seconds, at or after `now` but for its deadlines.

    times: those of the spec. refused: whether the policy cannot be carried out as it is written now. retry_seconds:
    after which what is due and did not happen is tried again, as what follows from an object that cannot be read now.
    """
    yield from _of_search(spec, state, now, refused=refused)
    yield from _of_gates(times, state, now)
    if state.phase in TRYING:
        if not is_decided_by_evidence(state):  # nothing ends it at its deadline
            yield ends_at(times.deadline_seconds, state)
        if state.metrics_lost_at is not None and times.on_no_metrics.then == "RollBack":
            yield state.metrics_lost_at + times.on_no_metrics.hold_seconds
    lasting = [certificate_due_at(state), acts_at(times, state)]
    if state.awaiting is not None and not times.suspend and state.phase is not Phase.SUSPENDED:
        lasting += [waiting_ends_at(times, state), proof_is_due(times, state)]
    yield from (each if now < each else now + retry_seconds for each in lasting if each is not None)
    follows = state.phase is Phase.ROLLED_BACK and steps_back(state)
    if follows or (not refused and begins_now(times, state)):
        yield now  # a more careful setting follows an alarm, or follows no more, or a guard begins: it is stored too


def _of_search(spec: PolicySpec, state: RolloutState, now: float, *, refused: bool) -> Iterator[float]:
    """When a search begins again, or goes on by itself."""
    again_at = due_again_at(state, spec)
    if again_at is not None:
        # One that is due and did not begin waits, as for a proposal or for a target that another policy has.
        yield again_at if now < again_at else now + SECONDS_BETWEEN_PROPOSALS
    if state.phase in BETWEEN_TRIALS and not spec.suspend and not refused:
        yield _follows_at(spec, state, now)


def _follows_at(spec: PolicySpec, state: RolloutState, now: float) -> float:
    """When what follows by itself begins: now, but where a search waits for proposals, with the next one, which wakes
    the policy, or when its time is over; and an outage is followed by a pause."""
    search, until = spec.search, waits_until(state) if state.plan is not None else None
    if is_interrupted(state):
        return max(now, float(min(goes_on_at(state), until or goes_on_at(state))))
    if search is None or not search.traits.takes_proposals:
        return now
    waits = now + SECONDS_BETWEEN_PROPOSALS
    return waits if until is None else min(waits, max(now, float(until)))


def _of_gates(times: LiveTimes, state: RolloutState, now: float) -> Iterator[float]:
    """When the time of a gate is over that a decision or a step waits for."""
    if state.suspended_at is not None:
        return
    if state.awaiting is not None:
        yield from (each for each in time_out_at(times.gates, state.gates) if each > now)
    if state.step_gates is not None and not state.step_gates.entered:
        yield from (each for each in time_out_at(times.step_gates, state.step_gates.asked) if each > now)
