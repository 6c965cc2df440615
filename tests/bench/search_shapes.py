"""Curves that searches are tried on: ten rungs each, and a surface of two parameters with 48 settings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from earlystop.rollout.search.trial import Setting
from earlystop.simulation.search_truth import TrueCurve, TrueSetting

BASELINE_EM, MEAN_TOKENS = 0.85, 600.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Settings that may be tried, and what is true of them, in the same order."""

    name: str
    settings: tuple[Setting, ...]
    curve: TrueCurve


def _ladder(name: str, losses: tuple[float, ...]) -> Shape:
    last = len(losses) - 1
    settings = tuple(Setting(f"rung-{index}", (), (index / last,)) for index in range(len(losses)))
    savings = [0.05 * (index + 1) for index in range(len(losses))]
    true = tuple(TrueSetting(s.name, loss, save) for s, loss, save in zip(settings, losses, savings, strict=True))
    return Shape(name, settings, TrueCurve(BASELINE_EM, MEAN_TOKENS, true))


def _surface() -> Shape:
    """A window of 8 values and an agreement of 6: each saves, and loses more the bolder the other is too."""
    settings, true = [], []
    for row, column in product(range(8), range(6)):
        x, y = row / 7, column / 5
        name = f"window-{row}-agree-{column}"
        settings.append(Setting(name, (), (x, y)))
        true.append(TrueSetting(name, 0.004 * x + 0.05 * (x * y) ** 1.5 + 0.03 * x**6, 0.06 + 0.26 * x + 0.16 * y))
    return Shape("surface 8 x 6", tuple(settings), TrueCurve(BASELINE_EM, MEAN_TOKENS, tuple(true)))


TABLE = _ladder("table", (0.0, 0.0, 0.001, 0.002, 0.005, 0.009, 0.015, 0.024, 0.04, 0.065))
"""The losses of the table in the research: seven rungs keep a margin of 2 points."""

U_SHAPE = _ladder("U-shape", (0.0, 0.004, 0.012, 0.03, 0.04, 0.03, 0.01, 0.004, 0.03, 0.065))
"""Middle budgets harm and bolder ones do not, as seen with budgets of thinking."""

FLAT = _ladder("flat", (0.0,) * 10)
STEEP = _ladder("steep", (0.004, 0.03, 0.05, 0.07, 0.08, 0.1, 0.1, 0.1, 0.1, 0.1))
"""Only the most careful rung keeps the margin."""

CLIFF = _ladder("cliff", (0.0,) * 6 + (0.08, 0.1, 0.12, 0.15))
SURFACE = _surface()
LADDERS = (TABLE, U_SHAPE, FLAT, CLIFF, STEEP)
SHAPES = (*LADDERS, SURFACE)
