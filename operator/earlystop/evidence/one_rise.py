"""How much the candidate's own bad events scatter, but for one rise of their level: a burst ends, and harm stays.

What events scatter by themselves is learned from adjacent blocks of looks (`scatter`). Harm that begins late is a rise
of the level. All pairs of blocks around it differ by as much as bursts would, although nothing scatters before it nor
after it, and the evidence that follows would be divided by that for two hundred looks. A burst has such a rise as well,
and a fall besides; of many bursts, all but one rise are still there. So one rise is left out: at each scale the pairs
of blocks around one moment, in which the later block has more, that differ most beyond what is expected of them. It is
so once it is `BURSTS_IN_A_ROW` times as old as a burst may last: until then two bursts in a row look like it.

They overlap by three quarters, so a rise is in at most twice as many pairs in a row as a block has parts. What is left
has fewer degrees of freedom, and a scale of which too few pairs are left says nothing: what the next shorter one shows
is carried on to it (`Scatter.carried_on`).

Nor is there a largest factor. Where all bad events come in bursts of one size, the variance of their number is that
size times what single events have, and evidence that is divided by it is one of bursts, in place of events. For k of
them that all hit the candidate, with odds o at the edge of what is allowed, it is at most k log((1 + o) / o), since a
bet on infinite odds gains log((1 + o) / o) by each event: that is the sign test on bursts, each of which falls to a
variant by its share of requests. A test of signs is exact whatever sizes bursts have, as long as either variant gets
them alike (Efron, "Student's t-test under symmetry conditions", Journal of the American Statistical Association 64,
1969). This one has to learn their size, so it holds approximately, once they are seen to scatter. A largest factor of
100 would let bursts of 500 count as five each.
"""

from __future__ import annotations

from math import inf
from struct import Struct
from typing import NamedTuple

from earlystop.evidence.scatter import PARTS, Scale, Scatter, later_has_more

_PAIR = Struct("=dd")
"""A pair of adjacent blocks: the square by which they differ, and what it counts; nothing where the level fell."""
_NO_RISE = _PAIR.pack(0.0, 0.0)

BURSTS_IN_A_ROW = 2
"""A rise is left out once it is so many times as old as a burst may last. Without this, bursts of 500 failures over 20
looks, one in 25 looks, break a guardrail in 8.6 % of 1,000 campaigns; harm of 10 % is then found at most 11 looks
sooner."""


class Rise(NamedTuple):
    """The rise that is left out at one scale. latest: the last pairs, as many as one may be in. The rest is of the
    pairs that are left out: the sums of the squares by which they differ, of what they count, and of the squares of
    that, how many they are, and after how many looks the last of them was compared."""

    latest: bytes = b""
    total: float = 0.0
    weight: float = 0.0
    squared_weights: float = 0.0
    pairs: int = 0
    found: int = 0


def start(scatter: Scatter) -> tuple[Rise, ...]:
    """Before any look: one for each scale."""
    return (Rise(),) * len(scatter.scales)


def observe(rises: tuple[Rise, ...], before: Scatter, after: Scatter) -> tuple[Rise, ...]:
    """With one more look; before, after: what looks have shown without it and with it. They are weighed."""
    scales, looks = zip(rises, before.scales, after.scales, strict=True), _looks(after)
    return tuple(
        [_with_pair(rise, old, new, looks) if new.windows > old.windows else rise for rise, old, new in scales]
    )


def factor(scatter: Scatter, rises: tuple[Rise, ...], looks: int) -> float:
    """By how much events scatter in blocks of so many looks, without that rise: 1 or more."""
    since = _looks(scatter) - BURSTS_IN_A_ROW * looks
    scales = [_without(*each, since) for each in zip(scatter.scales, rises, strict=True)]
    kept = tuple([each for each in scales if each is not None])
    return Scatter(kept, is_weighed=True).carried_on(looks, most=inf)


def _looks(scatter: Scatter) -> int:
    """How many looks were taken: blocks of one look are the first scale."""
    return scatter.scales[0].windows + 1


def _with_pair(rise: Rise, old: Scale, new: Scale, looks: int) -> Rise:
    is_risen = later_has_more(new)
    pair = _PAIR.pack(new.total - old.total, new.weight - old.weight) if is_risen else _NO_RISE
    most = 2 * min(new.size, PARTS)
    latest = rise.latest[-(most - 1) * _PAIR.size :] + pair
    if not is_risen:
        return rise._replace(latest=latest)
    total, weight, squares, pairs = 0.0, 0.0, 0.0, 0
    for squared, counts in _PAIR.iter_unpack(latest):
        if counts:
            total, weight, squares, pairs = total + squared, weight + counts, squares + counts * counts, pairs + 1
    if total - weight <= rise.total - rise.weight:
        return rise._replace(latest=latest)
    return Rise(latest, total, weight, squares, pairs, looks)


def _without(scale: Scale, rise: Rise, since: int) -> Scale | None:
    """The scale without the rise, where it was there before so many looks were; None where nothing is left."""
    if not rise.pairs or rise.found - 2 * scale.size > since:
        return scale
    weight, squares = scale.weight - rise.weight, scale.squared_weights - rise.squared_weights
    left = scale.windows - rise.pairs
    if left <= 0 or weight <= 0 or squares <= 0:
        return None
    total = max(0.0, scale.total - rise.total)
    return scale._replace(windows=left, total=total, weight=weight, squared_weights=squares)
