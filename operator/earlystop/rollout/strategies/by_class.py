"""Judging several candidates in each query class by itself: every class gets the one that is proven in it.

In shadow no user sees a candidate, so each goes on being judged in all classes, whatever it does in one. On live
answers harm comes first: who is shown to be harmful, to all requests or in one class, gets no more requests of any;
a class in which it was proven before keeps it.
"""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.class_settings import (
    are_settled,
    certified,
    class_settings,
    foremost,
    hours_are_covered,
    is_harmful_in_every_class,
)
from earlystop.rollout.decision import BY_CLASS, EVERY_CANDIDATE_DROPPED, HARMFUL_IN_EVERY_CLASS
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import Decision, RolloutState, Verdict
from earlystop.rollout.steps import has_least_time
from earlystop.rollout.strategies.together import drop_harmful
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.class_messages import by_class_message, harmful_in_classes_message
from earlystop.rollout.words.decision_messages import all_dropped_message


def after_look(plan: Plan, state: RolloutState, at: int) -> RolloutState:
    """The state with those certified that are proven in a class, and on live answers without harmful candidates."""
    state = replace(state, comparisons=certified(plan, state.comparisons, at))
    if plan.stage(state.step).kind is not StageKind.SPLIT:
        return state
    return replace(state, comparisons=tuple(drop_harmful(plan, state, each, at) for each in state.comparisons))


def decision_at(plan: Plan, state: RolloutState, at: int, time_is_over: bool) -> Decision | None:
    """The decision for the map once every class is settled, or with what is proven when no more evidence will come;
    against all candidates where none is left for any class; None to go on."""
    if not time_is_over and not are_settled(plan, state):
        return None
    settings, name = class_settings(plan, state.comparisons), state.comparisons[0].name
    watched = time_is_over or not state.active or has_least_time(plan, state, at)
    if settings and watched and hours_are_covered(plan, state.comparisons):
        verdict = Verdict.PROMOTE if strategy_of(plan).promotes else Verdict.RECOMMEND
        return Decision(verdict, BY_CLASS, by_class_message(plan, settings), at, foremost(plan, settings))
    if not state.active:
        return Decision(Verdict.ROLL_BACK, EVERY_CANDIDATE_DROPPED, all_dropped_message(plan, state), at, name)
    if not is_harmful_in_every_class(state.active):
        return None
    return Decision(Verdict.ROLL_BACK, HARMFUL_IN_EVERY_CLASS, harmful_in_classes_message(plan), at, name)
