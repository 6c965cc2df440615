"""Which of two certified settings serves by the load: the promoted one while servers are busy, else the next more
careful one that the same campaign has certified beside it.

So the budget falls under load, and never below that of the setting that was promoted. Nothing else ever serves: neither
what was not proven, nor what would need anybody's consent, nor, while the certificate has lapsed or the guard cannot
see, anything bolder than what serves. A load that cannot be read changes nothing.

Each setting has detectors of its own, which stand still while the other one serves: no look of one is evidence about
the other, and harm of one that serves for a while each day is found all the same. The two share the promise. Of each,
the mean of its statistic grows by no more than a second for each second that it serves, so the sum of both grows by no
more than a second for each second, and an alarm of either needs the same height as that of one alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from earlystop.api.when_busy import MOST_CHANGES, WhenBusy
from earlystop.evidence import guard_detectors
from earlystop.rollout.exposure import serving
from earlystop.rollout.guard.adjust import next_more_careful, waits_for_consent
from earlystop.rollout.guard.detector_packing import pack_detectors, rounded, unpack_detectors
from earlystop.rollout.guard.follow import restarted, with_new_step
from earlystop.rollout.guard.state import NO_LOOKS, Busy, GuardState, WatchPhase
from earlystop.rollout.guard.window import EMPTY
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState

HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class LoadRead:
    """The load as it was read last. value: 0 or more; None where nobody knows. problem: why, "" where it is known."""

    value: float | None
    problem: str = ""


NOT_READ = LoadRead(None, "it has not been read yet")


class Hindrance(StrEnum):
    """Why the promoted setting serves although the policy lets the load choose."""

    NOTHING_MORE_CAREFUL = "NothingMoreCareful"
    NOT_CERTIFIED = "NotCertified"
    NEEDS_CONSENT = "NeedsConsent"
    LAPSED = "Lapsed"
    LOAD_UNKNOWN = "LoadUnknown"


def follow_load(times: LiveTimes, state: RolloutState, load: LoadRead, now: int) -> RolloutState:
    """The state in which the setting serves that the load asks for; the same one where none is to change.

    A change is a step of its own, stored before any request follows it. Where the policy no longer asks for it, the
    promoted setting serves.
    """
    guard = state.guard
    if guard is None or not state.is_guarded or guard.ends or times.suspend or guard.suspended_at is not None:
        return state
    wanted = wanted_of(times)
    name = "" if wanted is None else _asked_for(times, wanted, state, guard, load, now)
    return state if name == guard.busy.serves else _changed(state, guard, name, now)


def wanted_of(times: LiveTimes) -> WhenBusy | None:
    """What the policy says about load, None where it says nothing."""
    return None if times.guard is None else times.guard.when_busy


def hindrance(times: LiveTimes, state: RolloutState, load: LoadRead) -> Hindrance | None:
    """Why the load changes nothing now, or None where it may."""
    certified, decision = state.certified, state.decision
    is_asked_for = decision is None or bool(decision.requested_by)  # what a person promotes is proven by nothing
    if is_asked_for or certified is None or certified.values != state.pinned_plan.settings_of(state.leader):
        return Hindrance.NOT_CERTIFIED
    careful = next_more_careful(state, state.leader)
    if careful is None:
        return Hindrance.NOTHING_MORE_CAREFUL
    if waits_for_consent(times, state, careful):
        return Hindrance.NEEDS_CONSENT
    if certified.lapse is not None:
        return Hindrance.LAPSED
    return Hindrance.LOAD_UNKNOWN if load.value is None else None


def waits_until(wanted: WhenBusy, guard: GuardState, now: int) -> int | None:
    """When the setting may change again, in Unix seconds; None where it may now."""
    changes = guard.busy.changes
    moments = [max(changes[-1:], default=guard.since) + wanted.minimum_seconds]
    of_last_hour = [each for each in changes if each > now - HOUR_SECONDS]
    if len(of_last_hour) >= wanted.changes_per_hour:
        moments.append(of_last_hour[-wanted.changes_per_hour] + HOUR_SECONDS)
    return max(moments) if max(moments) > now else None


def _asked_for(
    times: LiveTimes, wanted: WhenBusy, state: RolloutState, guard: GuardState, load: LoadRead, now: int
) -> str:
    """Name of the more careful setting where that shall serve, "" for the promoted one."""
    serves, why = guard.busy.serves, hindrance(times, state, load)
    if why is Hindrance.LAPSED:
        return next_more_careful(state, state.leader) or serves  # nothing bolder, whatever the load is
    if why is not None or load.value is None or waits_until(wanted, guard, now) is not None:
        return serves
    if not serves:
        return next_more_careful(state, state.leader) or "" if load.value <= float(wanted.below) else ""
    return "" if load.value >= float(wanted.above) and _sees(guard) else serves


def _sees(guard: GuardState) -> bool:
    """Whether harm would be seen: nothing bolder serves while it would not. Answers of what serves must have been
    compared since it began to, or each change would begin anew the time until a guard is known to be blind."""
    has_compared = guard.coverage is not None and guard.coverage.looks > 0 and not guard.is_blind
    return guard.phase is WatchPhase.OBSERVING and has_compared and guard.clock.metrics_lost_at is None


def _changed(state: RolloutState, guard: GuardState, name: str, now: int) -> RolloutState:
    """The state in which this setting serves: a step of its own, with the detectors that it had when it served last."""
    busy, objective = guard.busy, guard.objective
    changes = (*busy.changes, now)[-MOST_CHANGES:]
    parked = pack_detectors(rounded(guard.detectors, objective), objective)
    after = replace(guard, busy=Busy(name, changes, parked, guard.taken))
    comparison = state.comparison(serving(replace(state, guard=after)))
    detectors = unpack_detectors(busy.parked, objective) if busy.parked else guard_detectors.start(objective)
    after = replace(
        restarted(after),
        factors=guard_detectors.factors_of(comparison.evidence.objective, comparison.evidence.witnesses),
        checkpoint=detectors,
        detectors=detectors,
        checkpoint_at=now,
        looks=NO_LOOKS,
        taken=busy.parked_looks,
        window=EMPTY,
        spans=(),
        coverage=None,
    )
    return with_new_step(state, after)
