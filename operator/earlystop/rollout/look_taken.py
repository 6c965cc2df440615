"""What follows from a look at counts: evidence, a decision, the next step, or nothing yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.plurals import counted
from earlystop.evidence import dispersion
from earlystop.evidence.bets import Answers
from earlystop.rollout.comparing import compared
from earlystop.rollout.decided import is_decided_by_evidence, with_decision
from earlystop.rollout.golden_questions import counts_twice, exhausted
from earlystop.rollout.last_decision import last_decision, questions_used_up
from earlystop.rollout.late_answers import Backlog, Moment, backlog_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import record_is_full, spacing_now
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.settling import begun_anew, settle
from earlystop.rollout.state import (
    WATCHING,
    Decision,
    Phase,
    RolloutState,
    Totals,
    Verdict,
)
from earlystop.rollout.steps import begin_next_step, has_least_time
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.trials.budget import decision_on_budget
from earlystop.rollout.waiting.step_gates import through_gates

RECORD_FULL = "RecordFull"


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
    backlogs = _backlogs(times, state, totals, at, in_flight)
    if Backlog.BEGAN_TOO_SOON in backlogs and backlogs.count(Backlog.BEGAN_TOO_SOON) == len(state.active):
        return begun_anew(state, at, totals)
    following = tuple(
        compared(each, counts, at, state.step, *weights[each.name])
        if backlog is Backlog.STEADY and not each.dropped
        else each
        for each, counts, backlog in zip(state.comparisons, totals, backlogs, strict=True)
    )
    if all(new is old for new, old in zip(following, state.comparisons, strict=True)):
        return state
    if any(counts_twice(each) for each in following):
        return state if is_decided_by_evidence(state) else with_decision(times, state, questions_used_up(state, at))
    return _conclude(times, replace(state, comparisons=following), at)


def _backlogs(
    times: LiveTimes, state: RolloutState, totals: Sequence[Totals], at: int, in_flight: Sequence[int] | None
) -> tuple[Backlog, ...]:
    """What open requests say of each candidate's look, where they are measured."""
    if not times.settle.measured or state.evidence_from is None:
        return (Backlog.STEADY,) * len(totals)
    moment = Moment(at, state.step, state.evidence_from, spacing_now(times, state))
    known: Sequence[int | None] = in_flight or (None,) * (1 + len(totals))
    return tuple(
        Backlog.STEADY if each.dropped else backlog_of(each, counts, moment, (known[0], of_candidate))
        for each, counts, of_candidate in zip(state.comparisons, totals, known[1:], strict=True)
    )


def _weights_of_a_look(plan: Plan, state: RolloutState) -> dict[str, tuple[int, int | None]]:
    """Each candidate's percent, and the baseline's where other variants have some too, such as an incumbent. In shadow
    each request counts for the baseline and for the candidate."""
    if plan.stage(state.step).kind is StageKind.SHADOW:
        return {each.name: (50, None) for each in state.active}
    percents = strategy_of(plan).weights(plan, state)
    if plan.trial is not None and plan.incumbent is not None:
        return {name: (weight, plan.trial.baseline_weight(weight)) for name, weight in percents.items()}
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
        return with_decision(times, state, questions_used_up(state, at))
    if _is_full(state):
        return with_decision(times, state, last_decision(state, RECORD_FULL, _full_message(state), at))
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
    return f"No verdict after {counted(state.most_looks, 'look')}, the most that a record holds."
