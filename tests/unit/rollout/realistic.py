"""Looks as a busy service gives them: requests come at random, lengths are skewed, a few fail."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from earlystop.api.counts import Look, Tally
from earlystop.rollout.grid import spacing
from tests.unit.rollout.policies import NOW

EXACTLY_DRAWN = 20_000


@lru_cache(maxsize=8)
def realistic_looks(count: int, requests_a_second: float, look_seconds: int = 15, seed: int = 7) -> tuple[Look, ...]:
    """So many looks at half of the traffic; the candidate's answers are a third shorter."""
    rng = np.random.default_rng(seed)
    looks, at = [], NOW
    for number in range(count):
        seconds = spacing(look_seconds, number)
        at += seconds
        baseline, candidate = (_tally(rng, requests_a_second * seconds / 2, mean) for mean in (600, 400))
        looks.append(Look(at, 2, 50, baseline, candidate))
    return tuple(looks)


def _tally(rng: np.random.Generator, expected: float, mean: float) -> Tally:
    started = int(rng.poisson(expected))
    ended = max(0, started + int(rng.integers(-3, 4)))
    failed = int(rng.binomial(ended, 0.01))
    completed = ended - failed
    unscored = int(rng.binomial(completed, 0.02))
    match = int(rng.binomial(completed - unscored, 0.85))
    drawn = min(completed, EXACTLY_DRAWN)
    lengths = np.rint(rng.gamma(1.5, mean / 1.5, drawn))
    # Far more answers than can be drawn one by one vary as much less as their number says.
    share = completed / drawn if drawn else 0.0
    tokens = int(lengths.sum() * share + rng.normal() * mean * share)
    squared = int((lengths**2).sum() * share + rng.normal() * mean * mean * share)
    return Tally(started, completed, failed, match, completed - unscored - match, unscored, tokens, squared)
