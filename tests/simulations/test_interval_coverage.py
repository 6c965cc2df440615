"""Intervals in hundreds of runs: the truth lies inside at all looks at once."""

from __future__ import annotations

import numpy as np

from earlystop.evidence import intervals, tokens
from tests.unit.evidence.simulate import RAMP, at_most, lengths, weight_at


def test_the_true_saving_lies_inside_at_all_looks_of_a_ramp() -> None:
    runs, missed = 150, 0
    rng = np.random.default_rng(32)
    for _ in range(runs):
        process, inside = tokens.start(0.10), True
        for look in range(80):
            weight = weight_at(look / 80, RAMP)
            n_c = int(rng.binomial(200, weight / 100))
            process = tokens.update(process, lengths(rng, 200 - n_c, 600), lengths(rng, n_c, 450), weight)
            shown = intervals.saving(process)
            inside = inside and (shown.low is None or shown.low <= 0.25) and (shown.high or 0) >= 0.25
        missed += not inside
    assert missed / runs <= at_most(intervals.RISK, runs)
