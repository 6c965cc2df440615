"""The loss over all requests, where the mix of query classes moved with the weights: pure, over looks.

Evidence weighs a request by what its look says of the difference, which is w (1 - w) at a weight w (`strata`). While
the mix of classes stays, that mean is the mean over all requests. On a ramp on which the mix moves it is another: hard
questions that came at 1 % hardly count beside easy ones at 50 %. Over all requests the difference is, class by class,

    d_requests = d_evidence + T,    T = sum over classes of (part of requests - part of evidence) d_class.

The parts are known from counts of answers. d_class is measured with a variance, so T is, too. The lower bound of the
sum is the interval's lower bound of d_evidence, which holds at all looks, and T less `sqrt(2 log(1 / risk))` standard
errors; a class that has no evidence, but requests, may lose everything. It only ever holds a promotion, so it adds no
error; that the hold is enough is measured (`make bench-street`). From version 3 of the engine on, `verify` recomputes
it with the verdict. It sees the mix of the classes that the policy names, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, sqrt
from typing import NamedTuple

from earlystop.api.counts import Look
from earlystop.evidence import em_claims, missing_answers
from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.objective import Objective

TOLERANCE = 0.1
"""A part of the margin. The parts of a constant mix differ by chance, which moves the bound by far less than this."""


class Shift(NamedTuple):
    """By how much EM candidate minus EM baseline differs over all requests from what the evidence says, and the
    standard error of that, both as fractions."""

    difference: float
    error: float


@dataclass(slots=True)
class _Class:
    """Sums over looks of one query class. requests: answers of both variants. weight: of the evidence. difference,
    squares: sums of weighted differences and of weighted answers' squares, one for each arm. scored, match: by arm."""

    requests: float = 0.0
    weight: float = 0.0
    difference: float = 0.0
    squares: tuple[float, float] = (0.0, 0.0)
    scored: tuple[int, int] = (0, 0)
    match: tuple[int, int] = (0, 0)

    def variance(self) -> float:
        """The variance of the mean difference; that of a fair coin for an arm without answers."""
        rates = [(match + 1) / (scored + 2) for match, scored in zip(self.match, self.scored, strict=True)]
        return sum(s * rate * (1 - rate) for s, rate in zip(self.squares, rates, strict=True)) / self.weight**2


def shift(objective: Objective, looks: Iterable[Look], dispersion: float = 1.0) -> Shift:
    """By how much the mean over all requests of the looks differs from that of their evidence.

    dispersion: by which the variance of answers is larger than that of independent ones, >= 1. Zeros without query
    classes.
    """
    if not objective.classes:
        return Shift(0.0, 0.0)
    classes: dict[str, _Class] = {}
    for look in looks:
        _add(classes, objective, look)
    requests = sum(each.requests for each in classes.values())
    weights = sum(each.weight for each in classes.values())
    difference = variance = 0.0
    for each in classes.values():
        if not each.requests or not weights:
            continue
        more = each.requests / requests - each.weight / weights
        if each.weight:
            difference += more * each.difference / each.weight
            variance += more * more * each.variance()
        else:
            difference -= more
    return Shift(difference, sqrt(dispersion * variance))


def holds_over_requests(objective: Objective, moved: Shift, low: float, discount: Discount = UNDIVIDED) -> bool:
    """Whether a loss of the margin is excluded over all requests too. low: the least EM candidate minus EM baseline
    that the evidence leaves open, -1..1. discount: how evidence on answers is read (`divisors`)."""
    deviations = sqrt(2 * discount.needed(-log(objective.risk_promote)))
    return low + moved.difference - deviations * moved.error >= -(1 + TOLERANCE) * objective.margin


def _add(classes: dict[str, _Class], objective: Objective, look: Look) -> None:
    # 1 - w. The candidate's answers are in proportion to w, so the product of both is the weight w (1 - w).
    rest = 1 - look.share / 100
    judged = missing_answers.as_judged(objective, look)
    for name, (baseline, candidate) in em_claims.by_class(objective, judged).items():
        each = classes.setdefault(name, _Class())
        each.requests += baseline.scored + candidate.scored
        if not baseline.scored or not candidate.scored:
            continue
        ratio = candidate.scored / baseline.scored
        each.weight += rest * candidate.scored
        each.difference += rest * (candidate.match - ratio * baseline.match)
        squares = rest**2 * ratio**2 * baseline.scored, rest**2 * candidate.scored
        each.squares = each.squares[0] + squares[0], each.squares[1] + squares[1]
        each.scored = each.scored[0] + baseline.scored, each.scored[1] + candidate.scored
        each.match = each.match[0] + baseline.match, each.match[1] + candidate.match
