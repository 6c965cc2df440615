"""What to do next. Every function is pure: the state so far and what was read, to the state that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.evidence import dispersion
from earlystop.evidence.bets import Answers
from earlystop.rollout.compressed_looks import with_look
from earlystop.rollout.formatting import in_remainder
from earlystop.rollout.golden_questions import counts_twice, exhausted, exhausted_message
from earlystop.rollout.increments import compare
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import record_is_full
from earlystop.rollout.margin_use import NOTHING_USED
from earlystop.rollout.pinned_baseline import losses_with, refusal_of_baseline, used_before
from earlystop.rollout.plan import Plan, Stage, StageKind, parse_plan, plan_text, revision_of
from earlystop.rollout.settling import settle
from earlystop.rollout.spent_risk import attempts_spent, next_attempt
from earlystop.rollout.state import (
    ACTING,
    PHASES,
    TRYING,
    WATCHING,
    Attempts,
    Certified,
    Comparison,
    Decision,
    Phase,
    RolloutState,
    Totals,
    Verdict,
)
from earlystop.rollout.steps import begin_comparisons, begin_next_step, has_least_time, restart_step
from earlystop.rollout.strategy import strategy_of

LONGEST_MESSAGE = 1024
NEVER_READY = "CandidateNeverReady"
NEVER_READY_MESSAGE = "The candidate's Pods were not ready within the time that they may take; back to the baseline."


def start_campaign(
    spec: PolicySpec,
    uid: str,
    retry: str,
    previous_digest: str,
    state: RolloutState,
    now: int,
    *,
    entropy: str,
    commitment: str = "",
    token_lost: bool = False,
    recorded: tuple[Attempts, ...] = (),
) -> RolloutState:
    """A new campaign when the judged part of the policy differs from the one under way, else the same state.

    A decision that is being carried out is finished first, so that none is left half done. While the policy is
    suspended none begins: its weights would move. Nor does one that would have no margin. A newer version of the engine
    starts none either: a campaign goes on under its own.

    entropy: random text, by which nobody foretells the revision. commitment: to the new campaign's token, "" where it
    has none. token_lost: whether nobody knows the token of the campaign under way any more, so that servers would take
    all of its requests for forged: it begins anew. recorded: campaigns that verdicts tell of, where the policy itself
    has had none.
    """
    is_same = state.plan is not None and state.plan.is_asked_for(spec, retry)
    if is_same and not (token_lost and _needs_counts(state)):
        return state
    if state.phase in ACTING or spec.suspend:
        return state
    if refusal_of_baseline(spec, state.losses) is not None:
        return state
    attempts = recorded if state.plan is None else attempts_spent(state)
    used = used_before(spec, state.losses) or NOTHING_USED
    plan = parse_plan(plan_text(spec, retry, attempt=next_attempt(attempts, spec), used=used))
    return RolloutState(
        phase=Phase.APPLYING,
        campaign=state.campaign + 1,
        revision=revision_of(uid, state.campaign + 1, entropy, commitment),
        entropy=entropy,
        plan=plan,
        campaign_started_at=now,
        comparisons=begin_comparisons(plan, 0, None),
        previous_digest=previous_digest,
        certified=state.certified,
        attempts=attempts,
        losses=state.losses,
        handled=state.handled,
    )


def suspend_or_resume(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """Freeze a running rollout, or let it go on: its step then starts afresh, and the deadline waits as long. One that
    has just dropped a candidate is frozen when that one's requests are taken off."""
    if times.suspend and state.phase in TRYING and not _is_shedding(state):
        return replace(restart_step(state), phase=Phase.SUSPENDED, suspended_at=now)
    if not times.suspend and state.phase == Phase.SUSPENDED:
        pause = now - (state.suspended_at or now)
        return replace(
            restart_step(state),
            phase=Phase.APPLYING,
            suspended_at=None,
            campaign_started_at=state.campaign_started_at + pause,
        )
    return state


