"""The budget of a search that is one campaign: what it has used, and when it is over. Trials have their own bounds."""

from __future__ import annotations

from collections.abc import Iterable

from earlystop.api.counts import Look
from earlystop.api.plurals import counted
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.held_messages import NO_SETTING_PROVEN


def used_up(state: RolloutState, now: int) -> str | None:
    """The sentence on a search whose budget is used up at moment `now` (Unix seconds); None while some of it is left,
    and for a campaign that is no whole search."""
    plan = state.pinned_plan
    budget = None if plan.spec.search is None or plan.trial is not None else plan.spec.search.budget
    if budget is None:
        return None
    if budget.requests is not None and requests_used(plan, state) >= budget.requests:
        return requests_sentence(budget.requests)
    if budget.seconds is not None and now - state.campaign_started_at >= budget.seconds:
        return seconds_sentence(budget.seconds)
    return None


def requests_used(plan: Plan, state: RolloutState) -> int:
    """Requests of all variants in looks. Settings share the baseline's; in shadow there are no others."""
    looks = [list(each.looks) for each in state.comparisons]
    in_shadow = max((_baseline(plan, each, StageKind.SHADOW) for each in looks), default=0)
    split = max((_baseline(plan, each, StageKind.SPLIT) for each in looks), default=0)
    of_settings = sum(
        look.candidate.started for each in looks for look in each if plan.stage(look.step).kind is StageKind.SPLIT
    )
    return in_shadow + split + of_settings


def _baseline(plan: Plan, looks: Iterable[Look], kind: StageKind) -> int:
    return sum(look.baseline.started for look in looks if plan.stage(look.step).kind is kind)


def requests_sentence(requests: int) -> str:
    """What is said of a search that has used its requests."""
    return (
        f"The search has used its budget of {counted(requests, 'request')}, and {NO_SETTING_PROVEN}; back to "
        "the baseline."
    )


def seconds_sentence(seconds: int) -> str:
    """What is said of a search that has used its time."""
    return _time_sentence(in_duration(seconds))


def earlier_seconds_sentence(seconds: int) -> str:
    """The same in the words of earlier releases."""
    return _time_sentence(f"{seconds:,} s")


def _time_sentence(time: str) -> str:
    return f"The search has used its budget of {time}, and {NO_SETTING_PROVEN}; back to the baseline."
