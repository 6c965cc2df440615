"""Whether an engine's own counters agree with those of the injector before it: pure, and no evidence.

Both count the same answers, each at moments of its own: an answer that the engine has finished may be on its way, and
the two are not scraped together. So nothing is extrapolated. Of one side the least that it counted within a window is
taken, of the other the most, and what was in flight is allowed for; traffic of any shape stays within that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import isqrt

from earlystop.api.plurals import counted
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.templates.range_vectors import RawSeries

TIMES = 2
"""Windows in a row that differ in the same direction before it is said, and that agree before it is taken back. So one
restart, whose last counts nobody scraped, is no disagreement."""


class Larger(StrEnum):
    """Which of two sources of counts has the larger ones."""

    ENGINE = "Engine"
    INJECTOR = "Injector"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much counters have grown within a window.

    least: what samples within it show. most: what those around it allow. is_cut: whether a process began anew or was no
    longer scraped meanwhile, so that some of its counts may be nowhere.
    """

    least: int = 0
    most: int = 0
    is_cut: bool = False

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.least + other.least, self.most + other.most, self.is_cut or other.is_cut)


@dataclass(frozen=True, slots=True)
class EngineSide:
    """What an engine counted of finished sequences, and of their tokens."""

    sequences: Bounds
    tokens: Bounds


@dataclass(frozen=True, slots=True)
class InjectorSide:
    """What an injector counted of the sequences that passed it, of their tokens and the tokens' squares.

    failed: requests that failed, which the engine may have finished all the same. in_flight: the most requests that
    were under way at one moment. choices: the most that any request had.
    """

    sequences: Bounds
    tokens: Bounds
    tokens_squared: Bounds
    failed: Bounds
    in_flight: int
    choices: int = 1


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The difference of the two beyond what was in flight.

    sequences, tokens: that excess, 0 where there is none. allowed: sequences that were allowed for. engine, injector:
    sequences and tokens that each counted: of the larger side the least, of the other the most. is_cut: whether a
    process of the smaller side may have taken counts with it.
    """

    larger: Larger
    sequences: int
    tokens: int
    allowed: int
    engine: tuple[int, int]
    injector: tuple[int, int]
    is_cut: bool


def growth(points: Sequence[tuple[int, str]], begin_ms: int, end_ms: int) -> Bounds:
    """How much one series has grown after `begin_ms` until `end_ms`. points: Unix milliseconds and values, in order.

    A counter that is seen for the first time within the window may have counted all of its value in it.
    """
    read = [(at, int(value)) for at, value in counts(points)]
    before = [each for each in read if each[0] <= begin_ms][-1:]
    inside = [each for each in read if begin_ms < each[0] <= end_ms]
    after = [each for each in read if each[0] > end_ms][:1]
    nearest = [*before, *inside, *after]
    if not inside and not (before and after):
        return Bounds()  # it ended before the window, or began after it
    born = 0 if before else nearest[0][1]
    fell = any(later < earlier for (_, earlier), (_, later) in pairwise(nearest))
    return Bounds(_sum(inside), born + _sum(nearest), is_cut=fell or not after)


def counts(points: Iterable[tuple[int, str]]) -> list[tuple[int, float]]:
    """The samples that are counts, as NaN is none."""
    read = ((at, float(text)) for at, text in points)
    return [(at, value) for at, value in read if is_count(value)]


def _sum(samples: Sequence[tuple[int, int]]) -> int:
    """The growth between samples; one that is smaller than that before is of a counter that began at 0 again."""
    return sum(later - earlier if later >= earlier else later for (_, earlier), (_, later) in pairwise(samples))


def total_growth(series: Iterable[RawSeries], begin_ms: int, end_ms: int, replica_label: str | None = None) -> Bounds:
    """The sum over all series. replica_label: names the scraper of an HA pair, of whose copies one is read."""
    copies: dict[tuple[tuple[str, str], ...], RawSeries] = {}
    for each in series:
        key = tuple(sorted((name, text) for name, text in each.labels.items() if name != replica_label))
        if key not in copies or len(each.points) > len(copies[key].points):
            copies[key] = each
    return sum((growth(each.points, begin_ms, end_ms) for each in copies.values()), Bounds())


def disagreement(engine: EngineSide, injector: InjectorSide) -> Disagreement | None:
    """The difference of the two, None where what was in flight explains it.

    The tokens of k answers are at most the root of k times the sum of all answers' squares (Cauchy, Schwarz). Of what
    an engine generated for requests that failed nobody knows the length, so then an engine is judged by answers alone.
    """
    failed, in_flight = injector.failed.most, injector.in_flight
    for larger in Larger:
        of_engine = larger is Larger.ENGINE
        more, less = (engine, injector) if of_engine else (injector, engine)
        allowed = injector.choices * (in_flight + (failed if of_engine else 0))
        sequences = max(0, more.sequences.least - less.sequences.most - allowed)
        tokens = more.tokens.least - less.tokens.most - _root(in_flight * injector.tokens_squared.most)
        tokens = 0 if of_engine and failed else max(0, tokens)
        if sequences or tokens:
            counted = (more.sequences.least, more.tokens.least), (less.sequences.most, less.tokens.most)
            is_cut = less.sequences.is_cut or less.tokens.is_cut
            return Disagreement(larger, sequences, tokens, allowed, *(counted if of_engine else counted[::-1]), is_cut)
    return None


def _root(square: int) -> int:
    """The root, rounded up."""
    return isqrt(square) + 1 if square else 0


@dataclass(frozen=True, slots=True)
class CrossChecks:
    """What the windows so far have shown.

    larger: whose counts were larger in the last one, None where they agreed. times: in how many in a row, 0 before
    any. said: the disagreement that people are told of, None for none.
    """

    larger: Larger | None = None
    times: int = 0
    said: Disagreement | None = None

    def after(self, found: Disagreement | None) -> CrossChecks:
        """The cross-check after one more window."""
        larger = None if found is None else found.larger
        times = self.times + 1 if larger is self.larger else 1
        return CrossChecks(larger, times, found if times >= TIMES else self.said)


LOOK_AT: Mapping[Larger, str] = {
    Larger.ENGINE: "Look for clients that ask the engine past the injector: another route or Service, paths that "
    "delivery.paths does not name, a health check that generates; or for an injector's Pod that was killed.",
    Larger.INJECTOR: "Look for Pods behind the route's Service that are none of the target's, or that are not scraped; "
    "and for an engine that restarts.",
}


def words(found: Disagreement, preset: str, seconds: int) -> str:
    """The sentence for people about a disagreement in a window of so many seconds."""
    larger, other = ("engine", "injector") if found.larger is Larger.ENGINE else ("injector", "engine")
    by_name = {"engine": found.engine, "injector": found.injector}
    (sequences, tokens), (fewer, less) = by_name[larger], by_name[other]
    excess = " and ".join(
        f"{number:,} {what}" for number, what in ((found.sequences, "answers"), (found.tokens, "tokens")) if number
    )
    cut = f" A process of the {other} began anew or was not scraped meanwhile." if found.is_cut else ""
    return (
        f"The engine's own counters ({preset}) do not agree with the injector's: in {seconds} s the {larger} counted "
        f"at least {counted(sequences, 'answer')} with {counted(tokens, 'token')}, and the {other} at most "
        f"{fewer:,} with {less:,}. "
        f"Beyond {found.allowed:,} that were in flight or failed, the {larger} has {excess} more.{cut} "
        f"{LOOK_AT[found.larger]} This is no evidence, and holds no promotion."
    )
