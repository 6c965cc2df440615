"""Where nearly all answers are right, sessions that go wrong as a whole make verdicts no bolder than the risk."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence.bets import Side
from tests.bench.dispersion_paths import Counts, claims, divided

RUNS, LOOKS, MARGIN, RISK = 300, 300, 0.02, 0.05
SESSIONS, ALIKE = 10, 10
"""Sessions of a variant in a look, and answers of each, which are all right or all wrong."""
MOST = 26
"""A risk of 5 % makes more of 300 campaigns go wrong once in 390 times."""


def at_the_border(rate: float) -> Counts:
    """Campaigns whose candidate loses just the margin. rate: the baseline's Exact Match."""
    rng = np.random.default_rng(5)
    shape, answers = (RUNS, LOOKS), np.full((RUNS, LOOKS), float(SESSIONS * ALIKE))
    baseline, candidate = (
        float(ALIKE) * rng.binomial(SESSIONS, each, shape).astype(float) for each in (rate, rate - MARGIN)
    )
    started = float(ALIKE) * rng.binomial(2 * SESSIONS, 0.5, shape).astype(float)
    return Counts(answers, baseline, answers, candidate, started, 2 * answers - started)


@pytest.mark.parametrize("rate", [0.9, 0.97, 0.99])
def test_rare_mistakes_of_whole_sessions_are_not_taken_for_as_many_independent_ones(rate: float) -> None:
    counts = at_the_border(rate)
    found = claims(counts, divided(counts), MARGIN, RISK)
    assert all((found[side] > 0).sum() <= MOST for side in Side)
