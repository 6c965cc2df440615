"""How much more the differences between arms scatter than independent events would: learned while they are compared.

Answers, requests and lengths of one session are alike, and sessions are shorter or longer than a look. So differences
between the arms are gathered in blocks of 1, 2, 4, ... 64 looks, and adjacent blocks are compared: the square of
what they differ by, over the variance that independent events would give it, is 1 on average where events are
independent, and the design effect (Kish) where they come in clusters that a block holds. What both arms share cancels
in the difference between arms, and a true difference that stays cancels between adjacent blocks (von Neumann, 1941).

Blocks overlap by three quarters, which doubles what few looks say about long blocks: the overlapping Allan variance,
with the degrees of freedom that it has for white noise (Riley, Howe, "Handbook of frequency stability analysis",
NIST SP 1065, 2008, table 5).

The variance of a sum is that of its parts, each by what it weighs. So since version 8 of the engine looks of answers
weigh by how many there were: traffic that begins quietly, with single requests, and goes on in sessions with ten times
as many scatters as the latter do. The mean is then a ratio estimator (Cochran, "Sampling techniques", 1977, chapter 6):
the sum of the squares of all pairs of blocks, by weight, over that of the variances which these have by chance. A look
must not weigh by its own answers: where nearly all are right, one without a mistake has a variance of almost nothing,
and weighed by the inverse of that it would hide the sessions that go wrong as a whole. The mean has fewer degrees of
freedom where a few pairs outweigh the others (Satterthwaite, 1946). How many looks are waited for stays a matter of
their number, with one exception: where a few looks have nearly all the answers, quiet ones before them say nothing of
these. So looks are worth as many as their weights have it (Kish's effective sample size), and nothing is known while
that is less than the looks in the blocks that must be learned.

The factor is the largest over the scales that show more than chance, each at an upper confidence bound, by the
chi-square law (Wilson, Hilferty, 1931); 1 where none does. What the longest blocks show is multiplied by as much as it
has grown since blocks of half the length, at most `MOST_GROWTH`: clusters may be longer still. For independent events
the factor is 1.7 on average, the price of several scales. It is at most `MOST_FACTOR`. A test that divides its evidence
by it holds approximately; one of independent events holds exactly, whatever the factor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import exp, log, log2, sqrt
from struct import Struct
from typing import NamedTuple

SCALES = (1, 2, 4, 8, 16, 32, 64)
"""Looks in a block."""

KNOWN_LOOKS = 32
"""Blocks of so many looks must be learned before the scatter is known, as they are after 128 looks: clusters of about
as many are then seen."""

LEAST_FREEDOM = 3.9
"""Degrees of freedom before a scale says anything: four blocks, or eight looks at the shortest scale."""

SEEN_FREEDOM = 1.5
"""Degrees of freedom from which on a scale is a hint, as long as the scatter is not known."""

CHANCE_QUANTILE = 0.84
"""Normal quantile of what chance explains: one scale in five shows more where events are independent."""

DOUBT_QUANTILE = 2.33
"""The same where events are known to be independent: one scale in a hundred shows more, and is believed."""

BOUND_QUANTILE = 0.5
"""Normal quantile of the upper bound, of 69 %: the largest of several scales is too large more often than that."""

MOST_GROWTH = 2.0
MOST_FACTOR = 100.0
"""No larger factor is learned: arms that scatter more do not merely answer sessions, they drift apart by themselves."""

LEAST_EFFECTIVE_FREEDOM = 1.0
"""Degrees of freedom that a mean has at least, however much a few pairs of blocks outweigh the others."""

PARTS = 4
"""Parts of a block by which the next one is shifted."""

_PART, _WEIGHED_PART = Struct("=dd"), Struct("=ddd")
"""A part that is complete: its statistic, the variance of that, and its weight, which is the variance where looks are
not weighed. A policy has some 300 of them, and as tuples they would take a seventh of all memory that the operator has
for it; these bytes are the very same numbers."""


class Scale(NamedTuple):
    """Blocks of so many looks, each shifted by a part against the last one.

    looks, statistic, variance, answers: of the part that is not complete yet; answers: its weight, where looks are
    weighed. parts: the latest complete ones, one after the other, at most those of two blocks. windows, total: how many
    pairs of adjacent blocks were compared, and the sum of their squares, standardised, each times what it counts.
    weight, squared_weights: the sums of what they count, and of its squares; as many as windows before version 8 of the
    engine.
    """

    size: int
    looks: int = 0
    statistic: float = 0.0
    variance: float = 0.0
    answers: float = 0.0
    parts: bytes = b""
    windows: int = 0
    total: float = 0.0
    weight: float = 0.0
    squared_weights: float = 0.0

    @property
    def mean(self) -> float:
        """Mean of the standardised squares, 1 on average for independent events; a pair must have been compared."""
        return self.total / self.weight

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the mean; 0 before a pair was compared."""
        if not self.windows:
            return 0.0
        evenness = self.weight * self.weight / (self.windows * self.squared_weights)
        freedom = _freedom(self.size, self.windows)
        return max(freedom * evenness, min(freedom, LEAST_EFFECTIVE_FREEDOM))


