"""The time that a search by trials may take, and how it stands still while the policy is suspended."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.rollout.dispersion_terms import awaited_looks
from earlystop.rollout.look_spacing import seconds_of_looks
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.state import BETWEEN_TRIALS, RolloutState


def seconds_of(plan: Plan) -> int | None:
    """How long the search of a plan may take, in seconds; None without a bound."""
    search = plan.spec.search
    return None if search is None or search.budget is None else search.budget.seconds


def is_time_over(plan: Plan, progress: SearchProgress, now: int) -> bool:
    """Whether the time of a search is over at moment `now` (Unix seconds)."""
    seconds = seconds_of(plan)
    return seconds is not None and now - progress.started_at >= seconds


def has_time_for_a_trial(spec: PolicySpec, progress: SearchProgress, now: int) -> bool:
    """Whether a trial that begins at moment `now` (Unix seconds) could end in a certificate before the time of its
    search is over. One that cannot would lead users to its candidate for nothing, while the incumbent serves fewer.

    spec: of the policy as it is now. Only what is certain counts: the wait for answers, and the looks before which
    nothing is certified. How many requests come in that time is not foretold.
    """
    budget = None if spec.search is None else spec.search.budget
    if budget is None or budget.seconds is None:
        return True
    return now - progress.started_at + least_seconds(spec) <= budget.seconds


def least_seconds(spec: PolicySpec) -> int:
    """Seconds from the beginning of a trial until anything can be certified."""
    looks, classes = awaited_looks(spec) or 1, len(spec.objective.query_classes or ())
    return spec.rollout.settle_seconds + seconds_of_looks(spec.rollout.look_seconds, looks, classes)


def waits_until(state: RolloutState) -> int | None:
    """When the time is over that a whole search by trials may take, in Unix seconds; None without such a bound."""
    progress, seconds = state.search, seconds_of(state.pinned_plan)
    return None if progress is None or seconds is None else progress.started_at + seconds


def clock_stopped(state: RolloutState, now: int) -> RolloutState:
    """A search that is suspended between two trials: its time stands still from moment `now`."""
    if state.phase not in BETWEEN_TRIALS or state.suspended_at is not None:
        return state
    return replace(state, suspended_at=now)


def clock_resumed(state: RolloutState, now: int) -> RolloutState:
    """The state in which time goes on that stood still until moment `now`; the same one where none did."""
    if state.suspended_at is None:
        return state
    search, pause = state.search, now - state.suspended_at
    later = None if search is None else replace(search, started_at=search.started_at + pause)
    return replace(state, suspended_at=None, search=later)
