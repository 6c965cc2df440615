"""A guard begins, changes and ends as the policy says now: pure, from one state to the next."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.guard import Guard
from earlystop.api.wire import INCUMBENT
from earlystop.evidence import guard_detectors
from earlystop.evidence.objective import About, Basis, Objective
from earlystop.rollout.exposure import promoted_label, serving
from earlystop.rollout.guard.coverage import in_new_step, resumed
from earlystop.rollout.guard.state import NEVER_CHANGED, Busy, GuardState, StepClock, WatchPhase
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.totals import Totals


def follow_guard(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """The state after `spec.guard` and `spec.suspend` were followed; the same one where nothing is to be changed.

    A guard begins after a promotion, or when one is written for a setting that was promoted before. Another share of
    requests is a step of its own, whose counters begin at 0; what was found before goes on counting. Other evidence
    begins anew. While the policy is suspended no weight moves and nothing is looked at.
    """
    guard, wanted = state.guard, times.guard
    if state.phase is not Phase.PROMOTED:
        return state
    if guard is None:
        if wanted is None or not begins_now(times, state):
            return state
        return with_new_step(state, _begun(wanted, state, now))
    if times.suspend:
        return state if guard.suspended_at is not None else replace(state, guard=replace(guard, suspended_at=now))
    if guard.suspended_at is not None:
        coverage = resumed(guard.coverage, now - guard.suspended_at)
        guard = replace(restarted(guard), suspended_at=None, coverage=coverage)
    if wanted is None:
        # The label of the trial's last step is that of the split that stays.
        ending = replace(restarted(guard), ends=True, holdback=0, clock=StepClock(step=state.step), busy=NEVER_CHANGED)
        guard = guard if guard.ends else ending
    elif guard.ends or guard.objective.basis is not Basis(wanted.evidence):
        return with_new_step(state, _begun(wanted, state, now))
    elif guard.holdback != wanted.holdback:
        return with_new_step(state, _with_times(replace(restarted(guard), holdback=wanted.holdback), wanted))
    elif (guard.false_revert_seconds, guard.window_seconds) != (wanted.false_revert_seconds, wanted.window_seconds):
        guard = _with_times(guard, wanted)
    return state if guard is state.guard else replace(state, guard=guard)


def begins_now(times: LiveTimes, state: RolloutState) -> bool:
    """Whether a guard is asked for that has not begun, and may."""
    is_asked_for = times.guard is not None and state.guard is None and not times.suspend
    return is_asked_for and state.phase is Phase.PROMOTED and is_guardable(state)


def is_guardable(state: RolloutState) -> bool:
    """Whether a promotion is of one setting that gets a share of requests beside the baseline's: a search's, once that
    is over."""
    label, spec = promoted_label(state), state.pinned_plan.spec
    told_apart = label != INCUMBENT or spec.metrics.traits.by_convention
    return bool(label) and told_apart and not spec.delivery.traits.promotes_target


def guard_objective(plan: Plan, learned: float | None, basis: Basis) -> Objective:
    """What a guard compares: what the trial's last stage did, on its own evidence. Golden questions are asked again and
    again, so it is about those of the file. learned: as in `Plan.objective_at`."""
    objective = replace(plan.objective_at(len(plan.stages) - 1, learned), same_setting_steps=0)
    if basis is Basis.PAIRS:
        return replace(objective, basis=basis, classes=(), require_each=False, about=About.FILE)
    return replace(objective, basis=basis, about=None, distinct_questions=None)


def restarted(guard: GuardState) -> GuardState:
    """The guard whose step begins again, as its weights must be put in force anew. What was found goes on counting; its
    counters hold requests of another split."""
    return replace(
        guard,
        phase=WatchPhase.APPLYING,
        clock=StepClock(step=guard.clock.step),
        mark=Totals(),
        in_flight=None,
        interrupted=True,
    )


def _begun(wanted: Guard, state: RolloutState, now: int) -> GuardState:
    comparison = state.comparison(serving(state))
    before = NEVER_CHANGED if state.guard is None else state.guard.busy
    objective = guard_objective(state.pinned_plan, state.dispersion, Basis(wanted.evidence))
    factors = guard_detectors.factors_of(comparison.evidence.objective, comparison.evidence.witnesses)
    detectors = guard_detectors.start(objective)
    return GuardState(
        since=now,
        objective=objective,
        factors=factors,
        holdback=wanted.holdback,
        false_revert_seconds=wanted.false_revert_seconds,
        window_seconds=wanted.window_seconds,
        clock=StepClock(step=0),
        checkpoint=detectors,
        detectors=detectors,
        checkpoint_at=now,
        busy=Busy(before.serves, before.changes),
    )


def with_new_step(state: RolloutState, guard: GuardState) -> RolloutState:
    """The state with a guard whose step is a new one: no counter of another split has its label."""
    number = state.guard_steps + 1
    clock = StepClock(step=state.step + number)
    guard = replace(guard, clock=clock, interrupted=False, coverage=in_new_step(guard.coverage))
    return replace(state, guard=guard, guard_steps=number)


def _with_times(guard: GuardState, wanted: Guard) -> GuardState:
    return replace(guard, false_revert_seconds=wanted.false_revert_seconds, window_seconds=wanted.window_seconds)
