"""Seeded traffic for the tests: looks of a comparison, drawn with numpy, and what chance allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb, sqrt

import numpy as np
from hypothesis import settings

from earlystop.evidence.exact_match import Answers
from earlystop.evidence.tokens import Lengths

Path = Callable[[float], float]
RAMP = (5, 10, 25, 50)

examples = settings(max_examples=80, deadline=None, derandomize=True, database=None)


def at_most(risk: float, runs: int) -> float:
    """A share of false claims that chance exceeds in about one case of 700 when the true share is `risk`."""
    return risk + 3 * sqrt(risk * (1 - risk) / runs)


def binomial(count: int, trials: int, rate: float) -> float:
    """Probability of `count` successes in `trials`."""
    return comb(trials, count) * rate**count * (1 - rate) ** (trials - count)


def weight_at(moment: float, weights: tuple[int, ...]) -> int:
    """The step's weight at `moment` in [0, 1): the steps share the time evenly."""
    return weights[int(moment * len(weights))]


def scored_answers(
    rng: np.random.Generator, looks: int, size: int, weights: tuple[int, ...], baseline: Path, effect: float
) -> Iterator[tuple[Answers, Answers]]:
    """`looks` looks of `size` requests; EM of the baseline follows a path over [0, 1)."""
    for look in range(looks):
        moment = look / looks
        n_c = int(rng.binomial(size, weight_at(moment, weights) / 100))
        n_b = size - n_c
        rate = baseline(moment)
        yield (
            Answers(n_b, int(rng.binomial(n_b, rate))),
            Answers(n_c, int(rng.binomial(n_c, rate + effect))),
        )


def lengths(rng: np.random.Generator, answers: int, mean: float, variation: float = 0.8) -> Lengths:
    """Gamma distributed output lengths with that mean and coefficient of variation, in whole tokens."""
    shape = 1 / variation**2
    tokens = np.rint(rng.gamma(shape, mean / shape, answers)).astype(np.int64)
    return Lengths(answers, int(tokens.sum()), int((tokens * tokens).sum()))
