"""What to do next. Every function is pure: the state so far and what was read, to the state that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.evidence import dispersion
from earlystop.evidence.bets import Answers
from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.comparing import compared
from earlystop.rollout.decided import is_decided_by_evidence, with_decision
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.golden_questions import counts_twice, exhausted, exhausted_message
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import record_is_full
from earlystop.rollout.next_campaign import follows_by_itself, next_campaign, same_campaign
from earlystop.rollout.outages import decision_on_outage, with_evidence_of
from earlystop.rollout.pinned_baseline import losses_with, refusal_of_baseline
from earlystop.rollout.plan import Plan, StageKind, revision_of
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.trial import Belief
from earlystop.rollout.settling import settle
from earlystop.rollout.state import (
    ACTING,
    BETWEEN_TRIALS,
    PHASES,
    TRYING,
    WATCHING,
    Attempts,
    Certified,
    Decision,
    Phase,
    RolloutState,
    Totals,
    Verdict,
)
from earlystop.rollout.steps import begin_comparisons, begin_next_step, has_least_time, restart_step
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.trials.budget import BUDGET_USED, decision_on_budget, decision_on_time
from earlystop.rollout.trials.campaign_budget import used_up
from earlystop.rollout.trials.clock import clock_resumed, clock_stopped
from earlystop.rollout.trials.sequence import after_trial, after_waiting
from earlystop.rollout.waiting.gate_clock import gates_resumed
from earlystop.rollout.waiting.step_gates import held_at_first, through_gates

NEVER_READY = "CandidateNeverReady"
RECORD_FULL = "RecordFull"
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
    belief: Belief | None = None,
    waiting: tuple[WaitingOffer, ...] = (),
    revalidates: bool = False,
) -> RolloutState:
    """A new campaign when the judged part of the policy differs from the one under way, or the next trial of its search
    is due; else the same state.

    A decision that is being carried out is finished first, so that none is left half done. While the policy is
    suspended none begins: its weights would move. Nor does one that would have no margin. A newer version of the engine
    starts none either: a campaign goes on under its own.

    entropy: random text, by which nobody foretells the revision. commitment: to the new campaign's token, "" where it
    has none. token_lost: whether nobody knows the token of the campaign under way any more, so that servers would take
    all of its requests for forged: it begins anew. recorded: campaigns that verdicts tell of, where the policy itself
    has had none. belief: what earlier verdicts make likely of a search's settings, for one that begins. waiting: what
    others have proposed to a search. revalidates: whether the certified setting is to be tried anew, as what it was
    certified on has changed.
    """
    is_same = state.plan is not None and state.plan.is_asked_for(spec, retry)
    begins_anew = token_lost and _needs_counts(state)
    if is_same and not (begins_anew or revalidates or follows_by_itself(state, spec, now)):
        return state
    if state.phase in ACTING or spec.suspend or refusal_of_baseline(spec, state.losses) is not None:
        return state
    state = clock_resumed(state, now)
    following = (
        same_campaign(state)
        if is_same and begins_anew
        else next_campaign(
            spec, retry, state, now, entropy=entropy, recorded=recorded, belief=belief, is_same=is_same, waiting=waiting
        )
    )
    if following is None:
        return after_waiting(state, now) if is_same and state.phase in BETWEEN_TRIALS else state
    begun = RolloutState(
        phase=Phase.APPLYING,
        campaign=state.campaign + 1,
        revision=revision_of(uid, state.campaign + 1, entropy, commitment),
        entropy=entropy,
        plan=following.plan,
        campaign_started_at=now,
        comparisons=begin_comparisons(following.plan, 0, None),
        previous_digest=previous_digest,
        certified=state.certified,
        attempts=following.attempts,
        losses=state.losses,
        handled=state.handled,
        search=following.search,
        outbox=state.outbox,
        savings=state.savings,
    )
    return held_at_first(LiveTimes.of(spec), with_evidence_of(begun, state) if following.goes_on else begun)


def suspend_or_resume(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """Freeze a running rollout, or let it go on: its step starts afresh, deadline and gates wait as long. One that has
    just dropped a candidate is frozen once that has no requests. Between trials of a search its clock stands still."""
    if times.suspend and state.phase in TRYING and not _is_shedding(state):
        return replace(restart_step(state), phase=Phase.SUSPENDED, suspended_at=now)
    if not times.suspend and state.phase == Phase.SUSPENDED:
        later = state.campaign_started_at + now - (state.suspended_at or now)
        state = clock_resumed(gates_resumed(restart_step(state), now), now)
        return replace(state, phase=Phase.APPLYING, campaign_started_at=later)
    return clock_stopped(state, now) if times.suspend else clock_resumed(state, now)


def _needs_counts(state: RolloutState) -> bool:
    return state.phase in TRYING or state.phase is Phase.SUSPENDED


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
        return _learn(times, state, at, totals[0])
    weights = _weights_of_a_look(plan, state)
    following = tuple(
        each if each.dropped else compared(each, counted, at, state.step, *weights[each.name])
        for each, counted in zip(state.comparisons, totals, strict=True)
    )
    if all(new is old for new, old in zip(following, state.comparisons, strict=True)):
        return state
    if any(counts_twice(each) for each in following):
        return state if is_decided_by_evidence(state) else with_decision(times, state, _questions_used_up(state, at))
    return _conclude(times, replace(state, comparisons=following), at)


def _weights_of_a_look(plan: Plan, state: RolloutState) -> dict[str, tuple[int, int | None]]:
    """Each candidate's percent, and the baseline's where other variants have some too: as much as the candidate's
    beside an incumbent. In shadow each request counts for the baseline and for the candidate."""
    if plan.stage(state.step).kind is StageKind.SHADOW:
        return {each.name: (50, None) for each in state.active}
    percents = strategy_of(plan).weights(plan, state)
    if plan.incumbent is not None:
        return {name: (weight, weight) for name, weight in percents.items()}
    rest = 100 - sum(percents.values()) if len(state.active) > 1 else None
    return {each.name: (percents[each.name], rest) for each in state.active}


def _learn(times: LiveTimes, state: RolloutState, at: int, totals: Totals) -> RolloutState:
    """A look of the baseline alone teaches how much its answers scatter; after enough the next stage begins."""
    plan = state.pinned_plan
    new = totals.baseline - state.comparisons[0].mark.baseline
    scatter = dispersion.observe(state.scatter, Answers(new.scored, new.match))
    marked = tuple(each.marked(totals) for each in state.comparisons)
    state = replace(state, scatter=scatter, comparisons=marked)
    factor = dispersion.factor(scatter)
    if factor is None or not has_least_time(plan, state, at):
        return state
    learned = replace(state, dispersion=max(factor, plan.objective.dispersion))
    return through_gates(times, state, begin_next_step(plan, learned), at)


def _conclude(times: LiveTimes, state: RolloutState, at: int) -> RolloutState:
    """What follows from the evidence: a decision, fewer candidates, the next step, or nothing yet."""
    plan = state.pinned_plan
    strategy = strategy_of(plan)
    state = strategy.after_look(plan, state, at)
    decision = strategy.decision_at(plan, state, at)
    if decision is not None:
        state = with_decision(times, state, decision)
    elif state.awaiting is not None and state.comparison(state.awaiting.candidate).dropped is not None:
        state = replace(state, awaiting=None)
    if state.decision is not None:
        return state
    if is_decided_by_evidence(state):
        return _while_waiting(times, state, at)
    over = decision_on_budget(state, state.comparisons[0], at)
    if over is not None:
        return with_decision(times, state, over)
    following = strategy.next_stage(plan, state, at)
    after = state if following is None else through_gates(times, state, following, at)
    if after.step != state.step:
        return after
    state = after
    if exhausted(state):
        return with_decision(times, state, _questions_used_up(state, at))
    if _is_full(state):
        return with_decision(times, state, _last_decision(state, RECORD_FULL, _full_message(state), at))
    return state


def _while_waiting(times: LiveTimes, state: RolloutState, at: int) -> RolloutState:
    """The state after a look while a decision waits: a candidate that was dropped just now is taken off, and no step
    begins for another reason."""
    plan = state.pinned_plan
    if any(each.dropped is not None and each.dropped.step == state.step for each in state.comparisons):
        following = strategy_of(plan).next_stage(plan, state, at)
        if following is not None and plan.stage(following.step) == plan.stage(state.step):
            return through_gates(times, state, following, at)
    if _is_full(state):
        full = Decision(Verdict.INCONCLUSIVE, RECORD_FULL, _full_message(state), at, state.leader)
        return with_decision(times, state, full)
    return state


def _is_full(state: RolloutState) -> bool:
    of_classes = tuple(part.looks for each in state.comparisons for part in each.by_class)
    return record_is_full(tuple(each.looks for each in state.comparisons), of_classes)


def _full_message(state: RolloutState) -> str:
    return f"No verdict after {state.most_looks} looks, the most that a record holds."


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
    outage = decision_on_outage(times, state, now)
    if outage is not None:
        return with_decision(times, state, outage)
    if is_decided_by_evidence(state):
        return state
    if exhausted(state):
        return with_decision(times, state, _questions_used_up(state, now))
    over = decision_on_time(state, now)
    if over is not None:
        return with_decision(times, state, over)
    if sentence := used_up(state, now):
        return with_decision(times, state, _last_decision(state, BUDGET_USED, sentence, now))
    if now - state.campaign_started_at >= times.deadline_seconds:
        message = f"Neither benefit nor harm was proven within {times.deadline_seconds} s."
        return with_decision(times, state, _last_decision(state, "DeadlineExceeded", message, now))
    return state


def give_up(times: LiveTimes, state: RolloutState, now: int) -> RolloutState:
    """End a rollout of which a step cannot begin, since what a candidate needs was not ready in time."""
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
