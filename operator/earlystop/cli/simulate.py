"""kubectl earlystop simulate: how often a policy would promote, roll back or stay undecided, and after how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from earlystop.api.percent import rounded_percent
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.policies import read_offline_policy
from earlystop.cli.options import (
    SEARCHES_SIMULATED,
    AnswerSeconds,
    BaselineEm,
    BaselineMissing,
    CandidateMissing,
    Curve,
    Discordance,
    Dispersion,
    EmLoss,
    Rate,
    amount,
)
from earlystop.rollout.state import Verdict

if TYPE_CHECKING:
    from earlystop.simulation.simulate import SimulatedRollout

HEADINGS = ("share", "95 %\ninterval", "answers,\nmedian", "answers,\n90 %", "hours,\nmedian", "hours,\n90 %")
ROLLOUTS = 200
OTHER_VERDICTS = (Verdict.ROLL_BACK.value, Verdict.INCONCLUSIVE.value)
console = terminal.console()


def command(
    context: typer.Context,
    policy: Annotated[Path, typer.Argument(help="YAML file of the policy.")],
    rate: Rate = 10.0,
    baseline_em: BaselineEm = 0.80,
    em_loss: EmLoss = 0.0,
    tokens: Annotated[float, amount("Mean output tokens of the baseline.", 1, 1e9)] = 600.0,
    spread: Annotated[float, amount("Standard deviation of the tokens over their mean.", 0, 100)] = 0.8,
    saving: Annotated[float, amount("Share of the tokens that each candidate truly saves.", -10, 0.999)] = 0.3,
    discordance: Discordance = 0.06,
    dispersion: Dispersion = 1.0,
    answer_seconds: AnswerSeconds = 0.0,
    baseline_missing: BaselineMissing = 0.0,
    candidate_missing: CandidateMissing = 0.0,
    runs: Annotated[
        int | None,
        typer.Option(
            help=f"How many rollouts, or searches; {ROLLOUTS} or {SEARCHES_SIMULATED} without it.", min=1, max=100_000
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the made-up traffic.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    curve: Curve = None,
) -> None:
    """Run a policy on made-up traffic, with the engine that runs in the cluster."""
    from numpy.random import default_rng  # here, since the help need not wait for numpy

    from earlystop.simulation.simulate import SyntheticTraffic, simulate

    spec = read_offline_policy(policy)
    if spec.search is not None or curve is not None:
        from earlystop.cli.searches import refuse_suppositions, show_search

        refuse_suppositions(context)
        show_search(spec, curve, rate, runs, seed, as_json=as_json)
        return
    runs = ROLLOUTS if runs is None else runs
    try:
        traffic = SyntheticTraffic(
            rate=rate,
            baseline_em=baseline_em,
            em_loss=em_loss,
            mean_tokens=tokens,
            spread=spread,
            saving=saving,
            discordance=max(discordance, abs(em_loss)),
            dispersion=dispersion,
            answer_seconds=answer_seconds,
            baseline_missing=baseline_missing,
            candidate_missing=candidate_missing,
        )
        outcomes = list(simulate(spec, traffic, default_rng(seed), runs))
    except ValueError as error:
        raise CommandFailure(str(error)) from None
    best = Verdict.RECOMMEND if not spec.delivery.traits.moves_traffic else Verdict.PROMOTE
    verdicts = (best.value, *OTHER_VERDICTS)
    found = [_summary(verdict, [each for each in outcomes if each.verdict == verdict], runs) for verdict in verdicts]
    if as_json:
        typer.echo(json.dumps({"runs": runs, "seed": seed, "outcomes": found}))
        return
    console.print(_table(found, runs))


def _summary(verdict: str, outcomes: list[SimulatedRollout], runs: int) -> dict[str, Any]:
    from numpy import percentile

    from earlystop.simulation.shares import share_interval

    low, high = share_interval(len(outcomes), runs)
    summary: dict[str, Any] = {"verdict": verdict, "share": len(outcomes) / runs, "share_interval": [low, high]}
    for name in ("answers", "seconds"):
        values = [getattr(each, name) for each in outcomes]
        summary[name] = (
            {percent: round(float(percentile(values, int(percent)))) for percent in ("50", "90")} if values else None
        )
    return summary


def _table(found: list[dict[str, Any]], runs: int) -> Table:
    table = Table(title=f"{runs} simulated rollouts", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("verdict", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True, overflow="fold")
    for each in found:
        low, high = each["share_interval"]
        cells = [rounded_percent(each["share"], 1), f"{100 * low:.1f} to {100 * high:.1f}"]
        for name, scale in (("answers", 1), ("seconds", 3600)):
            values = each[name]
            if isinstance(values, dict):
                cells += [
                    f"{values[percent]:,}" if scale == 1 else f"{values[percent] / scale:.2f}"
                    for percent in ("50", "90")
                ]
            else:
                cells += ["-", "-"]
        table.add_row(str(each["verdict"]), *cells)
    return table
