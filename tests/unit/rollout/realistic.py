"""Looks as a busy service gives them: requests come at random, lengths are skewed, a few fail."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.rollout.look_spacing import spacing
from tests.unit.rollout.policies import NOW

EXACTLY_DRAWN = 20_000
THIRTY_DAYS = 30 * 86_400


@lru_cache(maxsize=8)
def realistic_looks(
    count: int, requests_a_second: float, look_seconds: int = 15, seed: int = 7, classes: int = 0
) -> tuple[Look, ...]:
    """So many looks at half of the traffic; the candidate's answers are a third shorter. Answers fall into the query
    classes in equal shares, one share more for all others."""
    rng = np.random.default_rng(seed)
    looks, at = [], NOW
    for number in range(count):
        seconds = spacing(look_seconds, number, classes)
        at += seconds
        baseline, candidate = (_tally(rng, requests_a_second * seconds / 2, mean) for mean in (600, 400))
        dealt = zip(_dealt(rng, baseline, classes), _dealt(rng, candidate, classes), strict=True)
        looks.append(Look(at, 2, 50, baseline, candidate, tuple(ClassAnswers(*b, *c) for b, c in dealt)))
    return tuple(looks)


def looks_in(seconds: int, classes: int = 0, look_seconds: int = 15) -> int:
    """How many looks there are in so much time."""
    passed = looks = 0
    while passed < seconds:
        passed, looks = passed + spacing(look_seconds, looks, classes), looks + 1
    return looks


def _dealt(rng: np.random.Generator, tally: Tally, classes: int) -> list[tuple[int, int]]:
    """Matches and mismatches of each class, dealt at random."""
    shares = [1 / (classes + 1)] * (classes + 1)
    matches, mismatches = (rng.multinomial(count, shares) for count in (tally.match, tally.mismatch))
    return [(int(match), int(mismatch)) for match, mismatch in zip(matches, mismatches, strict=True)][:classes]


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
