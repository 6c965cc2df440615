"""When a policy is due again, and when its looks are stored: pure functions of a TrackedPolicy and the clock."""

from __future__ import annotations

from collections.abc import Collection

from earlystop.api.conditions import ConditionStatus, ConditionType
from earlystop.controller.memory.pauses import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    RECHECK_REFUSED_SECONDS,
    RECHECK_SECONDS,
    RETRY_GROWTH,
    SHORTEST_PAUSE_SECONDS,
    tick_after,
)
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.watch_candidates import next_watch
from earlystop.controller.traffic.watch_counts import next_counts
from earlystop.delivery.decide import PACING, SECONDS_BETWEEN_CHANGES
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.next_moments import next_moments
from earlystop.rollout.state import ACTING, Phase
from earlystop.rollout.trials.sequence import due_again_at

# Phases in which the operator moves no weight.
RESTING = (Phase.PENDING, Phase.SUSPENDED)
LOOKS_A_STORE = 8
STATUS_WRITES_A_SECOND = 8.0
# Of one namespace. What a refusal follows from is watched, so that a policy which was fixed is checked at once.
REFUSED_CHECKS_A_SECOND = 10.0
FINDINGS_A_SECOND = 2.0
# A message that changes while its reason stays is stored this often at most.
MESSAGE_SECONDS = 10.0
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
    moments += [each.due_at for each in (tracked.shown_metrics, tracked.shown_traffic) if each.due_at is not None]
    look = next_look(tracked.times, state)
    if look is not None:
        moments.append(_reading_due(tracked, look + delay, now))
    refused = tracked.observations.refusal is not None
    moments += next_moments(
        tracked.spec, tracked.times, state, now, refused=refused, retry_seconds=LONGEST_RETRY_SECONDS
    )
    read = next_watch(tracked, policies), next_counts(tracked, tracked.split, policies), tracked.load_due_at
    moments += [each for each in read if each is not None]
    return max(now + SHORTEST_PAUSE_SECONDS, min(moments))


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
