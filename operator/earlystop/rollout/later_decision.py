"""A further decision of a campaign that has one already: its verdict names the one before, and a certificate may go."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.decided import LONGEST_MESSAGE, with_decision
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.pinned_baseline import losses_without
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.state import Decision, Phase, RolloutState, Verdict
from earlystop.rollout.unstored import unstored_after


def decided_again(
    times: LiveTimes, state: RolloutState, decision: Decision, previous_digest: str, *, ends_guard: bool = False
) -> RolloutState:
    """The state with a decision that may follow another one of its campaign: its verdict then names that one's. The
    same state, but for what is proposed, where the decision waits for people.

    previous_digest: of the verdict of the decision before. ends_guard: whether the guard of that one ends with it.
    """
    number = 1 if state.decision is None else state.decision.number + 1
    decision = replace(decision, message=decision.message[:LONGEST_MESSAGE], number=number)
    after = with_decision(times, state, decision)
    if after.decision is state.decision:
        return after  # it waits for people
    guard = None if ends_guard else after.guard
    kept = unstored_after(state)
    return replace(after, previous_digest=previous_digest, suspended_at=None, guard=guard, unstored=kept)


def without_certificate(state: RolloutState) -> RolloutState:
    """The state in which the setting that the campaign, or its search, has certified and put in force is so no more."""
    values = _certified_here(state)
    if values is None:
        return state
    return replace(state, certified=None, losses=losses_without(state.losses, values))


def _certified_here(state: RolloutState) -> dict[str, str] | None:
    """Values of the setting that this campaign has certified; None where there is none."""
    if state.search is not None:
        return _certified_in_search(state, state.search)
    decision = state.decision
    was_proven = decision is not None and decision.verdict == Verdict.PROMOTE and not decision.requested_by
    return state.pinned_plan.settings_of(state.leader) if was_proven and state.phase == Phase.PROMOTED else None


def _certified_in_search(state: RolloutState, search: SearchProgress) -> dict[str, str] | None:
    """Values of the setting that a search certified: its incumbent, or that of when a person promoted another
    setting."""
    if search.incumbent is not None:
        return dict(search.incumbent.values)
    names = {search.resumes, *(each.name for each in search.trials if each.outcome.end is TrialEnd.CERTIFIED)}
    spec, known = state.pinned_plan.spec, None if state.certified is None else state.certified.values
    found = (spec.baseline_settings() | dict(each.values) for each in settings_of(spec) if each.name in names)
    return next((values for values in found if values == known), None)
