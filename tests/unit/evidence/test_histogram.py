"""The sum of squares from buckets: an upper bound for every set of values, and one that is reached."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evidence.histogram import sum_of_squares_upper
from tests.unit.evidence.simulate import examples

EDGES = [0, 10, 20, 40]


def test_three_buckets_reproduce_the_pinned_bound() -> None:
    assert sum_of_squares_upper([3, 2, 1], EDGES, 60) == 1800


@pytest.mark.slow
@examples
@given(st.lists(st.floats(0, 40, exclude_max=True), max_size=30))
def test_no_values_in_the_buckets_have_a_larger_sum_of_squares(values: list[float]) -> None:
    counts = np.histogram(values, EDGES)[0].tolist()
    total = min(max(sum(values), np.dot(counts, EDGES[:-1])), np.dot(counts, EDGES[1:]))
    assert sum_of_squares_upper(counts, EDGES, total) >= sum(v * v for v in values) - 1e-6


def test_values_on_the_edges_of_their_buckets_reach_the_bound() -> None:
    reached = 0.0
    for low in combinations_with_replacement((0, 10), 3):
        for high in combinations_with_replacement((10, 20), 2):
            if sum(low) + sum(high) == 50:
                reached = max(reached, sum(v * v for v in low + high))
    assert sum_of_squares_upper([3, 2], [0, 10, 20], 50) == reached


@pytest.mark.parametrize(
    ("counts", "edges", "total", "message"),
    [
        ([1], [0, 1, 2], 1, "one edge more"),
        ([1, 1], [0, 2, 1], 1, "in order"),
        ([1], [0, float("inf")], 1, "largest possible value"),
        ([-1], [0, 1], 0, "0 or more"),
        ([1], [0, 5], 6, "outside 0..5"),
    ],
)
def test_histograms_that_cannot_be_are_refused(
    counts: list[int], edges: list[float], total: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sum_of_squares_upper(counts, edges, total)
