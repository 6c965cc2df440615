"""Clients that ask again when an answer was wrong: a fifth of the questions are hard, and the retries are hard ones.

A candidate loses on hard questions alone, and just the margin over all requests, retries among them.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import default_grid
from tests.bench.statistics_paths import Stream, first_claims
from tests.bench.statistics_rivals import RISK

MARGIN, REQUESTS, LOOKS = 0.02, 200, 300
HARD, RATE_EASY, RATE_HARD = 0.2, 0.95, 0.45


class Retried(StrEnum):
    """Who answers a question that is asked again."""

    DRAWN = "drawn anew"
    OTHER = "by the other variant"
    SAME = "by the same variant"


def streams(rng: np.random.Generator, runs: int, by: Retried, part: float) -> Stream:
    """Looks of so many campaigns. part: of the wrong answers to hard questions, asked again in the next look."""
    columns, again = [], np.zeros((2, runs), dtype=np.int64)
    loss = MARGIN / _hard_share(part)
    for _ in range(LOOKS):
        hard = rng.binomial(REQUESTS, HARD, runs)
        hard_c, easy_c = rng.binomial(hard, 0.5), rng.binomial(REQUESTS - hard, 0.5)
        hard_by = np.array([hard - hard_c, hard_c]) + again
        easy_by = np.array([REQUESTS - hard - easy_c, easy_c])
        right = rng.binomial(hard_by, np.array([[RATE_HARD], [RATE_HARD - loss]]))
        match = right + rng.binomial(easy_by, RATE_EASY)
        columns.append((hard_by + easy_by, match))
        again = rng.binomial(hard_by - right, part)
        if by is Retried.OTHER:
            again = again[::-1]
        elif by is Retried.DRAWN:
            candidate = rng.binomial(again.sum(axis=0), 0.5)
            again = np.array([again.sum(axis=0) - candidate, candidate])
    n, x = (np.array([each[k] for each in columns], dtype=float).transpose(1, 2, 0)[..., None] for k in (0, 1))
    return Stream(n[0], x[0], n[1], x[1])


def _hard_share(part: float) -> float:
    """Of all requests in the long run, where both variants are wrong about as often on hard questions."""
    share = HARD
    for _ in range(50):
        wrong = 1 - RATE_HARD + MARGIN / share / 2
        hard = HARD / (1 - part * wrong)
        share = hard / (1 - HARD + hard)
    return share


def errors(by: Retried, part: float, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that are promoted, and rolled back, for Exact Match."""
    stream = streams(np.random.default_rng([seed, int(100 * part)]), runs, by, part)
    claimed = {side: first_claims(stream, MARGIN, side, default_grid(side), RISK) < LOOKS for side in Side}
    return float(claimed[Side.PROMOTE].mean()), float(claimed[Side.HARM].mean())
