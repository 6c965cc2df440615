"""Bounds by bisection: the very ones of the plain rule, by fewer evaluations."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from random import Random

import pytest

from earlystop.api.counts import Pairs
from earlystop.evidence import pairs
from earlystop.evidence.bets import Side
from earlystop.evidence.bisection import bisected

HALVINGS = pairs.BISECTIONS


def plainly(log_e: Callable[[float], float], inside: float, outside: float, threshold: float) -> float:
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if log_e(middle) >= threshold else (middle, outside)
    return outside


def _against(counts: Pairs, side: Side, dispersion: float) -> Callable[[float], float]:
    """The evidence against each difference, with stakes that do not depend on it: as the interval has it."""
    stakes = [pairs.INTERVAL_STAKE * size for size in pairs.GRID.sizes]
    return lambda edge: pairs._mixed(counts, pairs._gains(edge, side, stakes), pairs.GRID, dispersion)


def test_bounds_of_pairs_are_those_of_the_plain_rule_to_the_last_digit() -> None:
    random, differing = Random(4), 0
    for _ in range(400):
        total = round(10 ** random.uniform(0, 5))
        part = random.choice((0.0, 0.003, 0.03, 0.3, 0.9))
        worse, better = (min(total // 2, round(total * part * random.random())) for _ in range(2))
        counts, dispersion = Pairs(0, worse, better, total - worse - better), random.choice((1.0, 1.7))
        risk = random.choice((0.05, 0.0025))
        found = pairs.interval_at(counts, risk, risk, dispersion)
        for side, bound in ((Side.PROMOTE, found.low), (Side.HARM, found.high)):
            log_e, outside = _against(counts, side, dispersion), -float(side)
            is_reached = log_e(outside) >= -log(risk)
            expected = plainly(log_e, (better - worse) / total, outside, -log(risk)) if is_reached else outside
            assert bound == expected
            differing += is_reached
    assert differing > 400


@pytest.mark.parametrize("outside", [1.0, -1.0])
@pytest.mark.parametrize(
    "log_e",
    [
        lambda x: 0.0 if abs(x) < 0.3 else 50.0,
        lambda x: abs(x) ** 9 * 1e6,
        lambda x: min(abs(x) * 1e9, 4.0),
        lambda x: 3.0 if abs(x) == 1.0 else -5.0,
        lambda x: 1e300 * abs(x),
        lambda x: 3.0,
    ],
    ids=["a jump", "late", "soon", "at the very end", "huge", "everywhere"],
)
def test_whatever_the_evidence_is_like_the_bound_is_that_of_the_plain_rule(
    log_e: Callable[[float], float], outside: float
) -> None:
    assert bisected(log_e, 0.0, outside, 3.0, HALVINGS) == plainly(log_e, 0.0, outside, 3.0)


def test_a_bound_takes_less_than_half_of_the_evaluations_of_the_plain_rule() -> None:
    asked: list[float] = []
    log_e = _against(Pairs(7000, 140, 120, 2740), Side.PROMOTE, 1.0)

    def counted(edge: float) -> float:
        asked.append(edge)
        return log_e(edge)

    bisected(counted, -0.002, -1.0, 3.7, HALVINGS)
    assert len(asked) < HALVINGS / 2
