"""When a policy is due again, and when its looks are stored: pure functions of a TrackedPolicy and the clock."""

from __future__ import annotations

from collections.abc import Collection
from zlib import crc32

from earlystop.api.conditions import ConditionStatus, ConditionType
from earlystop.controller.reconcile.tracked import (
    LONGEST_RETRY_SECONDS,
    RECHECK_REFUSED_SECONDS,
    RECHECK_SECONDS,
    TrackedPolicy,
)
from earlystop.controller.traffic.watch_candidates import next_watch
from earlystop.delivery.decide import PACING, SECONDS_BETWEEN_CHANGES
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import ACTING, TRYING, Phase

# Phases in which the operator moves no weight.
RESTING = (Phase.PENDING, Phase.SUSPENDED)
LOOKS_A_STORE = 8
STATUS_WRITES_A_SECOND = 8.0
FINDINGS_A_SECOND = 2.0
# A message that changes while its reason stays is stored this often at most.
MESSAGE_SECONDS = 10.0
# What follows from comparisons: Progressing changes with the phase, which is stored at once, or with one of the others.
COMPARED = frozenset({ConditionType.SETTING_EFFECTIVE, ConditionType.SAMPLE_RATIO_OK, ConditionType.PROGRESSING})


def acceptance_is_due(tracked: TrackedPolicy, now: float) -> bool:
    """Whether the policy, and the objects that it refers to, have to be checked again."""
    if tracked.acceptance.generation != tracked.generation:
        return True
    return now >= _check_due(tracked)


def _check_due(tracked: TrackedPolicy) -> float:
    patience = RECHECK_SECONDS if tracked.observations.refusal is None else RECHECK_REFUSED_SECONDS
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


def next_reconcile(tracked: TrackedPolicy, delay: float, policies: int, now: float) -> float:
    """The earliest moment at which something will be due, in Unix seconds.

    delay: seconds from a look's moment until its counts are complete. policies: how many the operator tracks.
    """
    state = tracked.state
    moments = [_check_due(tracked)]
    rechecks = tracked.traffic.recheck and state.phase not in RESTING
    if state.phase in ACTING or state.phase == Phase.APPLYING or rechecks:
        moments.append(_next_try(tracked, now))
    watch = next_watch(tracked, policies) if state.phase not in RESTING else None
    if watch is not None:
        moments.append(watch)
    look = next_look(tracked.times, state)
    if look is not None:
        moments.append(max(look + delay, now + tracked.retry_seconds) if tracked.metrics_failures else look + delay)
        if tracked.status.overflow is not None:
            moments[-1] = max(moments[-1], now + RECHECK_REFUSED_SECONDS)  # the check of a refused policy comes first
    if state.phase in TRYING:
        moments.append(state.campaign_started_at + tracked.spec.rollout.deadline_seconds)
        if state.metrics_lost_at is not None and tracked.spec.rollout.on_no_metrics.then == "RollBack":
            moments.append(state.metrics_lost_at + tracked.spec.rollout.on_no_metrics.hold_seconds)
    if state is not tracked.status.stored:
        moments.append(_store_due(tracked, policies))
    moments += [each.due_at for each in (tracked.shown_metrics, tracked.shown_traffic) if each.due_at is not None]
    return max(now + 0.05, min(moments))


def _next_try(tracked: TrackedPolicy, now: float) -> float:
    """When to write or prove the desired weights again: as soon as the route may change, else ever less often."""
    if tracked.observations.traffic.reason == PACING:
        return tracked.traffic.written_at + SECONDS_BETWEEN_CHANGES
    return now + min(LONGEST_RETRY_SECONDS, 0.3 * 1.5 ** min(tracked.traffic.failures, 20))
