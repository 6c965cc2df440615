"""A guard as it stands in a policy's status and in the verdict of its alarm, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.percent import rounded_percent
from earlystop.api.status.guard import DetectorStatus, GuardStatus, GuardWindow, RecordedGuard, WindowArm
from earlystop.api.times import from_rfc3339_or_none, rfc3339_or_none
from earlystop.evidence.objective import Basis, Claim, ClaimKind
from earlystop.rollout.formatting import from_rfc3339, log_e_text, rfc3339
from earlystop.rollout.guard.coverage import GuardCoverage, Seen
from earlystop.rollout.guard.culprit_codec import culprit_status, pack_spans, restore_culprit, unpack_spans
from earlystop.rollout.guard.detector_packing import pack_detectors, unpack_detectors
from earlystop.rollout.guard.follow import guard_objective
from earlystop.rollout.guard.packing import (
    pack_factors,
    pack_window,
    unpack_factors,
    unpack_window,
)
from earlystop.rollout.guard.state import Alarm, Busy, GuardState, StepClock, WatchPhase
from earlystop.rollout.guard.transitions import replayed
from earlystop.rollout.guard.window import Sums
from earlystop.rollout.guard.words import detector_rows
from earlystop.rollout.plan import Plan
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.packing import pack_looks, pack_marks, unpack_looks, unpack_marks

MOST_SHOWN, MOST_OF_AN_ALARM = 1, 2
"""Detectors in a status, while a guard watches and once it has alarmed."""


def guard_status(guard: GuardState | None) -> GuardStatus | None:
    """What a status says of a guard; None without one."""
    if guard is None:
        return None
    clock, alarm = guard.clock, guard.alarm
    return GuardStatus(
        phase=guard.phase.value,
        since=rfc3339(guard.since),
        evidence=guard.objective.basis.value,
        holdback_weight=guard.holdback,
        false_revert_seconds=guard.false_revert_seconds,
        window_seconds=guard.window_seconds,
        ends=guard.ends or None,
        step=clock.step,
        step_started_at=rfc3339_or_none(clock.started_at),
        evidence_from=rfc3339_or_none(clock.evidence_from),
        last_look_at=rfc3339_or_none(clock.last_look_at),
        metrics_lost_at=rfc3339_or_none(clock.metrics_lost_at),
        suspended_at=rfc3339_or_none(guard.suspended_at),
        in_flight=guard.in_flight,
        interrupted=guard.interrupted or None,
        looks_taken=guard.taken,
        window=_window(guard),
        detectors=nearest_detectors(guard, MOST_SHOWN if alarm is None else MOST_OF_AN_ALARM),
        alarm=None if alarm is None else tuple(map(str, alarm.claims)),
        alarm_at=None if alarm is None else rfc3339(alarm.at),
        alarm_then=None if alarm is None else alarm.then or None,
        factors=pack_factors(guard.factors),
        mark=pack_marks([guard.mark]),
        checkpoint=pack_detectors(guard.checkpoint, guard.objective),
        checkpoint_at=rfc3339(guard.checkpoint_at),
        looks=pack_looks(guard.looks) or None,
        window_parts=pack_window(guard.window) or None,
        spans=pack_spans(guard.spans) or None,
        culprit=culprit_status(alarm),
        **_coverage_fields(guard.coverage),
        **_busy_fields(guard.busy),
    )


def restore_guard(stored: GuardStatus | None, plan: Plan, learned: float | None) -> GuardState | None:
    """Inverse of `guard_status`. learned: as in `Plan.objective_at`. Raises ValueError for a status that no guard of
    this plan has."""
    if stored is None:
        return None
    objective = guard_objective(plan, learned, Basis(stored.evidence or ""))
    checkpoint = unpack_detectors(stored.checkpoint or "", objective)
    guard = GuardState(
        since=from_rfc3339(stored.since),
        objective=objective,
        factors=unpack_factors(stored.factors or ""),
        holdback=stored.holdback_weight,
        false_revert_seconds=stored.false_revert_seconds or 0,
        window_seconds=stored.window_seconds or 0,
        clock=StepClock(
            step=stored.step or 0,
            started_at=from_rfc3339_or_none(stored.step_started_at),
            evidence_from=from_rfc3339_or_none(stored.evidence_from),
            last_look_at=from_rfc3339_or_none(stored.last_look_at),
            metrics_lost_at=from_rfc3339_or_none(stored.metrics_lost_at),
        ),
        checkpoint=checkpoint,
        detectors=checkpoint,
        checkpoint_at=from_rfc3339(stored.checkpoint_at or ""),
        phase=WatchPhase(stored.phase),
        ends=bool(stored.ends),
        suspended_at=from_rfc3339_or_none(stored.suspended_at),
        mark=unpack_marks(stored.mark or "")[0].as_guarded,
        in_flight=stored.in_flight,
        interrupted=bool(stored.interrupted),
        looks=CompressedLooks(unpack_looks(stored.looks or "", len(objective.classes))),
        taken=stored.looks_taken,
        window=unpack_window(stored.window_parts or "", 0 if stored.window is None else stored.window.seconds),
        coverage=_coverage(stored),
        spans=unpack_spans(stored.spans or ""),
        busy=_busy(stored),
    )
    if guard.busy.parked:
        unpack_detectors(guard.busy.parked, objective)  # an unreadable text is refused here, not once it is used
    if stored.alarm is not None:
        at = from_rfc3339(stored.alarm_at or "")
        claims = tuple(map(claim_in, stored.alarm))
        found = restore_culprit(stored.culprit, guard, claims)
        alarm = Alarm(claims, at, stored.false_revert_seconds or 0, stored.alarm_then or "", *found)
        guard = replace(guard, alarm=alarm)
    return replayed(guard)


def recorded_guard(guard: GuardState | None) -> RecordedGuard | None:
    """What a verdict keeps of a guard that has alarmed; None of any other."""
    if guard is None or guard.alarm is None:
        return None
    return RecordedGuard(
        since=rfc3339(guard.since),
        evidence=guard.objective.basis.value,
        false_revert_seconds=guard.alarm.seconds,
        factors=pack_factors(guard.factors),
        alarm=tuple(map(str, guard.alarm.claims)),
        detectors=detectors_text(guard),
        looks_taken=guard.taken,
        checkpoint=pack_detectors(guard.checkpoint, guard.objective),
        checkpoint_at=rfc3339(guard.checkpoint_at),
        looks=tuple(tuple(look.row()) for look in guard.looks),
        culprit=culprit_status(guard.alarm),
    )


def detectors_text(guard: GuardState) -> tuple[DetectorStatus, ...]:
    """How far each detector is from an alarm."""
    return tuple(
        DetectorStatus(name=str(claim), log_statistic=log_e_text(value), needed=log_e_text(needed))
        for claim, value, needed in detector_rows(guard)
    )


def nearest_detectors(guard: GuardState, most: int) -> tuple[DetectorStatus, ...]:
    """The detectors nearest to an alarm, in the order of their claims: with many query classes all of them would be
    most of a status. most: how many, at most."""
    rows = sorted(detectors_text(guard), key=lambda each: float(each.needed) - float(each.log_statistic))
    nearest = {each.name for each in rows[:most]}
    return tuple(each for each in detectors_text(guard) if each.name in nearest)


def claim_in(text: str) -> Claim:
    """The claim that a text names. Raises ValueError for one that names none."""
    kind, _, name = text.partition("/")
    return Claim(ClaimKind(kind), name)


def _coverage_fields(coverage: GuardCoverage | None) -> dict[str, Any]:
    """What a status says of what can be compared, as its fields."""
    if coverage is None:
        return {}
    missing = None if coverage.missing is None else tuple(coverage.missing)
    return {
        "compared_at": rfc3339(coverage.at),
        "compared_looks": coverage.looks,
        "compared_counts": tuple(coverage.counts),
        "not_compared": missing,
    }


def _busy_fields(busy: Busy) -> dict[str, Any]:
    """What a status says of the setting that serves by the load, as its fields; nothing where none ever changed."""
    changes = tuple(map(rfc3339, busy.changes)) or None
    looks = busy.parked_looks if busy.parked else None
    return {
        "serves": busy.serves or None,
        "served_since": changes,
        "parked": busy.parked or None,
        "parked_looks": looks,
    }


def _busy(stored: GuardStatus) -> Busy:
    changes = tuple(map(from_rfc3339, stored.served_since or ()))
    return Busy(stored.serves or "", changes, stored.parked or "", stored.parked_looks or 0)


def _coverage(stored: GuardStatus) -> GuardCoverage | None:
    if stored.compared_at is None:
        return None
    missing = None if stored.not_compared is None else Seen(*stored.not_compared)
    counts = Seen(*(stored.compared_counts or ()))
    return GuardCoverage(from_rfc3339(stored.compared_at), stored.compared_looks or 0, counts, missing)


def _window(guard: GuardState) -> GuardWindow | None:
    window = guard.window
    if not window.parts:
        return None
    saving = window.saving if guard.holdback else None
    return GuardWindow(
        seconds=window.seconds,
        baseline=_arm(window.baseline),
        candidate=_arm(window.candidate),
        saving="not known" if saving is None else rounded_percent(saving, 1),
    )


def _arm(sums: Sums) -> WindowArm:
    exact_match, tokens = sums.exact_match, sums.mean_tokens
    return WindowArm(
        scored=sums.scored,
        match=sums.match,
        exact_match="not known" if exact_match is None else rounded_percent(exact_match, 1),
        completed=sums.completed,
        tokens=sums.tokens,
        mean_tokens="not known" if tokens is None else f"{tokens:.1f}",
    )
