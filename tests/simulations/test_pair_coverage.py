"""Pairs in hundreds of runs: the difference lies inside at all looks at once."""

from __future__ import annotations

import numpy as np

from earlystop.api.counts import Pairs
from earlystop.evidence import pairs
from tests.unit.evidence.simulate import at_most, draw_pairs


def test_the_interval_covers_the_difference_at_every_look_at_once() -> None:
    rng, runs, missed = np.random.default_rng(4), 120, 0
    for _ in range(runs):
        total, inside = Pairs(), True
        for look in draw_pairs(rng, 25, 200, 0.08, 0.01):
            total = total.plus(look)
            shown = pairs.interval(total)
            assert shown.low is not None and shown.high is not None and shown.estimate is not None
            assert shown.low <= shown.estimate <= shown.high
            inside = inside and shown.low <= 0.01 <= shown.high
        missed += not inside
    assert missed / runs <= at_most(0.05, runs)
