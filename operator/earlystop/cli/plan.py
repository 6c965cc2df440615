"""kubectl earlystop plan: how many requests and hours until a verdict, and with which probability."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from earlystop.api.policy import PolicySpec
from earlystop.cli.files import read_policy
from earlystop.evidence.bets import Side
from earlystop.evidence.objective import Basis
from earlystop.evidence.planning import Question, Stage, fixed_sample_size, forecast, power_within, seconds_to_verdict
from earlystop.rollout.plan import objective_of

console = Console()


def command(
    policy: Annotated[Path, typer.Argument(help="YAML file of the policy.", exists=True, dir_okay=False)],
    rate: Annotated[float, typer.Option(help="Scored requests, or pairs, a second.", min=0.0001)] = 10.0,
    baseline_em: Annotated[float, typer.Option(help="EM of the baseline, 0 to 1.")] = 0.80,
    em_loss: Annotated[float, typer.Option(help="EM that the candidate is supposed to lose.")] = 0.0,
    discordance: Annotated[
        float, typer.Option(help="Share of pairs that just one variant answers right, where EM is read from pairs.")
    ] = 0.06,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Forecast the verdict on EM, which decides last: tokens resolve long before it."""
    spec = read_policy(policy)
    try:
        found = planned(spec, rate, baseline_em, em_loss, discordance)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table(title=f"if {100 * em_loss:g} points of EM are lost: {found['verdict']}", title_justify="left")
    table.add_column("until the verdict")
    for heading in ("mean", "90 % of rollouts"):
        table.add_column(heading, justify="right")
    table.add_row(
        "scored requests at the last step's split", f"{found['requests_mean']:,.0f}", f"{found['requests_ninety']:,.0f}"
    )
    table.add_row("hours over all steps", f"{found['hours_mean']:.2f}", f"{found['hours_ninety']:.2f}")
    console.print(table)
    console.print(
        f"One look at the end would need {found['fixed_sample']:,.0f} requests for 90 % power. The deadline allows "
        f"{found['requests_to_deadline']:,.0f}: a verdict by then has probability {found['power']:.0%}. More than "
        f"{found['sensible_maximum']:,.0f} are hardly worth waiting for."
    )


def planned(
    spec: PolicySpec, rate: float, baseline_em: float, em_loss: float, discordance: float = 0.06
) -> dict[str, float | str]:
    """The forecast as numbers. Raises ValueError when the supposed loss is just the margin, where nothing is shown."""
    rollout, margin = spec.rollout, float(spec.objective.exact_match.margin)
    side = Side.PROMOTE if em_loss < margin else Side.HARM
    judged = objective_of(spec)
    risk = judged.risk_promote if side is Side.PROMOTE else judged.harm_risks.exact_match
    pairs = max(discordance, abs(em_loss)) if judged.basis is Basis.PAIRS else None
    question = Question(baseline_em, -em_loss, margin, risk, side, pairs, judged.dispersion)
    stages = [Stage(step.weight / 100, float(step.minimum_seconds)) for step in rollout.steps]
    share = stages[-1].share
    expected = forecast(question, share)
    settle = float(rollout.settle_seconds)
    # Also the share of the deadline that goes into learning how the baseline's answers scatter.
    learning = float(rollout.learn_seconds + settle) if rollout.learn_seconds else 0.0
    to_deadline = rate * max(0, rollout.deadline_seconds - len(stages) * rollout.settle_seconds - learning)
    return {
        "verdict": "Promote" if side is Side.PROMOTE else "RollBack",
        "requests_mean": expected.mean,
        "requests_ninety": expected.ninety,
        "sensible_maximum": expected.longest,
        "fixed_sample": fixed_sample_size(question, share),
        "hours_mean": (learning + seconds_to_verdict(question, stages, rate, settle)) / 3600,
        "hours_ninety": (learning + seconds_to_verdict(question, stages, rate, settle, 0.9)) / 3600,
        "requests_to_deadline": to_deadline,
        "power": power_within(question, share, to_deadline),
    }
