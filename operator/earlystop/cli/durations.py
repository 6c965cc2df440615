"""Durations as kubectl writes them."""

from __future__ import annotations

import re

import typer

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FORM = re.compile(r"([0-9]{1,9})([smhd]?)")


def seconds_of(text: str) -> float:
    """Seconds of `90s`, `30m`, `12h`, `2d`, or of a number alone. Raises BadParameter for anything else."""
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text} is no duration; write one such as 90s, 30m or 12h.")
    return float(found[1]) * UNITS[found[2] or "s"]
