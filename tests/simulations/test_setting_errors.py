"""Equal settings, in hundreds of runs: they are hardly ever called different."""

from __future__ import annotations

import numpy as np

from tests.unit.evidence.simulate import at_most, check_setting


def test_equal_settings_are_called_different_no_more_often_than_the_risk() -> None:
    rng, runs = np.random.default_rng(21), 200
    assert sum(check_setting(rng, 1.0, 60)[1] for _ in range(runs)) / runs <= at_most(0.01, runs)