def _needs_counts(state: RolloutState) -> bool:
    return state.phase in TRYING or state.phase is Phase.SUSPENDED


def _is_shedding(state: RolloutState) -> bool:
    """Whether this step is there to take a candidate off, and is not in force yet."""
    dropped = [each.dropped for each in state.comparisons if each.dropped is not None]
    return state.phase is Phase.APPLYING and any(each.step == state.step - 1 for each in dropped)


def weights_in_force(state: RolloutState, at: int) -> RolloutState:
    """The step's weights are proven to be in force: its clock starts, and stragglers have time to finish."""
    if state.phase != Phase.APPLYING:
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


def take_look(
    times: LiveTimes, state: RolloutState, at: int, *totals: Totals, in_flight: Sequence[int] | None = None
) -> RolloutState:
    """The state after a look at moment `at` of the look schedule.

    totals: counts of the current step for each candidate that has a comparison, in their order, with the
    baseline's in each. in_flight: requests of the step that have not ended, of the baseline and of each candidate; None
    where the totals say it.

    Looks of a step wait until its answers are nearly all in (`settling`); the last of these is a snapshot. A later one
    of a step without candidate teaches (`_learn`), and one whose answers can be compared becomes evidence. Other
    answers are carried over to the next (`increments.compare`): the rules look at numbers of requests and answers only,
    never at correctness.
    """
    if state.phase not in WATCHING:
        return state
    state = replace(state, last_look_at=at, metrics_lost_at=None)
    if state.phase == Phase.SETTLING:
        return settle(times.settle, state, at, totals, in_flight)
    plan = state.pinned_plan
    stage = plan.stage(state.step)
    if stage.kind is StageKind.LEARN:
        return _learn(plan, state, at, totals[0])
    weights = _weights_of_a_look(stage, len(state.active))
    compared = tuple(
        each if each.dropped else _compare(each, counted, at, state.step, *weights)
        for each, counted in zip(state.comparisons, totals, strict=True)
    )
    if all(new is old for new, old in zip(compared, state.comparisons, strict=True)):
        return state
    if any(counts_twice(each) for each in compared):
        return with_decision(times, state, _questions_used_up(state, at))
    return _conclude(times, replace(state, comparisons=compared), at)


def _weights_of_a_look(stage: Stage, active: int) -> tuple[int, int | None]:
    """A candidate's percent, and the baseline's where there are more candidates. In shadow each request counts for the
    baseline and for the candidate."""
    if stage.kind is StageKind.SHADOW:
        return 50, None
    return stage.weight, 100 - active * stage.weight if active > 1 else None


def _compare(
    comparison: Comparison, totals: Totals, at: int, step: int, weight: int, baseline_weight: int | None
) -> Comparison:
    """The comparison after a look; the same one when nothing can be used yet."""
    compared = compare(
        evidence=comparison.evidence,
        mark=comparison.mark,
        totals=totals,
        at=at,
        step=step,
        weight=weight,
        baseline_weight=baseline_weight,
    )
    if compared is None:
        return comparison
    looks = with_look(comparison.looks, compared.look)
    return replace(comparison, mark=compared.mark, looks=looks, evidence=compared.evidence)


def _learn(plan: Plan, state: RolloutState, at: int, totals: Totals) -> RolloutState:
    """A look of the baseline alone teaches how much its answers scatter; after enough the next stage begins."""
    new = totals.baseline - state.comparisons[0].mark.baseline
    scatter = dispersion.observe(state.scatter, Answers(new.scored, new.match))
    marked = tuple(replace(each, mark=totals.as_mark) for each in state.comparisons)
    state = replace(state, scatter=scatter, comparisons=marked)
    factor = dispersion.factor(scatter)
    if factor is None or not has_least_time(plan, state, at):
        return state
    return begin_next_step(plan, replace(state, dispersion=max(factor, plan.objective.dispersion)))


