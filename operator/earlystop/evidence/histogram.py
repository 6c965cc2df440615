"""The sum of squares that a histogram allows: for servers that export buckets and a sum, but no squares.

Bucket k holds counts[k] values between edges[k] and edges[k + 1]. Among all values with these counts and this sum
the sum of squares is largest when they sit on the edges of their buckets, the upper ones first in the top
buckets: moving a unit of the sum from a lower bucket to a higher one never lowers it, as squares are convex.
The bound is reached (one value may stay between edges), so it is sharp up to that value. An upper bound of the
squares keeps the exact token test (`empirical_bernstein`) valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def sum_of_squares_upper(counts: Sequence[int], edges: Sequence[float], total: float) -> float:
    """Largest possible sum of squares.

    counts: values a bucket, >= 0, shape (K,); edges: shape (K + 1,), 0 <= increasing, finite (write the largest
    possible value as the last one, not infinity); total: the exact sum. Raises ValueError when shapes or order are
    wrong or no values could have these counts and this sum.
    """
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{len(counts)} buckets with {len(edges)} edges; write one edge more than buckets")
    if not all(low < high for low, high in pairwise(edges)) or edges[0] < 0:
        raise ValueError(f"edges {list(edges)} do not increase from 0 or more; write bucket limits in order")
    if edges[-1] == float("inf"):
        raise ValueError("the last edge is infinite; write the largest possible value, as in max_tokens")
    if min(counts, default=0) < 0:
        raise ValueError(f"counts {list(counts)} hold a negative one; write values a bucket, 0 or more")
    buckets = list(zip(counts, edges[:-1], edges[1:], strict=True))
    smallest = sum(count * low for count, low, _ in buckets)
    largest = sum(count * high for count, _, high in buckets)
    if not smallest <= total <= largest:
        raise ValueError(f"sum {total} is outside {smallest}..{largest}, which these buckets allow")
    squares = float(sum(count * low * low for count, low, _ in buckets))
    rest = total - smallest
    for count, low, high in reversed(buckets):
        poured = min(rest, count * (high - low))
        squares += poured * (low + high)
        rest -= poured
    return squares
