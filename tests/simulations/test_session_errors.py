"""Answers of one session that resemble each other, in hundreds of runs."""

from __future__ import annotations

import numpy as np

from earlystop.evidence import dispersion, exact_match
from earlystop.evidence.bets import Side
from tests.unit.evidence.simulate import at_most, learn_scatter, sessions


def test_sessions_break_the_promise_and_the_learned_factor_restores_it() -> None:
    rng, runs, wrong = np.random.default_rng(17), 150, {"plain": 0, "learned": 0}
    for _ in range(runs):
        learned = dispersion.factor(learn_scatter(sessions(rng, 60, 100, 0.85)))
        assert learned is not None
        looks = list(zip(sessions(rng, 150, 100, 0.85), sessions(rng, 150, 100, 0.83), strict=True))
        for name, factor in (("plain", 1.0), ("learned", learned)):
            process = exact_match.start(0.02, Side.PROMOTE)
            for baseline, candidate in looks:
                process = exact_match.update(process, baseline, candidate, factor)
            wrong[name] += process.log_e_max >= np.log(20)
    assert wrong["plain"] / runs > at_most(0.05, runs)
    assert wrong["learned"] / runs <= at_most(0.05, runs)
