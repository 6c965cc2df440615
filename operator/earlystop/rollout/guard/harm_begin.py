"""When harm may have begun: at once, or little by little until now.

A harm that grows over hours is whole at no moment. Taken for a sudden one it would seem to have begun in its middle,
long after what caused it. So every moment is tried both ways, on the same counts: the difference between both variants
is constant before it, and since then another constant, or a straight line (weighted least squares, and the likelihood
ratio of normal errors; Hinkley, Biometrika 57(1), 1970, and Biometrika 58(3), 1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """How much worse than the baseline the promoted setting was for a while.

    begin, end: Unix seconds. harm: the difference of rates, where more is worse. weight: 1 / its variance, > 0.
    """

    begin: int
    end: int
    harm: float
    weight: float


class Begin(NamedTuple):
    """A way in which harm may have begun. first: number of the first point after it. gradual: whether it has grown ever
    since. support: natural log of the likelihood ratio for it, 0 where nothing speaks for harm."""

    first: int
    gradual: bool
    support: float


def ways(points: Sequence[Point], steady: Sequence[Point]) -> list[Begin]:
    """Every way in which harm may have begun at the beginning of one of the points, which are in order. steady: of the
    time before all of them, in which there was no harm."""
    every = [*steady, *points]
    return [
        Begin(first, gradual, _support(every, [shape(each, points[first].begin, points, gradual) for each in every]))
        for first in range(len(points))
        for gradual in (False, True)
    ]


def shape(point: Point, begin: int, points: Sequence[Point], gradual: bool) -> float:
    """The part of today's harm that there is within a point on average, when it began at this moment: 0 before."""
    now = points[-1].end
    if point.end <= begin:
        return 0.0
    if not gradual or now <= begin:
        return 1.0
    return max(0.0, (point.begin + point.end) / 2 - begin) / (now - begin)


def size_of(points: Sequence[Point], shapes: Sequence[float]) -> float:
    """How much harm of this shape there is now, by weighted least squares; 0 where all points have the same part."""
    both, spread = _moments(points, shapes)
    return both / spread if spread > 0 else 0.0


def _support(points: Sequence[Point], shapes: Sequence[float]) -> float:
    """The log of the likelihood ratio of harm of this shape against none; 0 where less harm than before fits better."""
    both, spread = _moments(points, shapes)
    return both**2 / spread / 2 if both > 0 and spread > 0 else 0.0


def _moments(points: Sequence[Point], shapes: Sequence[float]) -> tuple[float, float]:
    """The weighted sum of products of shape and harm, and that of squares of the shape, each less its mean."""
    whole = sum(each.weight for each in points)
    mean_harm = sum(each.weight * each.harm for each in points) / whole
    mean_shape = sum(each.weight * part for each, part in zip(points, shapes, strict=True)) / whole
    both = spread = 0.0
    for each, part in zip(points, shapes, strict=True):
        both += each.weight * (part - mean_shape) * (each.harm - mean_harm)
        spread += each.weight * (part - mean_shape) ** 2
    return both, spread
