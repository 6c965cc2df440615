"""A floor at the border: the candidate's Exact Match is the floor on average, so each claim against it is an error.

Both variants are alike, and what moves their level moves both: nothing of it shows in what they differ by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import log, pi, sin

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import ClassAnswers, Look
from earlystop.evidence import engine
from earlystop.evidence.discount import said
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import FLOOR, ClassMargin, Objective
from earlystop.evidence.version import CURRENT
from tests.bench.street_strange import MARGIN, RATE, RISK, SIZE, Whole, tally

LOOKS = 300
HARD_RATES = np.array([0.97, 0.55])
MIXED = float(HARD_RATES.mean())
ASSUMED = Objective(MARGIN, 0.0, RISK, RISK)
LEARNED = replace(ASSUMED, source=DispersionSource.LOOKS)
CLASSES = (ClassMargin("easy", 0.2), ClassMargin("hard", 0.2))


@dataclass(frozen=True, slots=True)
class Level:
    """A kind of traffic. objective: without its floor, which is the mean rate; looks: of one campaign."""

    objective: Objective
    rate: float
    looks: Callable[[np.random.Generator], Iterator[Look]]


def _wobbling(points: float, likeness: float, rate: float = RATE) -> Callable[[np.random.Generator], Iterator[Look]]:
    """A level that wobbles by so much for both variants alike, with this autocorrelation from look to look."""

    def looks(rng: np.random.Generator) -> Iterator[Look]:
        level = rng.normal()
        for at in range(1, LOOKS + 1):
            n = rng.multinomial(SIZE, (0.5, 0.5))
            yield _look(at, n, rng.binomial(n, np.clip(rate + points * level, 0.01, 0.99)))
            level = likeness * level + np.sqrt(1 - likeness**2) * rng.normal()

    return looks


def _independent(rate: float) -> Callable[[np.random.Generator], Iterator[Look]]:
    def looks(rng: np.random.Generator) -> Iterator[Look]:
        for at in range(1, LOOKS + 1):
            n = rng.multinomial(SIZE, (0.5, 0.5))
            yield _look(at, n, rng.binomial(n, rate))

    return looks


def _sessions(spans: int) -> Callable[[np.random.Generator], Iterator[Look]]:
    """Sessions that stay with a variant and with easy or with hard questions, which are named as query classes: inside
    a class answers are independent, and over all classes they are not."""

    def looks(rng: np.random.Generator) -> Iterator[Look]:
        left, arm, hard = rng.integers(1, spans + 1, SIZE), rng.integers(0, 2, SIZE), rng.integers(0, 2, SIZE)
        for at in range(1, LOOKS + 1):
            over = left == 0
            left[over] = spans
            arm[over], hard[over] = rng.integers(0, 2, (2, int(over.sum())))
            right = rng.random(SIZE) < HARD_RATES[hard]
            yield _in_classes(at, arm, hard, right)
            left -= 1

    return looks


def _waves(period: int) -> Callable[[np.random.Generator], Iterator[Look]]:
    """The share of hard questions moves between none and all of them, in waves of so many looks."""

    def looks(rng: np.random.Generator) -> Iterator[Look]:
        begins = rng.random()
        for at in range(1, LOOKS + 1):
            share = (1 + sin(2 * pi * (at / period + begins))) / 2
            hard, arm = (rng.random(SIZE) < share).astype(np.int64), rng.integers(0, 2, SIZE)
            yield _in_classes(at, arm, hard, rng.random(SIZE) < HARD_RATES[hard])

    return looks


def _look(at: int, n: Whole, right: Whole, classes: tuple[ClassAnswers, ...] = ()) -> Look:
    baseline, candidate = (tally(int(n[k]), int(right[k])) for k in (0, 1))
    return Look(15 * at, 0, 50, baseline, candidate, classes)


def _in_classes(at: int, arm: Whole, hard: Whole, right: NDArray[np.bool_]) -> Look:
    cells = np.zeros((2, 2, 2), dtype=np.int64)
    np.add.at(cells, (hard, arm, (~right).astype(np.int64)), 1)
    by_arm = cells.sum(axis=0)
    return _look(at, by_arm.sum(axis=1), by_arm[:, 0], tuple(ClassAnswers(*each.ravel().tolist()) for each in cells))


_EVERY: Mapping[str, Level] = {
    **{
        f"floor, independent answers at {rate}": Level(ASSUMED, rate, _independent(rate)) for rate in (0.02, RATE, 0.99)
    },
    "floor, a level that wobbles by 2 points for both, learned": Level(LEARNED, RATE, _wobbling(0.02, 0.9)),
    "floor, sessions of 10 looks of one query class each": Level(
        replace(LEARNED, classes=CLASSES), MIXED, _sessions(10)
    ),
    "floor, query classes whose mix moves in waves of 10 looks": Level(
        replace(LEARNED, classes=CLASSES), MIXED, _waves(10)
    ),
    "floor, a level that wobbles by 2 points for both, independent answers": Level(ASSUMED, RATE, _wobbling(0.02, 0.9)),
    "floor, a level that wobbles by 5 points for both, learned": Level(LEARNED, RATE, _wobbling(0.05, 0.9)),
    "floor, query classes whose mix moves in waves of 40 looks": Level(
        replace(LEARNED, classes=CLASSES), MIXED, _waves(40)
    ),
}
"""Each in its place, which says what stream of random numbers it has."""

_NOT_PROMISED = (
    "floor, a level that wobbles by 2 points for both, independent answers",
    "floor, query classes whose mix moves in waves of 40 looks",
)
KINDS = {kind: level for kind, level in _EVERY.items() if kind not in _NOT_PROMISED}
BEYOND = {kind: _EVERY[kind] for kind in _NOT_PROMISED}
"""The level of the requests so far is below the floor then, before anything can teach that it comes back; and a policy
that calls its answers independent is believed until looks show more."""


def errors(kind: str, runs: int, seed: int, version: int = CURRENT) -> tuple[float, float]:
    """Share of campaigns that claim, wrongly, that the candidate is below the floor; none is about a promotion.
    version: of the engine."""
    level, number = _EVERY[kind], list(_EVERY).index(kind)
    objective, wrong = replace(level.objective, floor=level.rate, engine=version), 0
    line = -log(objective.harm_risks.guardrails[FLOOR])
    for run in range(runs):
        state = engine.begin(objective)
        for look in level.looks(np.random.default_rng([seed, number, run])):
            state = engine.update(state, look)
            below = state.guardrails.floor
            if below is not None and said(below) >= line:
                wrong += 1
                break
    return 0.0, wrong / runs
