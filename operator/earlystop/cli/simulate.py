"""kubectl earlystop simulate: how often a policy would promote, roll back or stay undecided, and after how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from numpy import percentile
from numpy.random import default_rng
from rich.table import Table

from earlystop.api.percent import rounded_percent
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.policies import read_offline_policy
from earlystop.cli.options import ROLLOUTS_SIMULATED
from earlystop.cli.plan_remarks import floor_remarks
from earlystop.rollout.state import Verdict
from earlystop.simulation.shares import share_interval
from earlystop.simulation.simulate import SimulatedRollout, SyntheticTraffic, simulate

HEADINGS = ("share", "95 %\ninterval", "answers,\nmedian", "answers,\n90 %", "hours,\nmedian", "hours,\n90 %")
OTHER_VERDICTS = (Verdict.ROLL_BACK.value, Verdict.INCONCLUSIVE.value)
console = terminal.console()


def show_simulation(
    *,
    context: typer.Context,
    policy: Path,
    rate: float,
    baseline_em: float,
    em_loss: float,
    tokens: float,
    spread: float,
    saving: float,
    discordance: float,
    dispersion: float,
    answer_seconds: float,
    baseline_missing: float,
    candidate_missing: float,
    runs: int | None,
    seed: int,
    as_json: bool,
    curve: Path | None,
) -> None:
    """Print how simulated rollouts, or searches, end. Raises CommandFailure."""
    spec = read_offline_policy(policy)
    if spec.search is not None or curve is not None:
        from earlystop.cli.searches import refuse_suppositions, show_search

        refuse_suppositions(context)
        show_search(spec, curve, rate, runs, seed, as_json=as_json)
        return
    runs = ROLLOUTS_SIMULATED if runs is None else runs
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
    for sentence in floor_remarks(spec, baseline_em, em_loss, source="--baseline-em"):
        console.print(terminal.printable(sentence))


def _summary(verdict: str, outcomes: list[SimulatedRollout], runs: int) -> dict[str, Any]:
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