@dataclass(frozen=True, slots=True)
class Scatter:
    """What looks so far have shown, at each scale. is_weighed: whether looks have weights, or all count alike. weight,
    squared_weights: the sums of these weights, and of their squares."""

    scales: tuple[Scale, ...] = tuple(Scale(size) for size in SCALES)
    is_weighed: bool = False
    weight: float = 0.0
    squared_weights: float = 0.0
    _learned_bound: float | None = field(default=None, init=False, repr=False, compare=False)

    def is_known(self, looks: int = 1) -> bool:
        """Whether blocks of so many looks, or longer ones, are learned from as many looks as these have, by their
        weights, and scatter less than `MOST_FACTOR`."""
        return self.known_factor(looks) is not None

    @property
    def learned_looks(self) -> int:
        """Looks in the longest blocks that are learned, 0 before any are."""
        return max((each.size for each in self._with_freedom(LEAST_FREEDOM)), default=0)

    def freedom(self, looks: int = 1) -> float:
        """Degrees of freedom of blocks of so many looks, one of `SCALES`; 0 before two of them were compared."""
        return next(each.freedom for each in self.scales if each.size >= looks)

    def factor(self, unknown: float, looks: int = 1) -> float:
        """The dispersion factor, 1 to `MOST_FACTOR`. While blocks of so many looks are not learned it is at least
        `unknown`, and what little was seen counts too."""
        known = self.known_factor(looks)
        return self.guessed_factor(unknown) if known is None else known

    def guessed_factor(self, unknown: float) -> float:
        """The factor while the blocks that must be learned are not: at least `unknown`, up to `MOST_FACTOR`."""
        return max(unknown, _largest_bound(self._with_freedom(SEEN_FREEDOM)))

    def carried_on(self, looks: int, most: float = MOST_FACTOR) -> float:
        """What little was seen, with the growth between the two longest scales carried on to blocks of so many looks, 1
        to `most`."""
        seen = self._with_freedom(SEEN_FREEDOM)
        largest, last = _largest_bound(seen, most=most), _bound(seen[-1], CHANCE_QUANTILE) if seen else 1.0
        if len(seen) < 2 or last <= 1 or looks <= seen[-1].size:
            return largest
        growth = min(max(seen[-1].mean / max(seen[-2].mean, 1.0), 1.0), MOST_GROWTH)
        doublings = log2(looks / seen[-1].size)
        return min(max(largest, last * exp(doublings * log(growth))), most)

    @property
    def beyond_doubt(self) -> float:
        """The factor of events that are known to be independent: above 1 only where chance hardly explains it."""
        return _largest_bound(self._with_freedom(LEAST_FREEDOM), DOUBT_QUANTILE)

    def known_factor(self, looks: int = 1) -> float | None:
        """The factor that blocks of so many looks, or longer ones, have taught; None where `is_known` is not true."""
        learned = self._with_freedom(LEAST_FREEDOM)
        if not learned or learned[-1].size < looks or self.weight * self.weight < looks * self.squared_weights:
            return None
        # Several questions a look ask for it, with the same answer.
        if self._learned_bound is None:
            object.__setattr__(self, "_learned_bound", _largest_bound(learned))
        bound = self._learned_bound
        assert bound is not None  # set above
        return bound if bound < MOST_FACTOR else None

    def _with_freedom(self, least: float) -> list[Scale]:
        return [each for each in self.scales if _freedom(each.size, each.windows) >= least]


def observe(scatter: Scatter, statistic: float, information: float, weight: float | None = None) -> Scatter:
    """The scatter after one more look. statistic: difference of the arms over its variance; information: 1 over the
    variance, > 0, both as independent events would have it. weight: what the look weighs, > 0, whatever its answers
    were; its information if there is none. It makes no difference where looks are not weighed."""
    if not scatter.is_weighed:
        return Scatter(tuple([_with_look(each, statistic, information) for each in scatter.scales]))
    weight = information if weight is None else weight
    look = weight * (statistic / information), weight * (weight / information), weight
    scales = tuple([_with_weighed_look(each, *look) for each in scatter.scales])
    total, squares = scatter.weight + weight, scatter.squared_weights + weight * weight
    return Scatter(scales, is_weighed=True, weight=total, squared_weights=squares)


