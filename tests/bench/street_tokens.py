"""Output tokens as streets have them: the true saving is the one asked for, so each claim is an error."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence import tokens
from earlystop.evidence.tokens import Lengths
from earlystop.evidence.version import CURRENT

ANSWERS, LOOKS, SAVING, RISK = 200, 200, 0.10, 0.05
"""Answers of both arms in a look."""

Draw = Callable[[np.random.Generator, int, float, int], NDArray[np.float64]]
"""Lengths of the answers of an arm in a look: generator, look, the share of the baseline's tokens that it uses, and how
many there are."""


def _spread(mean: Callable[[int], float]) -> Draw:
    shape = 1 / 0.8**2
    return lambda rng, look, part, count: rng.gamma(shape, mean(look) * part / shape, count)


def _sessions(length: int) -> Draw:
    """Sessions whose answers share a factor, with a likeness of about a half."""

    def draw(rng: np.random.Generator, look: int, part: float, count: int) -> NDArray[np.float64]:
        shared = np.repeat(rng.gamma(2.0, 0.5, count // length), length)
        return np.asarray(600 * part * shared * rng.gamma(2.5, 1 / 2.5, count))

    return draw


def _log_normal(sigma: float) -> Draw:
    return lambda rng, look, part, count: 600 * part * np.exp(sigma * rng.standard_normal(count) - sigma * sigma / 2)


def _pareto(tail: float) -> Draw:
    return lambda rng, look, part, count: 600 * part * (tail - 1) / tail * (1 + rng.pareto(tail, count))


def _endless_of_both(part_of_answers: float, most: int) -> Draw:
    """Both arms give some answers that end at a limit, the candidate fewer by as much as it saves."""
    others = _spread(lambda look: 600)

    def draw(rng: np.random.Generator, look: int, part: float, count: int) -> NDArray[np.float64]:
        usual = others(rng, look, part, count)
        return np.where(rng.random(count) < part * part_of_answers, most, usual)

    return draw


KINDS: dict[str, Draw] = {
    "independent, CV 0.8": _spread(lambda look: 600),
    "sessions of 5": _sessions(5),
    "sessions of 10": _sessions(10),
    "from 100 to 2,000 tokens at look 50": _spread(lambda look: 100 if look < 50 else 2000),
    "20 looks of 200, 20 of 1,500 tokens": _spread(lambda look: 1500 if look // 20 % 2 else 200),
    "log-normal, sigma 2": _log_normal(2.0),
    "Pareto 2.1": _pareto(2.1),
    "Pareto 1.5, cut off at 32,768 tokens": lambda rng, look, part, count: (
        part * np.minimum(200 * (1 + rng.pareto(1.5, count)), 32_768)
    ),
    "log-normal, sigma 1": _log_normal(1.0),
    "log-normal, sigma 1.5": _log_normal(1.5),
    "log-normal, sigma 2.5": _log_normal(2.5),
    "Pareto 1.8": _pareto(1.8),
    "Pareto 1.5": _pareto(1.5),
    "Pareto 1.3": _pareto(1.3),
    "one in 333 of both ends at 32,768 tokens": _endless_of_both(1 / 333, 32_768),
    "one in 1,000 of both ends at 131,072 tokens": _endless_of_both(1 / 1000, 131_072),
}


def _endless(part_of_answers: float, most: int) -> Draw:
    """Answers of 600 tokens on average; the candidate cuts its own shorter, but for those that end at a limit."""

    def draw(rng: np.random.Generator, look: int, part: float, count: int) -> NDArray[np.float64]:
        shape = 1 / 0.8**2
        if part == 1.0:
            return rng.gamma(shape, 600 / shape, count)
        others = (600 * part - part_of_answers * most) / (1 - part_of_answers)
        is_endless = rng.random(count) < part_of_answers
        return np.where(is_endless, most, rng.gamma(shape, others / shape, count))

    return draw


BEYOND: dict[str, Draw] = {
    f"one answer in {often:,} of the candidate ends at {most:,} tokens": _endless(1 / often, most)
    for often, most in ((100, 32_768), (1000, 32_768), (100, 8192))
}
"""Nothing tells that such an answer will come; operator/docs/verdicts.md says what that costs."""

WEIGHTS = 50, 10
"""Percent of the answers that are the candidate's."""


def false_savings(kind: str, runs: int, seed: int, weight: int = 50, version: int = CURRENT) -> float:
    """Share of campaigns in which the saving is claimed. version: of the engine."""
    draw, wrong = {**KINDS, **BEYOND}[kind], 0
    of_candidate = ANSWERS * weight // 100
    for run in range(runs):
        rng, process = np.random.default_rng([seed, run]), tokens.start(SAVING, version)
        for look in range(LOOKS):
            baseline, candidate = (
                draw(rng, look, 1.0, ANSWERS - of_candidate),
                draw(rng, look, 1 - SAVING, of_candidate),
            )
            process = tokens.update(process, _lengths(baseline), _lengths(candidate), weight)
        wrong += process.log_e_max >= -log(RISK)
    return wrong / runs


def _lengths(drawn: NDArray[np.float64]) -> Lengths:
    whole = np.rint(drawn).astype(np.int64)
    return Lengths(len(whole), int(whole.sum()), sum(each * each for each in whole.tolist()))
