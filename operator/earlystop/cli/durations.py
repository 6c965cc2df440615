"""Durations as kubectl writes them."""

from __future__ import annotations

import re

import typer

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FORM = re.compile(r"[0-9]{1,9}|(?:[0-9]{1,9}[smhd])+")
PART = re.compile(r"([0-9]{1,9})([smhd]?)")


def seconds_of(text: str) -> float:
    """Seconds of `90s`, `30m`, `1h30m`, `2d`, or of a number alone. Raises BadParameter for anything else."""
    written = text.strip()
    if FORM.fullmatch(written) is None:
        raise typer.BadParameter(f"{text} is no duration; write one such as 90s, 30m or 12h.")
    return float(sum(int(number) * UNITS[unit or "s"] for number, unit in PART.findall(written)))


def patience(given: str | float) -> float:
    """Seconds of a duration of at least one second, or of an option's default, which is a number. Raises BadParameter
    for less, in which no status changes, and for anything else."""
    if not isinstance(given, str):
        return given
    seconds = seconds_of(given)
    if seconds < 1:
        raise typer.BadParameter(f"{given} is too short; write 1s or more.")
    return seconds
