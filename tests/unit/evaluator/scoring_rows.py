"""How rows of the table of answers are written."""

from __future__ import annotations

Row = tuple[str, str, tuple[str, ...], bool]
"""Scoring, answer, gold answers, whether the answer is right."""

LATEX_LINE = "Adding both, we get\n\\[\nx = \\boxed{\\frac{3}{4}}\n\\]"


def rows(
    scoring: str, gold: str | tuple[str, ...], right: tuple[str, ...] = (), wrong: tuple[str, ...] = ()
) -> list[Row]:
    """Rows of one gold answer."""
    accepted = (gold,) if isinstance(gold, str) else gold
    return [(scoring, text, accepted, True) for text in right] + [(scoring, text, accepted, False) for text in wrong]