def freedom_after(size: int, looks: int) -> float:
    """Degrees of freedom of blocks of so many looks, one of `SCALES`, after so many looks; 0 before two blocks."""
    return _freedom(size, max(0, (looks - 2 * size) // _part(size) + 1))


def begun_anew(known: Scatter) -> Scatter:
    """Before a look that is not to be compared with those before it; what they have shown stays."""
    scales = [each._replace(looks=0, statistic=0.0, variance=0.0, answers=0.0, parts=b"") for each in known.scales]
    return replace(known, scales=tuple(scales))


def _with_look(scale: Scale, statistic: float, information: float) -> Scale:
    size, looks, statistic_before, information_before, _, parts, windows, total, weight, squared_weights = scale
    part, looks = _part(size), looks + 1
    statistic, information = statistic_before + statistic, information_before + information
    if looks < part:
        return Scale(size, looks, statistic, information, 0.0, parts, windows, total, weight, squared_weights)
    block = size // part * _PART.size
    parts = parts[_PART.size - 2 * block :] + _PART.pack(statistic, information)
    if len(parts) < 2 * block:
        return Scale(size, 0, 0.0, 0.0, 0.0, parts, windows, total, weight, squared_weights)
    before, known = _sum(parts[:block])
    after, new = _sum(parts[block:])
    apart = after / new - before / known
    squared = apart * apart / (1 / new + 1 / known)
    return Scale(size, 0, 0.0, 0.0, 0.0, parts, windows + 1, total + squared, weight + 1.0, squared_weights + 1.0)


def _with_weighed_look(scale: Scale, statistic: float, variance: float, answers: float) -> Scale:
    """statistic: difference of the arms times the weight; variance: of that; answers: the weight."""
    size, looks, statistic_before, variance_before, answers_before, parts, windows, total, weight, squares = scale
    part, looks = _part(size), looks + 1
    statistic, variance, answers = statistic_before + statistic, variance_before + variance, answers_before + answers
    if looks < part:
        return Scale(size, looks, statistic, variance, answers, parts, windows, total, weight, squares)
    block = size // part * _WEIGHED_PART.size
    parts = parts[_WEIGHED_PART.size - 2 * block :] + _WEIGHED_PART.pack(statistic, variance, answers)
    if len(parts) < 2 * block:
        return Scale(size, 0, 0.0, 0.0, 0.0, parts, windows, total, weight, squares)
    before, variance_before, known = _weighed_sum(parts[:block])
    after, variance_after, new = _weighed_sum(parts[block:])
    # What a pair counts follows from its weights: the more of them, and the more alike, the more.
    both = 1 / (1 / new + 1 / known)
    apart = both * (after / new - before / known)
    counts = (both / new) ** 2 * variance_after + (both / known) ** 2 * variance_before
    total, weight = total + apart * apart, weight + counts
    return Scale(size, 0, 0.0, 0.0, 0.0, parts, windows + 1, total, weight, squares + counts * counts)


def later_has_more(scale: Scale) -> bool:
    """Whether the mean of the later block is the higher one, of the last two that were compared, in weighed looks."""
    half = len(scale.parts) // 2
    before, _, known = _weighed_sum(scale.parts[:half])
    after, _, new = _weighed_sum(scale.parts[half:])
    return after * known > before * new


def _part(size: int) -> int:
    """Looks in a part of a block of so many."""
    return max(1, size // PARTS)


def _sum(parts: bytes) -> tuple[float, float]:
    statistic = information = 0.0
    for one, other in _PART.iter_unpack(parts):
        statistic, information = statistic + one, information + other
    return statistic, information


def _weighed_sum(parts: bytes) -> tuple[float, float, float]:
    statistic = variance = weight = 0.0
    for one, two, three in _WEIGHED_PART.iter_unpack(parts):
        statistic, variance, weight = statistic + one, variance + two, weight + three
    return statistic, variance, weight


def _largest_bound(scales: list[Scale], chance: float = CHANCE_QUANTILE, most: float = MOST_FACTOR) -> float:
    """The largest bound over these scales, shortest first, 1 to `most`."""
    if not scales:
        return 1.0
    bounds = [_bound(each, chance) for each in scales]
    last, largest = bounds[-1], max(bounds)
    if len(scales) > 1 and last > 1:
        growth = scales[-1].mean / max(scales[-2].mean, 1.0)
        largest = max(largest, last * min(growth, MOST_GROWTH))
    return min(largest, most)


def _bound(scale: Scale, chance: float) -> float:
    """An upper bound of a scale's factor, 1 where chance explains what it shows."""
    return upper_bound(scale.mean, scale.freedom, chance)


def upper_bound(mean: float, freedom: float, chance: float) -> float:
    """An upper bound of a mean square of so many degrees of freedom, at `BOUND_QUANTILE`; 1 where the normal quantile
    `chance` explains what is seen."""
    most, shrunk = _limits(freedom, chance)
    return 1.0 if mean <= most else max(1.0, mean / shrunk)


# All policies ask for the same few numbers of windows, several times a look.
@lru_cache(maxsize=8192)
def _freedom(size: int, windows: int) -> float:
    """Degrees of freedom of the mean of so many pairs of adjacent blocks of so many looks."""
    if not windows:
        return 0.0
    blocks = 2 + (windows - 1) * _part(size) / size
    squared = 4 * size * size
    return (1.5 * blocks - 2) * squared / (squared + 5)


# One look asks for the same few several times. With weights no other look has them again, and a fleet's would fill MiB.
@lru_cache(maxsize=64)
def _limits(freedom: float, chance: float) -> tuple[float, float]:
    """The mean up to which chance explains it, and by what a larger one is divided for its upper bound."""
    part = 2 / (9 * freedom)
    return (1 - part + chance * sqrt(part)) ** 3, (1 - part - BOUND_QUANTILE * sqrt(part)) ** 3
