"""Regret: mean requests over the fixed-sample optimum, for every gap, rate, split and side, against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import default_grid
from earlystop.simulation.planning import Question, fixed_sample_size
from tests.bench.statistics_paths import constant, dealt, first_claims
from tests.bench.statistics_rivals import REFERENCE_GRID

MARGIN, SIZE = 0.02, 200
GAPS = tuple(2.0 ** (k / 2) for k in (-3, -2, -1, 0, 1, 2, 4, 6, 8))
RATES = (0.5, 0.85, 0.97)
HORIZONS = {0.5: 1000, 0.1: 2000}
"""Candidate's share -> looks of `SIZE` requests."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario. gap: in margins; ours, reference: mean requests over N*; error: standard error of `ours`;

    excess: mean requests of ours over those of the reference; excess_error: its standard error (same streams);
    power: share of runs of ours with a verdict within the horizon.
    """

    side: Side
    share: float
    rate: float
    gap: float
    ours: float
    reference: float
    error: float
    excess: float
    excess_error: float
    power: float


def cells(runs: int, seed: int) -> Iterator[Cell]:
    """Every scenario that rates allow."""
    for number, (side, share, rate, gap) in enumerate(product(Side, HORIZONS, RATES, GAPS)):
        effect = side * gap * MARGIN - MARGIN
        if 0 <= rate + effect <= 1:
            yield cell(np.random.default_rng([seed, number]), runs, side, share, rate, gap)


def cell(rng: np.random.Generator, runs: int, side: Side, share: float, rate: float, gap: float) -> Cell:
    """One scenario; looks beyond ten times N* are not drawn, as no run gets there. The reference takes whole looks."""
    effect = side * gap * MARGIN - MARGIN
    optimum = fixed_sample_size(Question(rate, effect, MARGIN, side=side), share)
    looks = min(HORIZONS[share], int(np.ceil(10 * optimum / SIZE)) + 20)
    stream = constant(rng, runs, looks, SIZE, share, rate, effect)
    claimed = first_claims(stream, MARGIN, side, default_grid(side), deal=dealt(rng))
    own = np.minimum(claimed + 1, looks) * SIZE
    reference = np.minimum(first_claims(stream, MARGIN, side, REFERENCE_GRID) + 1, looks) * SIZE
    mean = reference.mean()
    difference = own - own.mean() / mean * reference  # spread of the ratio of means, runs paired
    return Cell(
        side,
        share,
        rate,
        gap,
        float(own.mean() / optimum),
        float(mean / optimum),
        float(own.std() / optimum / np.sqrt(runs)),
        float(own.mean() / mean),
        float(difference.std() / mean / np.sqrt(runs)),
        float((claimed < looks).mean()),
    )
