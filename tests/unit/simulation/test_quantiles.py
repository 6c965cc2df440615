"""Quantiles are those of NumPy, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.simulation.quantiles import interpolated_quantile


def test_quantiles_of_any_number_of_values_are_numpys_to_the_last_digit() -> None:
    rng = np.random.default_rng(1)
    for size in (1, 2, 3, 10, 11, 400, 2000):
        values = rng.lognormal(3, 2, size)
        for part in (0.0, 0.1, 0.5, 0.9, 1.0):
            assert interpolated_quantile(values.tolist(), part) == float(np.quantile(values, part)), (size, part)


def test_of_no_values_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="no value"):
        interpolated_quantile([], 0.9)
