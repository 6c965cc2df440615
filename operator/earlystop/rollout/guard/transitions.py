"""What a guard does next: counterparts of the rollout's transitions, for the step by which a promotion is watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from earlystop.evidence import guard_detectors
from earlystop.evidence.look_check import check_counts
from earlystop.evidence.objective import EXACT_MATCH
from earlystop.rollout.guard.burst import look_waits
from earlystop.rollout.guard.coverage import after_look, began, look_of_guard
from earlystop.rollout.guard.culprit_evidence import rates_of
from earlystop.rollout.guard.detector_packing import rounded
from earlystop.rollout.guard.follow import restarted
from earlystop.rollout.guard.spans import with_rates
from earlystop.rollout.guard.state import Alarm, GuardState, WatchPhase, kept_looks
from earlystop.rollout.guard.window import added
from earlystop.rollout.increments import LookToUse
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.settling import arm_of, wait_of
from earlystop.rollout.state import WATCHING, RolloutState
from earlystop.rollout.stored.compressed_looks import CompressedLooks, with_look
from earlystop.rollout.totals import Totals


def weights_in_force(state: RolloutState, at: int) -> RolloutState:
    """The guard's weights are proven to be in force. One that is taken off is over with it."""
    guard = _guard(state)
    if guard.phase is not WatchPhase.APPLYING:
        return state
    if guard.ends:
        return replace(state, guard=None)
    clock = replace(guard.clock, started_at=at)
    return replace(state, guard=replace(guard, phase=WatchPhase.SETTLING, clock=clock))


def weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed what was in force: the guard's step starts afresh once its weights are back."""
    return replace(state, guard=restarted(_guard(state))) if state.watch_phase in WATCHING else state


def unproven_weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed weights before anything had proven them: the step's counters hold requests of another split."""
    guard = _guard(state)
    if guard.phase is not WatchPhase.APPLYING or guard.interrupted:
        return state
    return replace(state, guard=replace(guard, interrupted=True))


def take_look(
    times: LiveTimes, state: RolloutState, at: int, totals: Totals, in_flight: Sequence[int] | None = None
) -> RolloutState:
    """The state after a look at moment `at`; one that shows harm leaves an alarm in it (`alarm_of`).

    totals: counts of the guard's step. in_flight: requests of it that have not ended, of the baseline and of the
    promoted setting; None where the totals say it.
    """
    if state.watch_phase not in WATCHING:
        return state
    guard, totals = _guard(state), totals.as_guarded
    guard = replace(guard, clock=replace(guard.clock, last_look_at=at, metrics_lost_at=None))
    if guard.phase is WatchPhase.SETTLING:
        return replace(state, guard=_settled(times, guard, at, totals, in_flight))
    if times.settle.measured and look_waits(guard, totals, at, in_flight or (None, None)):
        return replace(state, guard=guard)
    weight = 100 - guard.holdback
    found = look_of_guard(guard.objective, guard.mark, totals, at=at, step=guard.clock.step, weight=weight)
    before = guard.coverage or began(None, totals, at)
    coverage = after_look(before, guard.since, totals, at, usable=found is not None and found.usable)
    guard = replace(guard, coverage=coverage)
    return replace(state, guard=guard if found is None else _after_look(guard, found))


def lose_metrics(state: RolloutState, now: int, at: int | None = None) -> RolloutState:
    """Counts could not be used; `at`: the moment is passed over for good, as in a trial. However long they are missing,
    the promoted setting stays: an outage shows no harm."""
    guard = _guard(state)
    clock = guard.clock
    if state.watch_phase not in WATCHING or (clock.metrics_lost_at is not None and at is None):
        return state
    clock = replace(
        clock,
        metrics_lost_at=now if clock.metrics_lost_at is None else clock.metrics_lost_at,
        last_look_at=clock.last_look_at if at is None else at,
    )
    return replace(state, guard=replace(guard, clock=clock))


def alarm_of(state: RolloutState) -> Alarm | None:
    """The alarm by which harm has begun after a promotion; None while there is none."""
    return None if state.guard is None else state.guard.alarm


def replayed(guard: GuardState) -> GuardState:
    """The guard with its detectors worked out anew from the checkpoint and the looks since then."""
    *_, detectors = detectors_over_looks(guard)
    return replace(guard, detectors=detectors)


