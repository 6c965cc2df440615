"""A look is split into parts: a claim is made where its evidence crosses the line, not only where a look ends.

Within a look the answers of an arm are exchangeable, so they may be dealt into parts at random and every part be bet on
as a look of its own. By Ville's inequality the capital may be compared with 1/risk after each part. Read at the ends of
looks alone, it oversteps the line by about half a look's spread, and what it oversteps by was paid for with
requests (the excess over the boundary: Siegmund, "Sequential Analysis", 1985); parts give most of that back.

The deal is drawn from a seed that does not depend on whether answers are right, so the guarantee is exact for any
rates, and the deal is the same whenever a record is recomputed. The numbers in a part depend on the numbers of answers
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import exp, lgamma
from random import Random
from typing import NamedTuple

from earlystop.evidence.bets import Answers

ANSWERS_A_PART = 20
MOST_PARTS = 16
MOST_ANSWERS = 1_000_000
MOST_GROUPS = 32
"""Parts of all query classes together, for the sake of time; one each at least."""


class LookInParts:
    """A look as a whole and, worked out when they are asked for, in parts. The processes of a look share the deal."""

    def __init__(self, baseline: Answers, candidate: Answers, seed: int) -> None:
        self.whole = baseline, candidate
        self._seed = seed

    @cached_property
    def parts(self) -> list[tuple[Answers, Answers]]:
        """The look in parts, see `deal`."""
        return deal(*self.whole, self._seed)


class ClassesInParts:
    """The answers of a look by query class, in rounds: every class has its parts spread over all of them."""

    def __init__(self, classes: Mapping[str, tuple[Answers, Answers]], seed: int) -> None:
        self.classes = classes
        self._seed = seed

    @property
    def whole(self) -> list[list[ClassPart]]:
        """One round with all answers, by name of the class; one without answers of the candidate takes no part."""
        return [[ClassPart(name, *self.classes[name]) for name in self._names]]

    @cached_property
    def rounds(self) -> list[list[ClassPart]]:
        """The look in rounds. A class with fewer parts than there are rounds sits some of them out."""
        names, random = self._names, Random(self._seed)  # noqa: S311
        most = min(MOST_PARTS, max(1, MOST_GROUPS // max(1, len(names))))
        parts = {name: _dealt(*self.classes[name], random, most) for name in names}
        count = max(map(len, parts.values()), default=0)
        rounds: list[list[ClassPart]] = [[] for _ in range(count)]
        for name, dealt in parts.items():
            for place, part in enumerate(dealt):
                rounds[(2 * place + 1) * count // (2 * len(dealt))].append(ClassPart(name, *part))
        return rounds

    @property
    def _names(self) -> list[str]:
        return sorted(name for name, (_, candidate) in self.classes.items() if candidate.scored)


class ClassPart(NamedTuple):
    """Some answers of one query class, of both arms."""

    name: str
    baseline: Answers
    candidate: Answers


def deal(baseline: Answers, candidate: Answers, seed: int) -> list[tuple[Answers, Answers]]:
    """The answers of a look in up to 16 parts of about 20 answers or more, each with both arms.

    A look in which an arm has no answer is one part, and so is one of more than a million answers, which needs no such
    care.
    seed: fixed before the look, as its time.
    """
    return _dealt(baseline, candidate, Random(seed), MOST_PARTS)  # noqa: S311


def _dealt(baseline: Answers, candidate: Answers, random: Random, most: int) -> list[tuple[Answers, Answers]]:
    if baseline.scored + candidate.scored > MOST_ANSWERS:
        return [(baseline, candidate)]
    count = min((baseline.scored + candidate.scored) // ANSWERS_A_PART, most, baseline.scored, candidate.scored)
    if count < 2:
        return [(baseline, candidate)]
    sizes_b, sizes_c = even(baseline.scored, count), even(candidate.scored, count)
    matches_b = drawn(random, sizes_b, baseline.match)
    matches_c = drawn(random, sizes_c, candidate.match)
    return [
        (Answers(size_b, match_b), Answers(size_c, match_c))
        for size_b, match_b, size_c, match_c in zip(sizes_b, matches_b, sizes_c, matches_c, strict=True)
    ]


def even(total: int, count: int) -> list[int]:
    """`total` in `count` whole numbers that differ by at most 1."""
    return [(k + 1) * total // count - k * total // count for k in range(count)]


def drawn(random: Random, sizes: Sequence[int], marked: int) -> list[int]:
    """How many of `marked` among all items fall into parts of these sizes when the items are dealt at random."""
    items, found = sum(sizes), []
    for size in sizes:
        inside = hypergeometric(random.random(), items, marked, size)
        found.append(inside)
        items, marked = items - size, marked - inside
    return found


def hypergeometric(uniform: float, items: int, marked: int, size: int) -> int:
    """How many marked items a draw of `size` without replacement holds, by the inverse of its law.

    uniform: in 0..1. Numbers are tried from the most likely one outwards, in turn above and below it, which takes a few
    standard deviations of steps.
    """
    low, high = max(0, size + marked - items), min(size, marked)
    if low == high:
        return low
    mode = min(max((size + 1) * (marked + 1) // (items + 2), low), high)
    rest = items - marked - size
    up = down = mode
    above = below = chance = exp(
        _log_choose(marked, mode) + _log_choose(items - marked, size - mode) - _log_choose(items, size)
    )
    uniform -= chance
    while uniform > 0 and (up < high or down > low):
        if up < high:
            above *= (marked - up) * (size - up) / ((up + 1) * (rest + up + 1))
            up += 1
            uniform -= above
            if uniform <= 0:
                return up
        if down > low:
            below *= down * (rest + down) / ((marked - down + 1) * (size - down + 1))
            down -= 1
            uniform -= below
            if uniform <= 0:
                return down
    return mode


def _log_choose(n: int, k: int) -> float:
    """log of n over k. `math.lgamma` stays: the deal of a stored look must be dealt again with the very same floats."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
