"""Output tokens as streets have them: the true saving is the one asked for, so each claim is an error."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence import tokens
from earlystop.evidence.tokens import Lengths

ANSWERS, LOOKS, SAVING, RISK = 100, 200, 0.10, 0.05

Draw = Callable[[np.random.Generator, int, float], NDArray[np.float64]]
"""Lengths of the answers of an arm in a look: generator, look, and the share of the baseline's tokens that it uses."""


def _spread(mean: Callable[[int], float]) -> Draw:
    shape = 1 / 0.8**2
    return lambda rng, look, part: rng.gamma(shape, mean(look) * part / shape, ANSWERS)


def _sessions(length: int) -> Draw:
    """Sessions whose answers share a factor, with a likeness of about a half."""

    def draw(rng: np.random.Generator, look: int, part: float) -> NDArray[np.float64]:
        shared = np.repeat(rng.gamma(2.0, 0.5, ANSWERS // length), length)
        return np.asarray(600 * part * shared * rng.gamma(2.5, 1 / 2.5, ANSWERS))

    return draw


def _log_normal(sigma: float) -> Draw:
    return lambda rng, look, part: 600 * part * np.exp(sigma * rng.standard_normal(ANSWERS) - sigma * sigma / 2)


KINDS: dict[str, Draw] = {
    "independent, CV 0.8": _spread(lambda look: 600),
    "sessions of 5": _sessions(5),
    "sessions of 10": _sessions(10),
    "from 100 to 2,000 tokens at look 50": _spread(lambda look: 100 if look < 50 else 2000),
    "20 looks of 200, 20 of 1,500 tokens": _spread(lambda look: 1500 if look // 20 % 2 else 200),
    "log-normal, sigma 2": _log_normal(2.0),
    "Pareto 2.1": lambda rng, look, part: 600 * part * 1.1 / 2.1 * (1 + rng.pareto(2.1, ANSWERS)),
    "Pareto 1.5, cut off at 32,768 tokens": lambda rng, look, part: (
        part * np.minimum(200 * (1 + rng.pareto(1.5, ANSWERS)), 32_768)
    ),
}


def false_savings(kind: str, runs: int, seed: int) -> float:
    """Share of campaigns in which the saving is claimed."""
    draw, wrong = KINDS[kind], 0
    for run in range(runs):
        rng, process = np.random.default_rng([seed, run]), tokens.start(SAVING)
        for look in range(LOOKS):
            arms = (_lengths(draw(rng, look, 1.0)), _lengths(draw(rng, look, 1 - SAVING)))
            process = tokens.update(process, *arms, 50)
        wrong += process.log_e_max >= -log(RISK)
    return wrong / runs


def _lengths(drawn: NDArray[np.float64]) -> Lengths:
    whole = np.rint(drawn).astype(np.int64)
    return Lengths(ANSWERS, int(whole.sum()), int((whole * whole).sum()))