def detectors_over_looks(guard: GuardState) -> Iterator[guard_detectors.Detectors]:
    """The detectors at the checkpoint, and after each look since then."""
    detectors, before = guard.checkpoint, guard.checkpoint_at
    yield detectors
    for look in guard.looks:
        found = LookToUse(look, guard.mark, usable=guard_detectors.is_usable(guard.objective, look))
        detectors, before = _advanced(guard, detectors, found, before), look.at
        yield detectors


def _settled(
    times: LiveTimes, guard: GuardState, at: int, totals: Totals, in_flight: Sequence[int] | None
) -> GuardState:
    """The guard after a look at its step while that settles: its evidence begins, or waits for answers."""
    started_at = guard.clock.started_at
    assert started_at is not None  # a step settles from the moment when its weights are in force
    pairs = (totals.baseline, guard.mark.baseline), (totals.candidate, guard.mark.candidate)
    known: Sequence[int | None] = (None, None) if in_flight is None else in_flight
    arms = (
        [arm_of(*counts, waiting) for counts, waiting in zip(pairs, known, strict=True)]
        if times.settle.measured
        else []
    )
    if not guard.holdback:
        arms = arms[1:]  # nobody is led to the baseline
    wait = wait_of(times.settle, arms, at - started_at, interrupted=guard.interrupted)
    before = began(guard.coverage, totals, at) if wait.is_over else began(guard.coverage, guard.mark, started_at)
    coverage = after_look(before, guard.since, totals, at, usable=False)
    guard = replace(guard, in_flight=wait.in_flight, coverage=coverage)
    if wait.is_over:
        begins = at if not guard.taken else guard.checkpoint_at
        clock = replace(guard.clock, evidence_from=at)
        guard = replace(guard, phase=WatchPhase.OBSERVING, clock=clock, checkpoint_at=begins)
    if wait.is_over or wait.counts_older:
        guard = replace(guard, mark=totals.as_mark, interrupted=False)
    return guard


def _after_look(guard: GuardState, found: LookToUse) -> GuardState:
    """The guard after a look that is evidence, with an alarm where it shows harm."""
    look = found.look
    check_counts(guard.objective, look)
    guard = _compacted(guard)
    detectors = _advanced(guard, guard.detectors, found, guard.looked_at)
    guard = replace(
        guard,
        mark=found.mark,
        detectors=detectors,
        taken=guard.taken + 1,
        window=added(guard.window, guard.window_seconds, look, on_pairs=guard.on_pairs),
        spans=with_rates(guard.spans, guard.looked_at, rates_of(guard.objective, EXACT_MATCH, look)),
    )
    claims = guard_detectors.alarms(detectors, guard.objective, guard.false_revert_seconds)
    alarm = Alarm(claims, look.at, guard.false_revert_seconds) if claims else None
    return replace(guard, looks=with_look(guard.looks, look), alarm=alarm)


def _compacted(guard: GuardState) -> GuardState:
    """The guard with room for one more look: of a full record, all but the newer half becomes the checkpoint. That of
    an earlier release may be longer."""
    kept = kept_looks(guard.objective, guard.busy)
    if len(guard.looks) < kept:
        return guard
    gone = len(guard.looks) - kept // 2
    older = replayed(replace(guard, looks=guard.looks[:gone])).detectors
    checkpoint, at = rounded(older, guard.objective), guard.looks[gone - 1].at
    newer = CompressedLooks(guard.looks[gone:])
    return replayed(replace(guard, checkpoint=checkpoint, checkpoint_at=at, looks=newer))


def _advanced(
    guard: GuardState, detectors: guard_detectors.Detectors, found: LookToUse, before: int
) -> guard_detectors.Detectors:
    """The detectors after a look. before: moment of the one before it; the time between opens new bets."""
    seconds = max(1.0, float(found.look.at - before))
    return guard_detectors.update(detectors, guard.objective, guard.factors, found.look, seconds, usable=found.usable)


def _guard(state: RolloutState) -> GuardState:
    if state.guard is None or not state.is_guarded:
        raise ValueError(f"no guard watches over campaign {state.revision}")
    return state.guard
