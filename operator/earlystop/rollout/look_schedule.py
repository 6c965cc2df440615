"""The moments at which counts are looked at: a rule fixed beforehand, so that a restart repeats the same looks."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.counts import Look
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_spacing import looks_per_spacing, spacing
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import WATCHING, Phase, RolloutState
from earlystop.rollout.stored.records import MOST_APART
from earlystop.rollout.stored.room import fits

MAXIMUM_LOOKS = 4096
# Of the 256 KiB that looks and ledger share. The rest is for the series of processes, of which each candidate has some.
LOOKS_LIMIT = 36_864
# Of more candidates than are packed apart, whose series of processes need as much.
LOOKS_LIMIT_OF_MANY = 122_880
# Of a verdict, of which the API server stores 1.5 MiB: the tables of that many candidates' looks.
LONGEST_TABLES = 1_000_000
# The shortest useful record of a candidate, when there are many.
LIMIT_OF_A_CANDIDATE = 1024
CANDIDATES_WITHIN = 10
# A guard looks no less often than that, or than rollout.lookSeconds where that is longer.
GUARD_LOOK_SECONDS = 60
# Each query class multiplies the series.
LIMIT_OF_A_CLASS = 800


def next_look(times: LiveTimes, state: RolloutState) -> int | None:
    """The next moment to read counts at, in Unix seconds; None when nothing is being watched."""
    phase, clock = state.watch_phase, state.clock
    if phase not in WATCHING or clock.started_at is None:
        return None
    if clock.last_look_at is None:
        return clock.started_at + times.settle.least
    if phase is Phase.SETTLING:
        return _next_while_settling(times, clock.started_at, clock.last_look_at)
    seconds = spacing_now(times, state)
    if clock.metrics_lost_at is not None:
        # A rollout that has long been watched is not rolled back for one moment at which its servers were restarted.
        seconds = min(seconds, times.look_seconds)
    return clock.last_look_at + seconds


def looks_due(times: LiveTimes, state: RolloutState, until: float) -> range:
    """The moments of the looks that are due by Unix second `until`, the next one and those after it as long as nothing
    follows from any of them; that of the next one alone where later ones would ask for other counts."""
    at, last = next_look(times, state), state.clock.last_look_at
    if at is None or at > until:
        return range(0)
    if last is None or state.clock.metrics_lost_at is not None or state.watch_phase is Phase.SETTLING:
        return range(at, at + 1)
    return range(at, int(until) + 1, at - last)


def spacing_now(times: LiveTimes, state: RolloutState) -> int:
    """Seconds between looks. A guard has no record that could be full, and finds harm no later for long watching."""
    if state.guard is not None and state.is_guarded:
        return min(spacing(times.look_seconds, state.guard.taken), max(times.look_seconds, GUARD_LOOK_SECONDS))
    classes = columns_of_classes(state.pinned_plan)
    return spacing(times.look_seconds, state.most_looks, classes, len(state.comparisons))


def columns_of_classes(plan: Plan) -> int:
    """How many query classes with columns in a look take as much room as those of a plan do: one that is judged by
    itself has a record of its own, as long as that of all requests."""
    return len(plan.objective.classes) * (4 if plan.is_per_class else 1)


def _next_while_settling(times: LiveTimes, started_at: int, last: int) -> int:
    """The next moment at which a step that waits is asked whether its answers are in: half as late again as the last.

    Requests in flight rise and fall by chance. A step that was asked all the time would begin its evidence in a dip, in
    which slow answers are rare, and rare is what they would be in its first looks.
    """
    following = last + max(times.look_seconds, (last - started_at) // 2)
    return max(last + 1, min(following, started_at + times.settle.longest))


def record_is_full(records: Sequence[Sequence[Look]], of_classes: Sequence[Sequence[Look]] = ()) -> bool:
    """Whether there is no room for more looks of each candidate: in a verdict, or in the part of the status that is
    theirs. of_classes: looks of each candidate in each query class that is judged by itself.

    A decision must always find room, so the rollout ends before it is used up. A packed look takes 20 to 60
    characters, and some 10 for each query class, so there is nothing to measure before the fourth spacing.
    """
    longest = max(records, key=len)
    classes = max((len(looks[-1].classes) for looks in records if looks), default=0)
    if len(longest) < 4 * looks_per_spacing(4 * len(of_classes) // len(records) or classes, len(records)):
        return False
    more = max(0, len(records) - CANDIDATES_WITHIN)
    of_a_class = LIMIT_OF_A_CLASS * max(classes, len(of_classes) // len(records))
    if len(records) > MOST_APART and _characters_of_a_verdict(records) > LONGEST_TABLES:
        return True
    limit = min(LOOKS_LIMIT + LIMIT_OF_A_CANDIDATE * more, LOOKS_LIMIT_OF_MANY) - of_a_class
    return len(longest) >= MAXIMUM_LOOKS or not fits(records, of_classes, limit)


def _characters_of_a_verdict(records: Sequence[Sequence[Look]]) -> int:
    """About how many characters a verdict needs for the looks of many candidates, and hardly fewer: counts of a look
    grow with the time since the one before, so that the last one takes about the most."""
    return sum(len(looks) * len(" ".join(map(str, looks[-1].row()))) for looks in records if looks)
