"""Judging several candidates together: who is shown to be harmful, who is proven, and who saves most.

A candidate is certified by closed testing: the average e-value of every set of candidates that holds it must be large
enough, so the risk of certifying any that should not be is the policy's, however many there are and however often one
looks (`evidence.multiple_testing.closed_mean`). A candidate may be promoted if all its claims hold, so the least of
their e-values is its own. One that was dropped stays in the family with the evidence it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import groupby

from earlystop.api.counts import Look
from earlystop.evidence.engine import Assessment, Claims, begin, update
from earlystop.evidence.multiple_testing import closed_mean
from earlystop.rollout.decision import EVERY_CANDIDATE_DROPPED, favour, harm_reason
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import LeastTime, missing_for_promotion
from earlystop.rollout.state import Comparison, Decision, Dropped, RolloutState, Verdict
from earlystop.rollout.words.decision_messages import all_dropped_message, harm_message

REASON = "MostProvenSaving"


def after_look(plan: Plan, state: RolloutState, at: int, is_final: bool) -> RolloutState:
    """The state without the candidates that are shown to be harmful, and with those certified that are proven.

    is_final: whether evidence of this step may promote: what is proven in shadow before is proven anew on live answers.
    """
    state = replace(state, comparisons=tuple(drop_harmful(plan, state, each, at) for each in state.comparisons))
    return certify(plan, state, at) if is_final else state


def decision_at(plan: Plan, state: RolloutState, at: int, time_is_over: bool) -> Decision | None:
    """The decision for the certified candidate with the largest proven saving, or against all; None to go on.

    While time is left, one that is not decided yet is waited for unless it is shown to save less. When it is over,
    whoever is certified need wait for nobody, nor for the least time of the step.
    """
    if not state.active:
        name = state.comparisons[0].name
        message = all_dropped_message(plan, state)
        return Decision(Verdict.ROLL_BACK, EVERY_CANDIDATE_DROPPED, message, at, name)
    proven = [each for each in state.active if _may_win(plan, state, each, at, time_is_over)]
    if not proven:
        return None
    winner = _winner(state, proven)
    undecided = (each for each in state.active if each not in proven)
    if not time_is_over and any(not saves_less(each.assessment, winner.assessment) for each in undecided):
        return None
    return favour(plan, state, winner.name, REASON, at)


def _winner(state: RolloutState, proven: Iterable[Comparison]) -> Comparison:
    """The proven candidate with the largest proven saving. One that was proposed for that, and waits for people, stays
    the one unless it is shown to save no more: noise alone changes nothing of what people are asked."""
    by_name = {each.name: each for each in proven}
    best = max(by_name.values(), key=lambda each: least_saving(each.assessment))
    awaited = state.awaiting
    if awaited is None or awaited.reason != REASON or awaited.candidate not in by_name:
        return best
    proposed = by_name[awaited.candidate]
    return best if saves_less(proposed.assessment, best.assessment) else proposed


def ever_certified(comparisons: Iterable[Comparison], risk: float) -> set[str]:
    """Names of the candidates that their looks certify together, at whichever moment."""
    by_name = {each.name: each for each in comparisons}
    states = {name: begin(each.evidence.objective) for name, each in by_name.items()}
    looks = sorted(((look.at, name, look) for name, each in by_name.items() for look in each.looks), key=_moment)
    certified: set[str] = set()
    for _, at_once in groupby(looks, key=_moment):
        for _, name, look in at_once:
            states[name] = update(states[name], look)
        certified |= _shown({name: state.claims for name, state in states.items()}, risk)
    return certified


def _moment(entry: tuple[int, str, Look]) -> int:
    return entry[0]


def drop_harmful(plan: Plan, state: RolloutState, comparison: Comparison, at: int) -> Comparison:
    """The comparison of a candidate that gets no more requests, if it is shown to be harmful; else the same."""
    if comparison.dropped is not None or not comparison.claims.harmful:
        return comparison
    dropped = Dropped(harm_reason(comparison.assessment), harm_message(comparison), at, state.step)
    return replace(comparison, dropped=dropped, certified_at=None)


def certify(plan: Plan, state: RolloutState, at: int) -> RolloutState:
    """The state after asking, with the evidence of this moment, which candidates are proven. Who is stays so."""
    family = {each.name: each.claims for each in state.comparisons if _takes_part(plan, state, each)}
    shown = _shown(family, plan.objective.risk_promote)
    return replace(
        state,
        comparisons=tuple(
            replace(each, certified_at=at)
            if each.name in shown and each.certified_at is None and each.dropped is None
            else each
            for each in state.comparisons
        ),
    )


def _shown(family: Mapping[str, Claims], risk: float) -> set[str]:
    """Names of the candidates that are proven beside each other with the evidence of one moment."""
    shown = closed_mean([_log_e(each) for each in family.values()], risk)
    return {name for name, is_shown in zip(family, shown, strict=True) if is_shown}


def _log_e(claims: Claims) -> float:
    """Natural log of the e-value now against "this candidate must not be promoted": the least of its claims'."""
    log_e = claims.log_e
    return min(log_e.promote, log_e.tokens, *(value for _, value in log_e.certificates))


def _takes_part(plan: Plan, state: RolloutState, comparison: Comparison) -> bool:
    """Whether a candidate's evidence is of the present stage; who was dropped in an earlier one was left behind."""
    return comparison.dropped is None or plan.stage(comparison.dropped.step) == plan.stage(state.step)


def _may_win(plan: Plan, state: RolloutState, comparison: Comparison, at: int, time_is_over: bool) -> bool:
    if comparison.claims.gaps:
        return False  # as nearly always, and to say what is missing takes intervals
    missing = missing_for_promotion(plan, state, comparison.name, at)
    return all(time_is_over and isinstance(each, LeastTime) for each in missing)


def least_saving(assessment: Assessment) -> float:
    """The least saving that the interval holds, -1 where it has no lower end."""
    return -1.0 if assessment.saving.low is None else assessment.saving.low


def saves_less(one: Assessment, other: Assessment) -> bool:
    """Whether one is shown to save no more than the other."""
    most, least = one.saving.high, other.saving.low
    return most is not None and least is not None and most <= least
