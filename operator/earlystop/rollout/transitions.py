"""What happens to a rollout beside its looks: suspended, weights in force or lost, counts missing, time over. Pure."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.decided import is_decided_by_evidence, with_decision
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.golden_questions import exhausted
from earlystop.rollout.last_decision import last_decision, questions_used_up
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.outages import decision_on_outage
from earlystop.rollout.pinned_baseline import losses_with
from earlystop.rollout.state import (
    PHASES,
    TRYING,
    WATCHING,
    Certified,
    Decision,
    Phase,
    RolloutState,
    Verdict,
)
from earlystop.rollout.steps import restart_step
from earlystop.rollout.trials.budget import decision_on_time
from earlystop.rollout.trials.campaign_budget import used_up
from earlystop.rollout.trials.clock import clock_resumed, clock_stopped
from earlystop.rollout.trials.deadline import ends_at
from earlystop.rollout.trials.end_reasons import BUDGET_USED
from earlystop.rollout.trials.sequence import after_trial
from earlystop.rollout.waiting.gate_clock import gates_resumed
from earlystop.rollout.words.held_messages import deadline_message

NEVER_READY = "CandidateNeverReady"
NEVER_READY_MESSAGE = "The candidate's Pods were not ready within the time that they may take; back to the baseline."


def suspend_or_resume(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """Freeze a running rollout, or let it go on: then its step starts afresh, and deadline and gates are later by as
    long. A rollout that has just dropped a candidate is frozen once that candidate gets no more requests. Between the
    trials of a search, the search's clock stands still."""
    if times.suspend and state.phase in TRYING and not _is_shedding(state):
        return replace(restart_step(state), phase=Phase.SUSPENDED, suspended_at=now)
    if not times.suspend and state.phase == Phase.SUSPENDED:
        later = state.campaign_started_at + now - (state.suspended_at or now)
        state = clock_resumed(gates_resumed(restart_step(state), now), now)
        return replace(state, phase=Phase.APPLYING, campaign_started_at=later)
    return clock_stopped(state, now) if times.suspend else clock_resumed(state, now)


def _is_shedding(state: RolloutState) -> bool:
    """Whether this step is there to take a candidate off, and is not in force yet."""
    dropped = [each.dropped for each in state.comparisons if each.dropped is not None]
    return state.phase is Phase.APPLYING and any(each.step == state.step - 1 for each in dropped)


def weights_in_force(state: RolloutState, at: int) -> RolloutState:
    """The step's weights are proven to be in force: its clock starts, and stragglers have time to finish."""
    if state.phase != Phase.APPLYING or state.is_held:
        return state
    return replace(state, phase=Phase.SETTLING, step_started_at=at)


def weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed what was in force: the step starts afresh once its weights are back."""
    if state.phase not in WATCHING:
        return state
    return replace(restart_step(state), phase=Phase.APPLYING)


def unproven_weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed weights by which users were led before anything had proven them: the step's counters hold
    requests of another split too."""
    if state.phase is not Phase.APPLYING or state.interrupted:
        return state
    return replace(state, interrupted=True)


def lose_metrics(state: RolloutState, now: int, at: int | None = None, *, none_expected: bool = False) -> RolloutState:
    """Counts could not be used. With `at`, the moment is passed over for good (its data are stale or broken, and
    the increments come with a later look); without, the same moment is read again. none_expected: there can be none
    now, so the time for which counts may be missing begins anew."""
    known = state.metrics_lost_at is not None and at is None
    if state.phase not in WATCHING or known:
        return state
    return replace(
        state,
        metrics_lost_at=now if state.metrics_lost_at is None or none_expected else state.metrics_lost_at,
        last_look_at=state.last_look_at if at is None else at,
    )


def expire(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """End a rollout whose time is over: without metrics or golden questions for too long, or without a verdict at the
    deadline."""
    if state.phase not in TRYING:
        return state
    outage = decision_on_outage(times, state, now)
    if outage is not None:
        return with_decision(times, state, outage)
    if is_decided_by_evidence(state):
        return state
    if exhausted(state):
        return with_decision(times, state, questions_used_up(state, now))
    over = decision_on_time(state, now)
    if over is not None:
        return with_decision(times, state, over)
    if sentence := used_up(state, now):
        return with_decision(times, state, last_decision(state, BUDGET_USED, sentence, now))
    if now >= ends_at(times.deadline_seconds, state):
        message = deadline_message(in_duration(times.deadline_seconds))
        return with_decision(times, state, last_decision(state, "DeadlineExceeded", message, now))
    return state


def give_up(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """End a rollout whose step cannot begin, since what a candidate needs was not ready in time."""
    if state.phase is not Phase.APPLYING:
        return state
    decision = Decision(Verdict.ROLL_BACK, NEVER_READY, NEVER_READY_MESSAGE, now, state.leader)
    return with_decision(times, state, decision)


def carried_out(state: RolloutState) -> RolloutState:
    """All verdicts are stored and the weights are in force. What a person asked for certifies nothing."""
    phase, decision = PHASES[state.phase].becomes, state.decision
    if phase is None:
        return state
    state = replace(state, losses=losses_with(state), unstored=())
    if state.search is not None:
        return after_trial(state)
    if decision is not None and decision.reason == BY_CLASS:
        return replace(state, phase=phase, certified=_certified_by_class(state, decision.at))
    if phase is not Phase.PROMOTED or decision is None or decision.requested_by:
        return replace(state, phase=phase)
    values = state.pinned_plan.settings_of(decision.candidate)
    return replace(state, phase=phase, certified=Certified(values, decision.at))


def _certified_by_class(state: RolloutState, at: int) -> Certified:
    plan = state.pinned_plan
    return Certified(plan.baseline_settings, at, class_settings(plan, state.comparisons))
