"""What options of several commands have in common."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

import typer


def finite(value: float) -> float:
    """A number of an option, checked. Raises BadParameter for nan and for infinity, which pass every bound."""
    if not isfinite(value):
        raise typer.BadParameter(f"{value} is no amount; write a number.")
    return value


def amount(what: str, least: float | None = None, most: float | None = None) -> Any:
    """An option that takes a finite number. what: its help; least, most: bounds that are allowed themselves."""
    return typer.Option(help=what, min=least, max=most, callback=finite)


BaselineEm = Annotated[float, amount("EM of the baseline, 0 to 1.", 0, 1)]
Discordance = Annotated[
    float, amount("Share of pairs that just one variant answers right, where EM is read from pairs.", 0, 1)
]

Dispersion = Annotated[
    float,
    amount("How much more answers scatter than independent ones, as those of one session do; 1 for independent.", 1),
]
AnswerSeconds = Annotated[float, amount("How long an answer takes, in seconds.", 0, 3600)]
