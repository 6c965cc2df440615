"""What people are told of a guard."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from earlystop.api.conditions import Condition, ConditionStatus
from earlystop.api.conditions import ConditionType as Type
from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.evidence import guard_detectors
from earlystop.evidence.change_detection import NEVER
from earlystop.evidence.objective import Claim
from earlystop.rollout.formatting import in_count, in_duration, rfc3339
from earlystop.rollout.guard.state import GuardState, WatchPhase
from earlystop.rollout.guard.window import Sums
from earlystop.rollout.state import RolloutState


def guarded(state: RolloutState) -> Condition | None:
    """The condition of the guard; None for a campaign that has none."""
    guard = state.guard
    if guard is None:
        return None
    if guard.alarm is not None:
        message = "The guard has alarmed and taken the promoted setting off; the condition RolledBack says why."
        return Condition(Type.GUARDED, ConditionStatus.FALSE, "GuardAlarm", message)
    if guard.suspended_at is not None:
        message = "The policy is suspended: no weight moves, and nobody watches. Set spec.suspend to false to go on."
        return Condition(Type.GUARDED, ConditionStatus.FALSE, "GuardSuspended", message)
    if guard.ends:
        message = "The guard is being taken off, as spec.guard was removed; all requests get the promoted setting."
        return Condition(Type.GUARDED, ConditionStatus.FALSE, "GuardEnds", message)
    if guard.clock.metrics_lost_at is not None:
        message = (
            f"Counts cannot be read since {rfc3339(guard.clock.metrics_lost_at)}, so harm would not be seen. The "
            "promoted setting stays: an outage shows no harm. The condition MetricsAvailable says what is wrong."
        )
        return Condition(Type.GUARDED, ConditionStatus.FALSE, "GuardBlind", message)
    if guard.is_blind:
        return Condition(Type.GUARDED, ConditionStatus.FALSE, "GuardBlind", blind_sentence(guard))
    if guard.phase is not WatchPhase.OBSERVING:
        return Condition(Type.GUARDED, ConditionStatus.UNKNOWN, "GuardBegins", guard_sentence(guard))
    return Condition(Type.GUARDED, ConditionStatus.TRUE, "Watching", guard_sentence(guard))


def guard_sentence(guard: GuardState) -> str:
    """What a guard does; status.guard.window has what it has seen lately."""
    kept = f"{guard.holdback} % of requests stay on the baseline" if guard.holdback else "golden questions are compared"
    if guard.phase is WatchPhase.APPLYING:
        return f"The guard begins: {kept}, and weights are put in force."
    if guard.phase is WatchPhase.SETTLING:
        return f"The guard begins: {kept}, and answers to older requests are waited for."
    serves = f" {guard.busy.serves} serves, as there is little load." if guard.busy.serves else ""
    return f"The guard watches: {kept}.{serves}"


def blind_sentence(guard: GuardState) -> str:
    """Since when there is nothing to compare, of which variant it is missing, and what to do."""
    coverage = guard.coverage
    assert coverage is not None and coverage.missing is not None  # it is blind
    baseline, promoted, ours, theirs = coverage.missing
    counts = (
        f"since {rfc3339(coverage.at)} the promoted setting has had {counted(in_count(promoted), 'request')} and "
        f"{in_count(theirs)} scored answers, the baseline {in_count(baseline)} and {in_count(ours)}"
    )
    if guard.phase is WatchPhase.SETTLING:
        counts += (
            f", of which {counted(guard.in_flight or 0, 'request in flight is', 'requests in flight are')} waited for"
        )
    elif guard.on_pairs:
        counts = f"since {rfc3339(coverage.at)} no golden question has been answered by both variants"
    return (
        f"Nothing can be compared, so harm would not be seen: {counts}. The promoted setting stays. Find out why "
        "answers are missing, or abort the campaign, which gives all requests to the baseline."
    )


def window_sentence(guard: GuardState) -> str:
    """What both variants did lately, with a blank before it; "" before anything was seen."""
    window = guard.window
    if not window.parts:
        return ""
    saving = window.saving if guard.holdback else None
    saves = "" if saving is None else f", and {rounded_percent(saving)} of the tokens are saved"
    return (
        f" In the last {in_duration(window.seconds)} Exact Match was {_percent(window.candidate)}, at the baseline "
        f"{_percent(window.baseline)}{saves}."
    )


def detector_rows(guard: GuardState) -> Iterator[tuple[Claim, float, float]]:
    """Each claim with the natural log of its statistic and of what an alarm needs, both at least 0."""
    times = guard_detectors.mean_times(guard.objective, guard.false_revert_seconds)
    for claim, each in guard_detectors.named(guard.detectors, guard.objective):
        value = 0.0 if each.log_statistic == NEVER else max(0.0, each.log_statistic)
        yield claim, value, log(times[claim])


def _percent(sums: Sums) -> str:
    rate = sums.exact_match
    return "not known" if rate is None else f"{rounded_percent(rate, 1)} of {counted(in_count(sums.scored), 'answer')}"
