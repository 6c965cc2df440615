"""When: how long a campaign has taken, how long it still takes, and what is due next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isinf

from earlystop.api.percent import rounded_percent
from earlystop.cli.screen.view import View
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.state import DECIDED
from earlystop.rollout.steps import least_seconds
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.trials.deadline import latest_end
from earlystop.simulation.remaining_time import Remaining, obstacle

UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def when_lines(view: View) -> Iterator[str]:
    """How long a campaign has taken and what comes next, when its verdict is to be expected, and what is due by the
    clock, a line each; nothing outside of a campaign."""
    state = view.state
    if not state.campaign_started_at:
        return
    if state.decision is not None:
        took = duration(state.decision.at - state.campaign_started_at)
        yield f"decided {clock(state.decision.at)}, {took} after the campaign's start"
        return
    elapsed = view.now - state.campaign_started_at
    deadline = latest_end(view.spec.rollout.deadline_seconds, state) - state.campaign_started_at
    yield "; ".join([f"{duration(elapsed)} of at most {duration(deadline)}", *_next_look(view)])
    if view.remaining is not None:
        yield forecast_phrase(view, view.remaining, deadline - elapsed)
    yield "; ".join(_due(view))


def forecast_phrase(view: View, remaining: Remaining, left: float) -> str:
    """When a verdict is to be expected. left: seconds until the deadline."""
    if isinf(remaining.low):
        return "a verdict by the deadline is unlikely"
    ends = (
        f"{word} {rounded_percent(part)}"
        for part, word in ((remaining.promoted, _done(view)), (remaining.rolled_back, "rolled back"))
        if round(100 * part)
    )
    return f"verdict in {_span(remaining.low, min(remaining.high, left))} ({', '.join(ends)})"


def _done(view: View) -> str:
    """What becomes of a candidate that is proven, in one word."""
    plan = view.state.plan
    return "promoted" if plan is None or strategy_of(plan).promotes else "recommended"


def _span(low: float, high: float) -> str:
    """An interval of time, whose unit is written once where both ends have the same."""
    first, last = duration(low), duration(high)
    if first == last:
        return f"about {first}"
    number, _, unit = first.partition(" ")
    return f"{number} to {last}" if last.partition(" ")[2] == unit else f"{first} to {last}"


def _next_look(view: View) -> Iterator[str]:
    following = view.status.get("nextLookAt")
    if following and view.state.suspended_at is None:
        left = from_rfc3339(following) - view.now
        yield f"next look in {duration(left)}" if left >= 1 else "a look is due"


def _due(view: View) -> Iterator[str]:
    """What comes by the clock, or why no forecast stands above: both are more than a line takes."""
    state, spec = view.state, view.spec.rollout
    yield f"looks every {spec.look_seconds} s or more"
    if state.evidence_from is not None and state.plan is not None and state.phase not in DECIDED:
        left = state.evidence_from + least_seconds(state.plan, state) - view.now
        if left > 0:
            yield f"least time of this step over in {duration(left)}"
            return
    why_not = obstacle(state) if view.remaining is None else None
    if why_not is not None:
        yield why_not


def duration(seconds: float) -> str:
    """Seconds in the two units that a person reads."""
    whole = max(0, round(seconds))
    for unit, name, below, below_name in UNITS:
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {name}" + (f" {rest} {below_name}" if rest else "")
    return f"{whole} s"


def clock(seconds: float) -> str:
    """A moment of the day in UTC, as 12:03:10Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%SZ")
