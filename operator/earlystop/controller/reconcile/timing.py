"""When a policy is due again, and when its looks are stored: pure functions of a TrackedPolicy and the clock."""

from __future__ import annotations

from collections.abc import Collection
from zlib import crc32

from earlystop.api.conditions import ConditionStatus, ConditionType
from earlystop.controller.memory.pauses import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    RECHECK_REFUSED_SECONDS,
    RECHECK_SECONDS,
    RETRY_GROWTH,
    SHORTEST_PAUSE_SECONDS,
)
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.watch_candidates import next_watch
from earlystop.controller.traffic.watch_counts import next_counts
from earlystop.delivery.decide import PACING, SECONDS_BETWEEN_CHANGES
from earlystop.rollout.certificate.follow import certificate_due_at
from earlystop.rollout.certificate.response import acts_at
from earlystop.rollout.decided import is_decided_by_evidence
from earlystop.rollout.guard.adjust import steps_back
from earlystop.rollout.guard.follow import begins_now
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.outages import goes_on_at, is_interrupted
from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, TRYING, Phase
from earlystop.rollout.trials.clock import waits_until
from earlystop.rollout.trials.deadline import ends_at
from earlystop.rollout.trials.sequence import due_again_at
from earlystop.rollout.waiting.end import proof_is_due, waiting_ends_at
from earlystop.rollout.waiting.gates import time_out_at

# Phases in which the operator moves no weight.
RESTING = (Phase.PENDING, Phase.SUSPENDED)
LOOKS_A_STORE = 8
STATUS_WRITES_A_SECOND = 8.0
# Of one namespace. What a refusal follows from is watched, so that a policy which was fixed is checked at once.
REFUSED_CHECKS_A_SECOND = 10.0
FINDINGS_A_SECOND = 2.0
# A message that changes while its reason stays is stored this often at most.
MESSAGE_SECONDS = 10.0
# A proposal wakes the policy that it names; this is for one that no watch reported.
SECONDS_BETWEEN_PROPOSALS = 60.0
# What follows from comparisons: Progressing changes with the phase, which is stored at once, or with one of the others.
COMPARED = frozenset({ConditionType.SETTING_EFFECTIVE, ConditionType.SAMPLE_RATIO_OK, ConditionType.PROGRESSING})


def acceptance_is_due(tracked: TrackedPolicy, now: float, in_namespace: int = 1) -> bool:
    """Whether the policy, and the objects that it refers to, have to be checked again.

    in_namespace: how many policies of its namespace the operator tracks.
    """
    if tracked.acceptance.generation != tracked.generation:
        return True
    again_at = due_again_at(tracked.state, tracked.spec)
    if again_at is not None and tracked.acceptance.checked_at < again_at <= now:
        return True  # nobody asks for a search that begins again, and much may have changed meanwhile
    return now >= _check_due(tracked, in_namespace)


def _check_due(tracked: TrackedPolicy, in_namespace: int) -> float:
    patience = max(RECHECK_REFUSED_SECONDS, in_namespace / REFUSED_CHECKS_A_SECOND)
    if tracked.observations.refusal is None:
        patience = RECHECK_SECONDS
    return tick_after(tracked.uid, patience, tracked.acceptance.checked_at)


