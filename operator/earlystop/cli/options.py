"""What options of several commands have in common."""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from earlystop.cli.durations import patience

SEARCHES_SIMULATED = 50
"""Searches that `simulate` plays where --runs says nothing else."""
ROLLOUTS_SIMULATED = 200
"""The same of rollouts."""


class Form(StrEnum):
    """How most commands print what they found."""

    SCREEN = "screen"
    JSON = "json"


class ObjectForm(StrEnum):
    """How a policy is printed."""

    SCREEN = "screen"
    JSON = "json"
    YAML = "yaml"


class ListForm(StrEnum):
    """How policies are printed."""

    LINES = "lines"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


class MapForm(StrEnum):
    """How a map for routers is written."""

    YAML = "yaml"
    JSON = "json"


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of policies that begin so, for the shell."""
    from earlystop.cli.policy_names import names_from  # here, as the body of every command

    return names_from(ctx.params.get("namespace"), ctx.params.get("context"), incomplete)


def amount(what: str, least: float, most: float) -> Any:
    """An option that takes a number. what: its help; least, most: bounds that are allowed themselves."""

    def checked(value: float) -> float:
        if not isfinite(value):
            raise typer.BadParameter(f"{value} is no amount; write a number.")
        if not least <= value <= most:
            raise typer.BadParameter(f"{value:g} is out of bounds; write {bounds}.")
        return value

    bounds = f"{least:g} to {most:,.10g}"
    return typer.Option(help=f"{what} {bounds}.", callback=checked)


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
BaselineMissing = Annotated[
    float, amount("Share of the baseline's answers to golden questions that fail or cannot be scored.", 0, 0.99)
]
CandidateMissing = Annotated[float, amount("The same of the candidate's.", 0, 0.99)]
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
Timeout = Annotated[
    float,
    typer.Option(
        parser=patience,
        metavar="DURATION",
        help="How long to wait for that at most, as in 90s or 5m; 60s without it.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")]
VerdictFiles = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", help="File with EarlyStopVerdicts, in place of the cluster's. May be repeated."),
]
ExitStatus = Annotated[
    bool, typer.Option("--exit-status", help="Exit with 3 after a rollback and 4 without a verdict.")
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of the object; without it, the context's.")
]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig; without it, the current one.")]
PolicyName = Annotated[str, typer.Argument(help="Name of the policy.", autocompletion=complete_name)]
MaybePolicyName = Annotated[
    str | None,
    typer.Argument(help="Name of one policy; without it, all there are.", autocompletion=complete_name),
]
FromFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="A file with it, of any name, in place of the cluster; - is standard input."),
]
Everywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")]
