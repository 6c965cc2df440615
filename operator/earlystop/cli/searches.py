"""What `simulate` and `plan` show of a policy that searches, from a curve that is supposed to be true."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.table import Table

from earlystop.api.policy import PolicySpec
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.simulation.search_policy import SearchFigures, recommendation, search_figures, strategies_for
from earlystop.simulation.search_truth import TrueCurve, read_curve

SEARCHES_PLANNED = 20
"""Searches of each strategy that a plan simulates: its shares are known to some 20 points; `simulate` takes --runs."""

console = terminal.console()


def show_searches(
    spec: PolicySpec,
    curve: Path | None,
    strategies: Sequence[str] | None,
    rate: float,
    runs: int,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """Print how searches end, by each of the strategies, or by all that take the policy's settings, with a
    recommendation. Raises CommandFailure for a policy without a search, and where a curve is missing or wrong."""
    if spec.search is None:
        raise CommandFailure("The policy has no search, so it has no use for --curve. Leave it out.")
    if curve is None:
        raise CommandFailure(
            "A policy that searches needs --curve: a CSV file with the columns setting, em and tokens, and rows for "
            f"baseline, {', '.join(each.name for each in spec.search_settings()[:3])} and so on."
        )
    try:
        truth = _read(curve)
        chosen = strategies_for(spec) if strategies is None else strategies
        found = [search_figures(spec, truth, name, rate, runs, seed) for name in chosen]
    except ValueError as error:
        raise CommandFailure(str(error)) from None
    said = recommendation(found, spec.search.horizon_requests) if strategies is None else ""
    if as_json:
        shown = {"runs": runs, "seed": seed, "searches": [asdict(each) for each in found]}
        typer.echo(json.dumps(shown | ({"recommendation": said} if said else {})))
        return
    console.print(_table(found, runs))
    if said:
        console.print(said)


def _read(path: Path) -> TrueCurve:
    try:
        return read_curve(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailure(f"{path} cannot be read: {error}.") from None


def _table(found: Sequence[SearchFigures], runs: int) -> Table:
    table = Table(title=f"{runs} simulated searches", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for each in found:
        table.add_column(each.strategy, justify="right", no_wrap=True)
    rows = [
        ("ends with the best setting", [f"{each.at_best:.0%}" for each in found]),
        ("ends with the baseline", [f"{each.none_found:.0%}" for each in found]),
        ("certifies one that it must not", [f"{each.wrong:.1%}" for each in found]),
        ("tokens saved in the end", [f"{each.saving:.1%} of {each.best:.1%}" for each in found]),
        ("tokens saved meanwhile", [f"{each.meanwhile:.1%}" for each in found]),
        ("requests compared, mean", [f"{each.requests_mean:,.0f}" for each in found]),
        ("requests compared, 90 %", [f"{each.requests_ninety:,.0f}" for each in found]),
        ("hours, mean", [f"{each.hours_mean:,.1f}" for each in found]),
        ("hours, 90 %", [f"{each.hours_ninety:,.1f}" for each in found]),
    ]
    for heading, cells in rows:
        table.add_row(heading, *cells)
    return table
