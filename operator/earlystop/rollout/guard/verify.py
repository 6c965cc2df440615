"""Recomputing a guard's alarm from its verdict: the detectors at a checkpoint, and every look since then."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.counts import Look
from earlystop.api.status.guard import RecordedGuard
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence import guard_detectors
from earlystop.evidence.look_check import check_counts
from earlystop.evidence.objective import Basis
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.formatting import from_rfc3339, in_duration
from earlystop.rollout.guard.checkpoint_verify import checkpoint_differences
from earlystop.rollout.guard.codec import claim_in, detectors_text
from earlystop.rollout.guard.culprit_codec import restore_culprit
from earlystop.rollout.guard.culprit_verify import culprit_differences
from earlystop.rollout.guard.detector_packing import unpack_detectors
from earlystop.rollout.guard.follow import guard_objective
from earlystop.rollout.guard.packing import unpack_factors
from earlystop.rollout.guard.response import alarm_message
from earlystop.rollout.guard.state import GuardState, StepClock
from earlystop.rollout.guard.transitions import replayed
from earlystop.rollout.plan import Plan
from earlystop.rollout.verdict_columns import guard_columns


def guard_differences(record: VerdictSpec, plan: Plan, trial: tuple[Look, ...]) -> list[str]:
    """Where what a record says of a guard's alarm does not follow from its looks, one sentence each. trial: the looks
    that the promotion rests on.

    What the guard saw before the checkpoint is in that alone: believed as far as `checkpoint_differences` says.
    """
    guard = record.guard
    if guard is None:
        return ["The record's reason is GuardAlarm, but it holds no guard."] * (record.reason == GUARD_ALARM)
    if record.reason != GUARD_ALARM:
        return [f"The record holds a guard that has alarmed, but its reason is {record.reason}."]
    if not guard.looks:
        return ["The guard's record has no look, so nothing shows what it alarmed on."]
    try:
        again = _replayed(record, guard, plan)
    except ValueError as error:
        return [f"The guard's looks cannot be replayed: {error}."]
    problems = []
    if guard.columns is not None and guard.columns != guard_columns(guard, plan):
        problems.append("The names of the columns are not those of a guard's look under this plan.")
    if detectors_text(again) != guard.detectors:
        problems.append("The guard's looks do not give the statistics that the record says.")
    claims = guard_detectors.alarms(again.detectors, again.objective, guard.false_revert_seconds)
    if not claims or claims != tuple(map(claim_in, guard.alarm)):
        problems.append("The guard's looks do not show the harm that the record rolls back for.")
    moments = [look.at for look in again.looks]
    if from_rfc3339(record.at) != moments[-1] or sorted(set(moments)) != moments:
        problems.append("The times of the guard's looks do not fit each other, or the time of the decision.")
    problems += checkpoint_differences(again, trial)
    # A search's incumbent is guarded whose own trial was an earlier campaign; its looks are not in this record.
    trials = (trial,) if plan.trial is None else (trial, ())
    return problems + culprit_differences(guard, again, trials)


def alarm_messages(record: VerdictSpec, plan: Plan) -> list[str]:
    """The sentence that a record's alarm leads to, also as earlier releases wrote it, in seconds; none where its guard
    cannot be read."""
    stored = record.guard
    if stored is None:
        return []
    try:
        claims = tuple(map(claim_in, stored.alarm))
        found = restore_culprit(stored.culprit, _replayed(record, stored, plan), claims)
        seconds = stored.false_revert_seconds
        return [alarm_message(claims, apart, *found) for apart in (in_duration(seconds), f"{seconds} s")]
    except (ValueError, IndexError):
        return []  # `guard_differences` says why


def _replayed(record: VerdictSpec, stored: RecordedGuard, plan: Plan) -> GuardState:
    """The guard as its looks give it. Raises ValueError for a record that no guard of this plan has."""
    learned = float(record.dispersion) if record.dispersion else None
    objective = guard_objective(plan, learned, Basis(stored.evidence))
    checkpoint = unpack_detectors(stored.checkpoint, objective)
    factors = unpack_factors(stored.factors)
    if len(factors.guardrails) != len(objective.guardrails):
        raise ValueError(f"it has {len(factors.guardrails)} factors of guardrails, of {len(objective.guardrails)}")
    looks = tuple(Look.from_row(list(row)) for row in stored.looks)
    for look in looks:
        check_counts(objective, look)
    guard = GuardState(
        since=from_rfc3339(stored.since),
        objective=objective,
        factors=factors,
        holdback=0,
        false_revert_seconds=stored.false_revert_seconds,
        window_seconds=0,
        clock=StepClock(step=looks[-1].step),
        checkpoint=checkpoint,
        detectors=checkpoint,
        checkpoint_at=from_rfc3339(stored.checkpoint_at),
        taken=stored.looks_taken,
    )
    return replayed(replace(guard, looks=looks))
