"""The sliding window of a guard: what both variants did lately, in sums of a few parts of the window.

It is shown to people and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import add
from typing import NamedTuple

from earlystop.api.counts import Look

PARTS = 8
"""Parts of a window: what is shown covers between 7 of 8 of its length and all of it."""


class Sums(NamedTuple):
    """What one variant did: answers scored and right among them, requests completed, and their output tokens."""

    scored: int = 0
    match: int = 0
    completed: int = 0
    tokens: int = 0

    def plus(self, other: Sums) -> Sums:
        """The sums of both, added."""
        return Sums(*map(add, self, other))

    @property
    def exact_match(self) -> float | None:
        """Observed rate of exact matches, None without answers."""
        return self.match / self.scored if self.scored else None

    @property
    def mean_tokens(self) -> float | None:
        """Output tokens of a completed request, None without any."""
        return self.tokens / self.completed if self.completed else None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a window. begin: its first Unix second, a multiple of its length."""

    begin: int
    baseline: Sums
    candidate: Sums


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen in the last `seconds`, in parts, the oldest first."""

    seconds: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def baseline(self) -> Sums:
        """The baseline's sums over the whole window."""
        return _total([each.baseline for each in self.parts])

    @property
    def candidate(self) -> Sums:
        """The promoted setting's sums over the whole window."""
        return _total([each.candidate for each in self.parts])

    @property
    def saving(self) -> float | None:
        """Share of the baseline's tokens that the promoted setting saves, None while either has no request."""
        before, after = self.baseline.mean_tokens, self.candidate.mean_tokens
        return 1 - after / before if before and after is not None else None


EMPTY = Window()


def added(window: Window, seconds: int, look: Look, *, on_pairs: bool) -> Window:
    """The window with the counts of a look, and without what is older than `seconds` then. One of another length begins
    anew. on_pairs: whether Exact Match is read from questions that both variants answered."""
    at, sums = look.at, _sums(look, on_pairs=on_pairs)
    width = seconds // PARTS
    parts = window.parts if window.seconds == seconds else ()
    begin = at - at % width
    if parts and parts[-1].begin == begin:
        last = parts[-1]
        parts = (
            *parts[:-1],
            replace(last, baseline=last.baseline.plus(sums[0]), candidate=last.candidate.plus(sums[1])),
        )
    else:
        parts = (*parts, Part(begin, *sums))
    return Window(seconds, tuple(each for each in parts if each.begin > begin - width * PARTS))


def _sums(look: Look, *, on_pairs: bool) -> tuple[Sums, Sums]:
    """The sums of a look's counts, of the baseline and of the candidate."""
    baseline, candidate, pairs = look.baseline, look.candidate, look.candidate.pairs
    answers = [(baseline.scored, baseline.match), (candidate.scored, candidate.match)]
    if on_pairs:
        answers = [(pairs.total, pairs.both + pairs.baseline_only), (pairs.total, pairs.both + pairs.candidate_only)]
    return (
        Sums(*answers[0], baseline.completed, baseline.tokens),
        Sums(*answers[1], candidate.completed, candidate.tokens),
    )


def _total(sums: Sequence[Sums]) -> Sums:
    return Sums(*map(sum, zip(*sums, strict=True))) if sums else Sums()