def tick_after(uid: str, period: float, moment: float) -> float:
    """The first moment after `moment` on the policy's own grid of `period` seconds. Policies that began together,
    as all do when the operator starts, are thereby spread over the period."""
    offset = period * crc32(uid.encode()) / 2**32
    return offset + period * ((moment - offset) // period + 1)


def store_seconds(tracked: TrackedPolicy, policies: int) -> float:
    """The slow tick: every eighth look at most, and all policies together about eight times a second at most."""
    return max(float(LOOKS_A_STORE * tracked.spec.rollout.look_seconds), policies / STATUS_WRITES_A_SECOND)


def store_is_due(tracked: TrackedPolicy, policies: int, now: float) -> bool:
    """Whether looks that are not in the stored status yet have waited long enough."""
    return tracked.state is not tracked.status.stored and now >= _store_due(tracked, policies)


def conditions_are_due(
    conditions_to_write: Collection[ConditionType], tracked: TrackedPolicy, policies: int, now: float
) -> bool:
    """Whether changed conditions must be stored now. Conditions about what a comparison finds concern minutes
    and change for a whole fleet that began together: these wait until the looks are stored, or until the policy's turn,
    which with few policies is at once."""
    if not set(conditions_to_write) <= COMPARED:
        return True
    return bool(conditions_to_write) and now >= tick_after(
        tracked.uid, policies / FINDINGS_A_SECOND, tracked.status.written_at
    )


def message_is_due(tracked: TrackedPolicy, now: float) -> bool:
    """Whether the stored sentence about the traffic is no longer true although its reason is: while all is well only
    its numbers change."""
    traffic = tracked.shown.traffic
    if traffic.status is ConditionStatus.TRUE or traffic.message == tracked.status.traffic_message:
        return False
    return now - tracked.status.written_at >= MESSAGE_SECONDS


def _store_due(tracked: TrackedPolicy, policies: int) -> float:
    return tick_after(tracked.uid, store_seconds(tracked, policies), tracked.status.written_at)


def next_reconcile(tracked: TrackedPolicy, delay: float, policies: int, now: float, in_namespace: int = 1) -> float:
    """The earliest moment at which something will be due, in Unix seconds.

    delay: seconds from a look's moment until its counts are complete. policies: how many the operator tracks, of which
    in_namespace are of the policy's namespace.
    """
    state = tracked.state
    moments = [_check_due(tracked, in_namespace)]
    if state is not tracked.status.stored:
        moments.append(_store_due(tracked, policies))
    rechecks = tracked.traffic.recheck and state.watch_phase not in RESTING
    if state.phase in ACTING or state.watch_phase == Phase.APPLYING or rechecks:
        is_quiet = state.is_held and tracked.observations.traffic.status is ConditionStatus.TRUE
        moments.append(now + LONGEST_RETRY_SECONDS if is_quiet else _next_try(tracked, now))
    again_at = due_again_at(state, tracked.spec)
    if again_at is not None:
        # One that is due and did not begin waits, as for a proposal or for a target that another policy has.
        moments.append(again_at if now < again_at else now + SECONDS_BETWEEN_PROPOSALS)
    if state.phase in BETWEEN_TRIALS and not tracked.spec.suspend and tracked.observations.refusal is None:
        moments.append(_follows_at(tracked, now))
    if state.awaiting is not None and state.suspended_at is None:
        moments += [each for each in time_out_at(tracked.times.gates, state.gates) if each > now]
    if state.step_gates is not None and not state.step_gates.entered and state.suspended_at is None:
        times = time_out_at(tracked.times.step_gates, state.step_gates.asked)
        moments += [each for each in times if each > now]
    look = next_look(tracked.times, state)
    if look is not None:
        moments.append(_reading_due(tracked, look + delay, now))
    if state.phase in TRYING:
        if not is_decided_by_evidence(state):  # nothing ends it at its deadline
            moments.append(ends_at(tracked.spec.rollout.deadline_seconds, state))
        if state.metrics_lost_at is not None and tracked.spec.rollout.on_no_metrics.then == "RollBack":
            moments.append(state.metrics_lost_at + tracked.spec.rollout.on_no_metrics.hold_seconds)
    if state.awaiting is not None and not tracked.spec.suspend and state.phase is not Phase.SUSPENDED:
        ends = waiting_ends_at(tracked.times, state), proof_is_due(tracked.times, state)
        moments += [each if now < each else now + LONGEST_RETRY_SECONDS for each in ends if each is not None]
    moments += [
        # A target that cannot be read now is read again after a while.
        each if now < each else now + LONGEST_RETRY_SECONDS
        for each in (certificate_due_at(state), acts_at(tracked.times, state))
        if each is not None
    ]
    if _guard_is_due(tracked):
        moments.append(now)
    read = next_watch(tracked, policies), next_counts(tracked, tracked.split, policies), tracked.load_due_at
    moments += [each for each in read if each is not None]
    moments += [each.due_at for each in (tracked.shown_metrics, tracked.shown_traffic) if each.due_at is not None]
    return max(now + SHORTEST_PAUSE_SECONDS, min(moments))


def _guard_is_due(tracked: TrackedPolicy) -> bool:
    """Whether a guard begins, or a more careful setting follows its alarm, or follows no more, which is stored too."""
    times, state = tracked.times, tracked.state
    if state.phase is Phase.ROLLED_BACK and steps_back(state):
        return True
    return tracked.observations.refusal is None and begins_now(times, state)


def _follows_at(tracked: TrackedPolicy, now: float) -> float:
    """When what follows by itself begins: now, but where a search waits for proposals, with the next one, which wakes
    the policy, or when its time is over; and an outage is followed by a pause."""
    search, until = tracked.spec.search, waits_until(tracked.state) if tracked.state.plan is not None else None
    if is_interrupted(tracked.state):
        return max(now, float(min(goes_on_at(tracked.state), until or goes_on_at(tracked.state))))
    if search is None or not search.traits.takes_proposals:
        return now
    waits = now + SECONDS_BETWEEN_PROPOSALS
    return waits if until is None else min(waits, max(now, float(until)))


def _reading_due(tracked: TrackedPolicy, complete_at: float, now: float) -> float:
    """When to read the counts of the next look, which are complete at `complete_at`: not at once after a failure, and
    where counts outgrow the status the check of the refused policy comes first."""
    due = max(complete_at, now + tracked.retry_seconds) if tracked.metrics_failures else complete_at
    return due if tracked.status.overflow is None else max(due, now + RECHECK_REFUSED_SECONDS)


def _next_try(tracked: TrackedPolicy, now: float) -> float:
    """When to write or prove the desired weights again: as soon as the route may change, else ever less often."""
    if tracked.observations.traffic.reason == PACING:
        return tracked.traffic.written_at + SECONDS_BETWEEN_CHANGES
    pause = FIRST_RETRY_SECONDS * RETRY_GROWTH ** min(tracked.traffic.failures, 20)
    return now + min(LONGEST_RETRY_SECONDS, pause)
