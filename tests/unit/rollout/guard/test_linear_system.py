"""Equations of a guard: solved as numpy solves them, or said to have no solution that means something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.guard.linear_system import solved


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_solution_is_that_of_numpy(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(size, size))
    matrix, right = factor @ factor.T + np.eye(size), random.normal(size=size)
    assert solved(matrix.tolist(), right.tolist()) == pytest.approx(np.linalg.solve(matrix, right).tolist(), abs=1e-9)


@pytest.mark.parametrize("matrix", [[[0.0]], [[-1.0]], [[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]])
def test_a_matrix_that_is_not_positive_definite_has_none(matrix: list[list[float]]) -> None:
    assert solved(matrix, [1.0] * len(matrix)) is None
