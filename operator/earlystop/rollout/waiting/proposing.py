"""A decision that waits is pinned: another one takes its place for a stated reason alone.

Pure. What would be done, its digest and its time are those of the moment when it was proposed.
"""

from __future__ import annotations

from dataclasses import replace

from earlystop.evidence.engine import Assessment
from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.state import Comparison, Decision, RolloutState
from earlystop.rollout.strategies.together import saves_less
from earlystop.rollout.waiting.awaited import AwaitedDecision


def wait(state: RolloutState, decision: Decision) -> RolloutState:
    """The state with a decision that waits for people or gates; the same state where one waits that stays in its
    place."""
    before, proposed = state.awaiting, _proposed(state, decision)
    if before is None:
        return replace(state, awaiting=proposed)
    why = _replaced_because(state, before, proposed)
    if not why:
        return state
    is_same = (before.candidate, before.class_map) == (proposed.candidate, proposed.class_map)
    answers_from = (before.answers_from or before.since) if is_same else None
    return replace(state, awaiting=replace(proposed, replaces=why, answers_from=answers_from))


def live_class_map(state: RolloutState, reason: str) -> tuple[tuple[str, str], ...]:
    """What each query class would get by the evidence of this moment; nothing for a decision about all requests."""
    if reason != BY_CLASS:
        return ()
    return tuple((each.query_class, each.candidate) for each in class_settings(state.pinned_plan, state.comparisons))


def is_proposed(state: RolloutState, decision: Decision, awaited: AwaitedDecision) -> bool:
    """Whether a decision of this moment is the very one that was proposed."""
    if (decision.candidate, decision.reason) != (awaited.candidate, awaited.reason):
        return False
    return not awaited.class_map or live_class_map(state, decision.reason) == awaited.class_map


def _proposed(state: RolloutState, decision: Decision) -> AwaitedDecision:
    class_map = live_class_map(state, decision.reason)
    return AwaitedDecision(decision.candidate, decision.reason, decision.at, decision.requested_by, class_map)


def _replaced_because(state: RolloutState, before: AwaitedDecision, proposed: AwaitedDecision) -> str:
    """Why a proposal takes the place of the one that waits, in a sentence; "" where that one stays."""
    if not proposed.by_evidence:
        is_other = proposed.candidate != before.candidate
        return f"{proposed.requested_by} asked for it in the place of candidate {before.candidate}." if is_other else ""
    if not before.by_evidence:
        return f"The evidence has decided, in the place of what {before.requested_by} asked for."
    if proposed.class_map:
        return _other_map_because(state, before, proposed)
    if proposed.candidate == before.candidate:
        return ""
    then, now = state.comparison(before.candidate), state.comparison(proposed.candidate)
    if then.dropped is not None:
        return f"Candidate {then.name}, which waited before, gets no more requests."
    is_less = saves_less(then.assessment, now.assessment)
    return f"Candidate {then.name}, which waited before, is proven to save no more than {now.name}." if is_less else ""


def _other_map_because(state: RolloutState, before: AwaitedDecision, proposed: AwaitedDecision) -> str:
    then, now = dict(before.class_map), dict(proposed.class_map)
    if not then:
        return "It is said by now which query class would get which candidate."
    if then.keys() != now.keys():
        return f"A setting is proven for the query classes {', '.join(now)}, and was for {', '.join(then)}."
    for query_class in then:
        old, new = state.comparison(then[query_class]), state.comparison(now[query_class])
        if old.name == new.name:
            continue
        if old.dropped is not None:
            return f"Candidate {old.name}, which waited before for {query_class}, gets no more requests."
        if saves_less(_of_class(old, query_class), _of_class(new, query_class)):
            return f"Candidate {old.name} is proven to save no more than {new.name} in {query_class}."
    return ""


def _of_class(comparison: Comparison, query_class: str) -> Assessment:
    return next(each.assessment for each in comparison.by_class if each.name == query_class)
