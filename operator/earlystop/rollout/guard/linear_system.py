"""Linear equations of a few unknowns, in plain Python: numpy would solve them as well, but a guard needs nothing else
of it, and an operator would keep 14 MiB for it.
"""

from __future__ import annotations

from collections.abc import Sequence


def solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float] | None:
    """x of `matrix x = right` for a symmetric, positive definite matrix; None for one that is not, to the digits of a
    float.

    Gaussian elimination, which is stable without a choice of pivots for such a matrix (Golub, Van Loan, Matrix
    Computations, 4th ed., 2013, section 4.2).
    """
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for index in range(size):
        pivot = rows[index][index]
        if not pivot > 0:
            return None
        for below in rows[index + 1 :]:
            factor = below[index] / pivot
            for column in range(index, size + 1):
                below[column] -= factor * rows[index][column]
    found = [0.0] * size
    for index in reversed(range(size)):
        known = sum(rows[index][column] * found[column] for column in range(index + 1, size))
        found[index] = (rows[index][size] - known) / rows[index][index]
    return found
