"""An adversary who proposes nothing but settings that lose the margin: how often is any of them certified?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import PROMOTE_GRID
from tests.bench.statistics_paths import constant, first_claims

Array = NDArray[np.float64]
MARGIN, RATE, LOOK = 0.02, 0.8, 1000
LIKELY, FEW_LOOKS = 1e-5, 4
"""A trial at a smaller risk is hardly ever certified by chance, so it is given a few looks alone."""
BATCH = 20_000
"""Trials that are simulated at once."""


def levels_of(risk: float, proposers: int, each: int) -> Array:
    """Risks of trials that all fail, `each` of every proposer in turn (`rollout.search.external`)."""
    place, failed = np.arange(proposers), np.arange(each)
    shares = risk / ((place + 1) * (place + 2))
    return np.asarray((shares[None, :] / ((failed + 1) * (failed + 2))[:, None]).ravel())


def runs_that_certify(rng: np.random.Generator, runs: int, levels: Array, looks: int) -> int:
    """Runs in which any of the trials is certified. levels: risk of each trial of a run. looks: of a trial.

    Every setting loses exactly the margin, the least that violates it; what loses more is certified less often.
    """
    likely = _any_certified(rng, runs, levels[levels >= LIKELY], looks)
    others = _any_certified(rng, runs, levels[levels < LIKELY], FEW_LOOKS)
    return int((likely | others).sum())


def _any_certified(rng: np.random.Generator, runs: int, levels: Array, looks: int) -> NDArray[np.bool_]:
    trials = np.tile(levels, runs)
    certified = np.zeros(len(trials), dtype=bool)
    for begin in range(0, len(trials), BATCH):
        risks = trials[begin : begin + BATCH]
        stream = constant(rng, len(risks), looks, LOOK, 0.5, RATE, -MARGIN)
        claimed = first_claims(stream, MARGIN, Side.PROMOTE, PROMOTE_GRID, risks)
        certified[begin : begin + BATCH] = claimed < looks
    return np.asarray(certified.reshape(runs, len(levels)).any(axis=1))
