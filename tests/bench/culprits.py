"""How often a guard's alarm names what has moved, over seeded changes of each kind, and how often it names anything
when all is quiet.

Run as `python -m tests.bench.culprits [--runs N]`. The promoted setting was tried with 4,000 answers of each variant.
Then 10 % stay on the baseline, 600 requests come between two looks, and Exact Match is .8 with a margin of 5 points.
Under every run both variants drift together by up to 3 points and the share of hard questions by up to 5. A change of
one kind, or of two at once, begins after 20 to 80 looks; the alarm of the guard itself is what is asked.

A change is sudden and whole, or partial, as where it reaches a part of the requests, or it comes slowly: over hours, or
over days. Under slow ones both variants also go up and down with the hour of the day, by up to 3 points, and half of
them begin when the guard has watched for two days. `tests/simulations/test_culprits.py` runs a part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import pi, sin
from typing import NamedTuple

import typer
from numpy.random import Generator, default_rng
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.rollout.certificate.binding import Binding, Lapse, Part
from earlystop.rollout.guard.culprit import UNKNOWN, Culprit, Frozen
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Certified, Phase, RolloutState, Totals
from earlystop.rollout.step_moves import take_look
from tests.bench.culprit_changes import DAYS, HARMLESS, KINDS, PAIRS, QUIET, WAYS, Change
from tests.unit.rollout.guarding import guard_of, promoted, watching
from tests.unit.rollout.policies import policy, started
from tests.unit.rollout.traffic import Server

HARD = "hard"
SPEC = policy(
    {
        "guard": {"holdbackWeight": 10},
        "objective": {"queryClasses": [{"name": HARD, "margin": "0.15"}]},
    }
)
TIMES = LiveTimes.of(SPEC)
REQUESTS, HARD_SHARE, TRIED = 600, 0.2, 4000
EASY_RATE, HARD_RATE = 0.85, 0.6
MOST_LOOKS, BEGINNINGS, LONG_BEGINNINGS = 400, 12, 4
LONGEST_APART = 60
"""Seconds between looks of a guard that has watched for a while."""
FOR_LONG = 2 * 86_400 // LONGEST_APART
"""Looks of two days, after which half of the slow changes begin; the others do soon after the promotion."""
RECORDED, ROUND_SECONDS, OFTEN_WRONG = 20, 30, 0.02
"""Recorded answers that the scorer scores at each round, and the part of them on which it errs by chance."""
BOUND = Binding(0, "qa", "a", "b", "m", "p")
DECISION = promoted().decision


@dataclass(frozen=True, slots=True)
class Run:
    """One run. named: the culprits in words, none without an alarm; possible: as in `Finding`. looks: from the change
    to the alarm."""

    change: Change
    named: tuple[str, ...]
    possible: tuple[Culprit, ...]
    looks: int

    @property
    def is_right(self) -> bool:
        """Whether exactly what moved is named."""
        return set(self.named) == {each.value for each in self.change.kinds}

    @property
    def is_honest(self) -> bool:
        """Whether nothing is named that did not move, and something that did is named or said to be possible."""
        truth = {each.value for each in self.change.kinds}
        named = set(self.named) - {UNKNOWN}
        return named <= truth and bool(named or truth & {each.value for each in self.possible})


class Drift(NamedTuple):
    """What goes up and down without harm. phase, period: of it, in looks. slope: how far Exact Match of both variants
    goes by look 60. daily, hour: how far it goes with the hour of the day, and at which."""

    phase: float
    period: float
    slope: float
    daily: float = 0.0
    hour: float = 0.0

    def at(self, number: int, moment: int) -> float:
        """How far Exact Match of both variants has gone at a look."""
        wave = 0.01 * sin(self.phase * 2 + 2 * pi * number / 170)
        of_day = self.daily * sin(self.hour + 2 * pi * moment / 86_400)
        return wave + of_day + self.slope * min(1.0, number / 60)


@dataclass(frozen=True, slots=True)
class Watch:
    """A guard that has watched over a promotion for a while. number: of looks so far. drift: of all looks."""

    state: RolloutState
    totals: Totals
    number: int
    drift: Drift


@cache
def healthy(seed: int, *, daily: bool = False, long: bool = False) -> Watch:
    """20 to 80 looks at which all was well, or those of two days. Many runs go on from each. daily: whether Exact Match
    goes by the hour of the day, too."""
    rng, server = default_rng(seed), Server(1)
    state = watching(SPEC, server, _promoted(rng))
    drift = Drift(rng.uniform(-pi, pi), rng.uniform(30, 200), rng.uniform(-0.02, 0.02))
    looks = int(rng.integers(20, 80))
    if daily:
        drift = drift._replace(daily=rng.uniform(0, 0.03), hour=rng.uniform(-pi, pi))
    looks = FOR_LONG if long else looks
    for number in range(looks):
        state = _look(rng, state, server, number, drift, QUIET)
    return Watch(state, server.totals(state), looks, drift)


def run(seed: int, change: Change, *, frozen: bool = True, most: int = MOST_LOOKS) -> Run:
    """A change, and then so many looks, or until the guard's alarm; of a slow one until well after its end. frozen:
    whether answers are scored again."""
    rng, server, begun = default_rng(seed), Server(1), _begun(seed, change)
    most += change.seconds // LONGEST_APART
    server.serve(begun.state, begun.totals)
    began_at = guard_of(begun.state).looked_at
    state = _lapsed(begun.state, change.facts, began_at)
    for looks in range(1, most + 1):
        come = change.after((next_look(TIMES, state) or began_at) - began_at)
        state = _look(rng, state, server, begun.number + looks, begun.drift, come)
        alarm = alarm_of(state)
        if alarm is not None:
            read = _frozen(rng, evidence_of(state).onset, alarm.at, change, began_at) if frozen else None
            found = guard_of(respond(TIMES, state, "", replace(evidence_of(state), frozen=read))).alarm
            assert found is not None and found.finding is not None
            return Run(change, found.finding.words, found.finding.possible, looks)
    return Run(change, (), (), most)


def _begun(seed: int, change: Change) -> Watch:
    """What a change comes after: a slow one also after two days, beside waves of days."""
    if not change.seconds:
        return healthy(seed % BEGINNINGS)
    return healthy(seed % LONG_BEGINNINGS, daily=True, long=seed // LONG_BEGINNINGS % 2 == 0)


def _look(
    rng: Generator, state: RolloutState, server: Server, number: int, drift: Drift, change: Change
) -> RolloutState:
    at = next_look(TIMES, state)
    assert at is not None
    server.serve(state, _answers(rng, number, at, drift, change))
    return take_look(TIMES, state, at, server.totals(state))


def _promoted(rng: Generator) -> RolloutState:
    """A promotion after a trial with answers of this quality."""
    begun, decision = started(SPEC), DECISION
    assert decision is not None
    counts = _arms(rng, TRIED, TRIED, (EASY_RATE, HARD_RATE), (EASY_RATE, HARD_RATE), HARD_SHARE)
    trial = Look(decision.at, 2, 50, counts.baseline, counts.candidate, counts.classes)
    (comparison,) = begun.comparisons
    certified = Certified({}, decision.at, bound=BOUND)
    tried = replace(comparison, looks=(trial,))
    return replace(begun, phase=Phase.PROMOTED, decision=decision, comparisons=(tried,), certified=certified)


def _lapsed(state: RolloutState, facts: tuple[Part, ...], at: int) -> RolloutState:
    if not facts or state.certified is None:
        return state
    return replace(state, certified=replace(state.certified, lapse=Lapse(facts, at, at)))


def _answers(rng: Generator, number: int, at: int, drift: Drift, change: Change) -> Totals:
    """The counts of one look, under the drift of both variants. at: its moment, Unix seconds."""
    wave = sin(drift.phase + 2 * pi * number / drift.period)
    share = min(0.95, HARD_SHARE + 0.05 * wave + change.hard_share)
    moved = drift.at(number, at)
    rates = [(EASY_RATE + moved + by, HARD_RATE + moved + by) for by in (change.baseline, change.candidate)]
    of_candidate = rates[1][0], rates[1][1] + change.hard
    held = int(rng.binomial(REQUESTS, 0.1))
    return _arms(rng, held, REQUESTS - held, rates[0], of_candidate, share)


def _arms(
    rng: Generator,
    baseline: int,
    candidate: int,
    of_baseline: tuple[float, float],
    of_candidate: tuple[float, float],
    share: float,
) -> Totals:
    """Counts of both variants. of_baseline, of_candidate: rates of easy and hard questions."""
    counted = []
    for requests, rates in ((baseline, of_baseline), (candidate, of_candidate)):
        hard = int(rng.binomial(requests, share))
        right = [
            int(rng.binomial(each, min(0.99, max(0.01, rate))))
            for each, rate in zip((requests - hard, hard), rates, strict=True)
        ]
        match = sum(right)
        tokens = requests * 300
        tally = Tally(requests, requests, 0, match, requests - match, 0, tokens, tokens * 400)
        counted.append((tally, right[1], hard - right[1]))
    (first, *of_first), (second, *of_second) = counted
    return Totals(first, second, (ClassAnswers(*of_first, *of_second),))


def _frozen(rng: Generator, onset: int, at: int, change: Change, began_at: int) -> Frozen:
    """Recorded answers as the operator reads them: an hour before the harm began as it seems, and since."""
    counts = [0, 0, 0, 0]
    begin = max(onset, at - 3600) if at - onset >= 120 else at - 120
    for moment in range(onset - 3600, at, ROUND_SECONDS):
        if onset <= moment < begin:
            continue
        wrong = round(change.after(moment - began_at).flipped * RECORDED) if moment >= began_at else 0
        wrong = min(RECORDED, wrong + int(rng.binomial(RECORDED, OFTEN_WRONG)))
        index = 0 if moment < onset else 2
        counts[index] += RECORDED - wrong
        counts[index + 1] += wrong
    return Frozen(*counts)


def runs_of(changes: tuple[Change, ...], runs: int, seed: int, *, frozen: bool = True) -> list[Run]:
    """So many runs, of each change in turn."""
    return [run(seed + number, changes[number % len(changes)], frozen=frozen) for number in range(runs)]


def rows_of() -> Iterator[tuple[str, str, tuple[Change, ...]]]:
    """Every kind of change by the way in which it comes: name, way, changes."""
    for way, kinds in WAYS.items():
        for name, changes in kinds.items():
            yield name, way, changes
    for name, changes in PAIRS.items():
        yield name, "at once", changes


def shown(runs: int) -> bool:
    """Print which culprit is named how often, and return whether it is the right one in 90 % of the changes of each
    kind, of those over days nothing wrong in as many, and none without a change."""
    table = Table("what moved", "how", "right", "honest", "named", "looks until the alarm", "runs")
    worst = 1.0
    for index, (name, way, changes) in enumerate(rows_of()):
        found = runs_of(changes, runs, 10_000 * index)
        right = sum(each.is_right for each in found) / runs
        named = Counter("+".join(each.named) or "no alarm" for each in found).most_common(4)
        looks = sum(each.looks for each in found) / runs
        alarmed = [each for each in found if each.named]
        honest = sum(each.is_honest for each in alarmed) / max(1, len(alarmed))
        # Over days a guard that has not seen a whole one often cannot tell; then nothing wrong may be named.
        worst = min(worst, honest if way == "over days" else right) if name in KINDS else worst
        said = ", ".join(f"{what} {count}" for what, count in named)
        table.add_row(name, way, f"{right:.1%}", f"{honest:.1%}", said, f"{looks:.0f}", str(runs))
    quiet = [run(500_000 + number, HARMLESS[number % len(HARMLESS)], most=150) for number in range(runs)]
    waves = [quiet_days(600_000 + number) for number in range(runs // 10)]
    for way, found in (("at once", quiet), ("days of waves", waves)):
        silent = sum(not each.named for each in found)
        table.add_row("nothing", way, f"{silent / len(found):.1%}", "", "", "", str(len(found)))
    Console(width=160).print(table)
    return worst >= 0.9 and not any(each.named for each in (*quiet, *waves))


def quiet_days(seed: int) -> Run:
    """A day more of waves, and of a target that changes meanwhile, without harm."""
    facts = (Part.TEMPLATE,) if seed % 2 else ()
    return run(seed, Change((), baseline=0.02, candidate=0.02, facts=facts, seconds=DAYS[0]), most=0)


def main(runs: int = 240) -> None:
    """Print the table, and fail where a bar is missed."""
    if not shown(runs):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
