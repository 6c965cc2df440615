"""How far a claim is, as a row of bars."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
LEVELS_IN_ASCII = "_.-~=+*#"


def sparkline(values: Sequence[float], line: float, columns: int, *, in_ascii: bool = False) -> str:
    """Log e-values over looks as a row of bars, "" without a look: a full bar has reached the line, the lowest one says
    nothing for the claim.

    line: log e-value at which the claim is proven, > 0. columns: of the row at most, > 0; of several looks in one
    column the latest is shown.
    """
    levels = LEVELS_IN_ASCII if in_ascii else LEVELS
    count = min(columns, len(values))
    shown = [values[(index + 1) * len(values) // count - 1] for index in range(count)]
    return "".join(levels[_level(value / line, len(levels) - 1)] for value in shown)


def _level(part: float, highest: int) -> int:
    """Only what has reached the line is the highest."""
    if part >= 1:
        return highest
    return 0 if part <= 0 else min(highest - 1, int(part * highest))