def _conclude(times: LiveTimes, state: RolloutState, at: int) -> RolloutState:
    """What follows from the evidence: a decision, fewer candidates, the next step, or nothing yet."""
    plan = state.pinned_plan
    strategy = strategy_of(plan)
    state = strategy.after_look(plan, state, at)
    decision = strategy.decision_at(plan, state, at)
    if decision is not None:
        return with_decision(times, state, decision)
    following = strategy.next_stage(plan, state, at)
    if following is not None:
        return following
    if exhausted(state):
        return with_decision(times, state, _questions_used_up(state, at))
    if record_is_full(tuple(each.looks for each in state.comparisons)):
        message = f"No verdict after {state.most_looks} looks, the most that a record holds."
        return with_decision(times, state, _last_decision(state, "RecordFull", message, at))
    return state


def _questions_used_up(state: RolloutState, at: int) -> Decision:
    message = exhausted_message(state.comparison(state.leader))
    return _last_decision(state, "QuestionsExhausted", message, at)


def _last_decision(state: RolloutState, reason: str, message: str, at: int) -> Decision:
    """The decision when no more evidence will come: the best that is proven, or none."""
    plan = state.pinned_plan
    best = strategy_of(plan).decision_at(plan, state, at, time_is_over=True)
    return best or Decision(Verdict.INCONCLUSIVE, reason, message, at, state.leader)


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
    blind = times.on_no_metrics
    lost = None if state.metrics_lost_at is None else now - state.metrics_lost_at
    if blind.then == "RollBack" and lost is not None and lost >= blind.hold_seconds:
        message = f"Counts could not be read for {lost} s; back to the baseline."
        return with_decision(times, state, Decision(Verdict.ROLL_BACK, "NoMetrics", message, now, state.leader))
    if exhausted(state):
        return with_decision(times, state, _questions_used_up(state, now))
    if now - state.campaign_started_at >= times.deadline_seconds:
        message = f"Neither benefit nor harm was shown within {times.deadline_seconds} s."
        return with_decision(times, state, _last_decision(state, "DeadlineExceeded", message, now))
    return state


def give_up(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """End a rollout of which a step cannot begin, since what a candidate needs was not ready in time."""
    if state.phase is not Phase.APPLYING:
        return state
    decision = Decision(Verdict.ROLL_BACK, NEVER_READY, NEVER_READY_MESSAGE, now, state.leader)
    return with_decision(times, state, decision)


def with_decision(times: LiveTimes, state: RolloutState, decision: Decision) -> RolloutState:
    """The state with a decision that waits to be carried out."""
    if decision.verdict is Verdict.INCONCLUSIVE and times.hold_when_inconclusive:
        phase = Phase.HOLDING
    else:
        phase = CARRIED_OUT_IN[decision.verdict]
    uncertain = state.comparison(decision.candidate).uncertain
    return replace(state, phase=phase, decision=replace(decision, message=with_remainder(decision.message, uncertain)))


CARRIED_OUT_IN = {
    Verdict.PROMOTE: Phase.PROMOTING,
    Verdict.RECOMMEND: Phase.REPORTING,
    Verdict.ROLL_BACK: Phase.ROLLING_BACK,
    Verdict.INCONCLUSIVE: Phase.ROLLING_BACK,
}


def with_remainder(message: str, uncertain: Totals) -> str:
    """A decision's message with a sentence on what its counts may have missed, where there is anything and room for
    it."""
    longer = f"{message} {in_remainder(uncertain.baseline, uncertain.candidate)}"
    return message if uncertain == Totals() or len(longer) > LONGEST_MESSAGE else longer


def carried_out(state: RolloutState) -> RolloutState:
    """The decision is stored and its weights are in force. What a person asked for certifies nothing."""
    phase, decision = PHASES[state.phase].becomes, state.decision
    if phase is None:
        return state
    state = replace(state, losses=losses_with(state))
    if phase is not Phase.PROMOTED or decision is None or decision.requested_by:
        return replace(state, phase=phase)
    values = state.pinned_plan.settings_of(decision.candidate)
    return replace(state, phase=phase, certified=Certified(values, decision.at))
