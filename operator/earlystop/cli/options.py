"""What options of several commands have in common."""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

SEARCHES_SIMULATED = 50
"""Searches that `simulate` plays where --runs says nothing else."""


class Form(StrEnum):
    """How a command prints what it has to say."""

    SCREEN = "screen"
    JSON = "json"


def amount(what: str, least: float, most: float) -> Any:
    """An option that takes a number. what: its help; least, most: bounds that are allowed themselves."""

    def checked(value: float) -> float:
        if not isfinite(value):
            raise typer.BadParameter(f"{value} is no amount; write a number.")
        if not least <= value <= most:
            raise typer.BadParameter(f"{value:g} is out of bounds; write {least:g} to {most:g}.")
        return value

    return typer.Option(help=f"{what} {least:g} to {most:g}.", callback=checked)


Rate = Annotated[
    float,
    amount(
        "Scored requests a second, of all variants together; where the policy reads golden questions "
        "(exactMatch.evidence: Pairs), pairs a second: questions that each variant answers.",
        0.0001,
        1e6,
    ),
]
EmLoss = Annotated[float, amount("EM that each candidate is supposed to lose, 0.01 for a point.", -1, 1)]
BaselineEm = Annotated[float, amount("EM of the baseline.", 0, 1)]
Discordance = Annotated[
    float, amount("Share of pairs that just one variant answers right, where EM is read from pairs.", 0, 1)
]
Dispersion = Annotated[
    float,
    amount("How much more answers scatter than independent ones, as those of one session do.", 1, 100),
]
AnswerSeconds = Annotated[float, amount("How long an answer takes, in seconds.", 0, 3600)]
Curve = Annotated[
    Path | None,
    typer.Option(help="For a policy that searches: CSV with setting, em and tokens of each, and a row for baseline."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Return only when the status shows it.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for that at most.", min=1)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")]
VerdictFiles = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", help="File with EarlyStopVerdicts, in place of the cluster's. May be repeated."),
]
ExitStatus = Annotated[
    bool, typer.Option("--exit-status", help="Exit with 3 after a rollback and 4 without a verdict.")
]
