"""How much answers may scatter at most, by how unevenly requests come to the variants in groups that last.

A group of requests that stays with a variant (a session, an agent, a user) shows in the counts of requests by as many
times as it has requests: Kish's design effect at a likeness of 1. Answers of the group show only so much of it as they
are alike. With S(b) for the mean square of blocks of b looks of requests against their known weight (`split_scatter`),
and a likeness r, answers in blocks of b looks scatter by 1 + r (S(b) - 1). `scatter` compares adjacent blocks A(b),
which lack what neighbours have in common, and the variance of a sum of two says what that is:

    A(b) = 1 + r (2 S(b) - S(2b) - 1).

So few long blocks of answers, which must teach how much groups that last for long scatter, often show nothing by
chance, while requests, whose counts lack the answers' noise, show these groups already. What requests show in their
longer blocks at r = 1 is then the most that answers scatter by. It is made smaller by the likeness that answers show at
all lengths up to half of those, where blocks are many: the slope of A(b) - 1 over 2 S(b) - S(2b) - 1 through the
origin, by weighted least squares, at an upper bound and at most 1. The weights are those of means of squares with the
degrees of freedom that they have. Lengths share their looks, so the bound is a little bolder than its quantile says; it
is chosen by what errors are left (`make bench-street`).

Single requests show S = 1 at every length, and a split that is dealt out in turn less: both leave what answers teach as
it is.
"""

from __future__ import annotations

from math import sqrt

from earlystop.evidence.scatter import LEAST_FREEDOM, MOST_FACTOR, Scatter
from earlystop.evidence.split_scatter import LEAST_BLOCKS, LONG_BLOCK, SHORT_BLOCK, SplitScatter
from earlystop.evidence.version import CURRENT, EIGHTH

CHANCE_QUANTILE = 1.0
"""Normal quantile of what the split of single requests shows by chance: one length in six shows more."""

GUESS_CHANCE_QUANTILE = 1.5
"""The same for a guess, which is an upper bound (`scatter.upper_bound`). Where 300 requests of each agent stay with a
variant over 19 looks, and all requests are theirs, 6 % of candidates at the border are rolled back, and 9 % without it.
Ten points too many lost in single requests are found after 23.9 looks, with a quantile of 1 after 25.1, and without the
bound after 22.2 (500 campaigns)."""

LIKENESS_QUANTILE = 2.0
"""Normal quantile of the upper bound of the likeness. Sessions of coding agents in looks of 15 s (60 s between turns,
likeness .5) are promoted in 5.6 % and rolled back in 5.2 % of campaigns at the border with 1.5, in 5.2 and 4.8 % with 2
(3,000 campaigns; 6.7 and 6.9 % without any such bound), and single requests wait half a look longer."""

GUESSED_LIKENESS = 0.5
"""The likeness of a group's answers while these have not shown it. Where 300 requests of an agent stay with a variant
over 19 looks, likeness .3, 10 % of candidates at the border are rolled back without any such guess, 7 % with a third,
5 % with a half, and 4.5 % with 1; eight points too many lost in sessions over 10 looks are found after 53, 55, 58 and
71 looks (operator/docs/verdicts.md)."""


def most_scatter(answers: Scatter, split: SplitScatter) -> float:
    """The factor by which answers scatter at most between the arms, as far as the split shows it: 1 to `MOST_FACTOR`,
    and 1 where it shows no groups."""
    shown = _shown_by_requests(split)
    if shown == 1.0:
        return 1.0
    return min(1 + most_alike(answers, split) * (shown - 1), MOST_FACTOR)


def guessed_scatter(split: SplitScatter, engine: int = CURRENT) -> float:
    """The factor by which answers scatter between the arms, as far as requests show it before answers do: 1 to
    `MOST_FACTOR`, and 1 where they show no groups. A single block says something already; how little it is, an upper
    bound says since version 9 of the engine, and quiet looks hide no busy ones."""
    seen = [each for each in split.sizes if each.blocks]
    if engine > EIGHTH:
        shown = [each.bound_by_requests(GUESS_CHANCE_QUANTILE) for each in seen]
    else:
        shown = [each.mean for each in seen if each.exceeds(CHANCE_QUANTILE)]
    return min(1 + GUESSED_LIKENESS * (max(shown, default=1.0) - 1), MOST_FACTOR)


def most_alike(answers: Scatter, split: SplitScatter) -> float:
    """An upper bound of how much answers of a group are alike, 0 to 1; 1 where nothing says that they are not."""
    common, information = 0.0, 0.0
    by_size = {each.size: each for each in split.sizes if each.blocks >= LEAST_BLOCKS}
    for scale in answers.scales:
        block, double = by_size.get(scale.size), by_size.get(2 * scale.size)
        if block is None or double is None or scale.freedom < LEAST_FREEDOM:
            continue
        grouped = max(2 * block.mean - double.mean - 1, 0.0)
        weight = scale.freedom / 2 / max(scale.mean, 1.0) ** 2
        common += weight * grouped * (scale.mean - 1)
        information += weight * grouped * grouped
    if not information:
        return 1.0
    return min(max(common / information + LIKENESS_QUANTILE / sqrt(information), 0.0), 1.0)


def _shown_by_requests(split: SplitScatter) -> float:
    """Kish's design effect of requests: the largest over the longer blocks that chance does not explain."""
    long = (each for each in split.sizes if SHORT_BLOCK <= each.size <= LONG_BLOCK and each.blocks >= LEAST_BLOCKS)
    return max((each.mean for each in long if each.exceeds(CHANCE_QUANTILE)), default=1.0)
