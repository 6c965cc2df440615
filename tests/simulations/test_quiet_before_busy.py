"""What quiet looks with single requests teach is not believed of looks with a hundred times as many in sessions."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence.bets import Side
from tests.bench.dispersion_paths import Counts, claims, divided

RUNS, LOOKS, QUIET, RATE, MARGIN, RISK = 200, 200, 130, 0.85, 0.02, 0.05
ANSWERS, TIMES, LIKENESS = 20, 100, 0.3
MOST = 18
"""A risk of 5 % makes more of 200 campaigns go wrong once in 170 times."""


def right(rng: np.random.Generator, rate: float, size: int) -> np.ndarray:
    """Right answers of a variant in each look: of single requests, then of sessions of so many within a look."""
    strength = 1 / LIKENESS - 1
    quiet = rng.binomial(ANSWERS, rate, (RUNS, QUIET))
    of_sessions = rng.beta(rate * strength, (1 - rate) * strength, (RUNS, LOOKS - QUIET, ANSWERS * TIMES // size))
    return np.concatenate([quiet, rng.binomial(size, of_sessions).sum(axis=-1)], axis=1).astype(float)


def at_the_border(size: int) -> Counts:
    """Campaigns whose candidate loses just the margin."""
    rng = np.random.default_rng(1)
    answers = np.full((RUNS, LOOKS), float(ANSWERS))
    answers[:, QUIET:] *= TIMES
    baseline, candidate = right(rng, RATE, size), right(rng, RATE - MARGIN, size)
    grouped = np.where(np.arange(LOOKS) < QUIET, 1, size)
    started = grouped * rng.binomial((2 * answers[0] / grouped).astype(int), 0.5, (RUNS, LOOKS)).astype(float)
    return Counts(answers, baseline, answers, candidate, 2 * answers - started, started)


@pytest.mark.parametrize("size", [10, 50])
def test_no_more_verdicts_go_wrong_than_the_risk_allows_when_a_hundred_times_as_many_begin_to_ask(size: int) -> None:
    counts = at_the_border(size)
    found = claims(counts, divided(counts), MARGIN, RISK)
    assert all((found[side] > 0).sum() <= MOST for side in Side)
