"""When a campaign ends without a verdict, and which trial of a search has more time than the others."""

from __future__ import annotations

from earlystop.rollout.plan import Plan
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.state import RolloutState
from earlystop.rollout.trials.clock import seconds_of, waits_until


def ends_at(deadline_seconds: int, state: RolloutState) -> int:
    """When the campaign under way ends without a verdict, in Unix seconds.

    `deadlineSeconds` leaves time to the trials that follow. The last trial of a search with `budget.seconds` goes on
    until that time is over, since nothing else could use it: to end a trial that is half proven would leave a night's
    remaining hours to nobody. An e-process holds at any moment, so the later end costs no risk.
    """
    deadline = state.campaign_started_at + deadline_seconds
    plan, progress = state.pinned_plan, state.search
    if plan.trial is None or progress is None or not is_last(plan, progress):
        return deadline
    return max(deadline, waits_until(state) or deadline)


def latest_end(deadline_seconds: int, state: RolloutState) -> int:
    """As `ends_at`, or the end of the search that the campaign belongs to, or is, where that comes first."""
    end, seconds = ends_at(deadline_seconds, state), seconds_of(state.pinned_plan)
    if seconds is None:
        return end
    began = state.campaign_started_at if state.search is None else state.search.started_at
    return min(end, began + seconds)


def is_last(plan: Plan, progress: SearchProgress) -> bool:
    """Whether no trial can follow the one under way should it fail: as many have failed then as may, or every setting
    was tried. Who proposes has failures of their own, which end no search."""
    search = plan.spec.search
    if search is None:
        return False
    tried = {each.name for each in progress.trials} | {"" if plan.trial is None else plan.trial.name}
    if len(tried) >= len(settings_of(plan.spec)):
        return True
    failed = sum(each.outcome.end is not TrialEnd.CERTIFIED for each in progress.trials)
    return not search.traits.takes_proposals and failed + 1 >= search.failure_budget
