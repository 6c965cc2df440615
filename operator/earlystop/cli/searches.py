"""What `simulate` and `plan` show of a policy that searches, from a curve that is supposed to be true."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from earlystop.api.percent import rounded_percent
from earlystop.api.policy import PolicySpec
from earlystop.api.searches import SEARCHES
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import read_text
from earlystop.cli.files.offline_check import problems_of
from earlystop.cli.files.policies import read_manifest
from earlystop.cli.options import SEARCHES_SIMULATED
from earlystop.cli.plan_remarks import floor_remarks
from earlystop.cli.plan_waits import people_remarks, rate_remarks
from earlystop.rollout.trials.sequence import strategy_in
from earlystop.simulation.search_policy import (
    SearchFigures,
    can_be_played,
    recommendation,
    search_figures,
    why_missed,
)
from earlystop.simulation.search_truth import TrueCurve, read_curve

SEARCHES_PLANNED = 10
"""Searches of each strategy that a plan simulates, at about a second each: its shares are known to some 30 points."""

OFTEN = 0.9
"""A strategy that ends with the best setting in fewer searches is told why."""

console = terminal.console()


OF_EVERY_SEARCH = {"policy", "rate", "runs", "seed", "as_json", "curve"}
"""Parameters of a command that a search is played by; all others suppose what the curve says."""


def refuse_suppositions(context: typer.Context) -> None:
    """Raises CommandFailure where an option was given that supposes what only a curve says of a search."""
    sources = {each: context.get_parameter_source(each.name or "") for each in context.command.params}
    given = [
        each.opts[0]
        for each, source in sources.items()
        if each.name not in OF_EVERY_SEARCH and source is not None and source.name == "COMMANDLINE"
    ]
    if given:
        raise CommandFailure(
            f"{' and '.join(given)}: of a policy that searches, the file of --curve says what is true of each setting. "
            "Leave it out."
        )


def show_search(
    spec: PolicySpec, curve: Path | None, rate: float, runs: int | None, seed: int, *, as_json: bool
) -> None:
    """Print how searches by the policy's own strategy end. Raises CommandFailure for a policy without a search, and
    where a curve is missing or wrong."""
    truth = _curve_of(spec, curve)
    runs = SEARCHES_SIMULATED if runs is None else runs
    found = [_played(spec, truth, rate, runs, seed)]
    if as_json:
        _print_json(found, runs, seed)
        return
    console.print(_table(found, runs))
    _print_sentences(found, _of_floor(spec, truth))


def show_searches(spec: PolicySpec, policy: Path, curve: Path | None, rate: float, seed: int, *, as_json: bool) -> None:
    """As `show_search`, by the policy's own strategy and by all others that would take the rest of it, with a
    recommendation. policy: file of the policy."""
    truth = _curve_of(spec, curve)
    others, left_out = _alternatives(spec, read_manifest(policy, "EarlyStopPolicy"))
    specs = [*([spec] if can_be_played(strategy_in(spec)) else []), *others]
    found = [_played(each, truth, rate, SEARCHES_PLANNED, seed) for each in specs]
    assert spec.search is not None  # it has a curve
    said = [recommendation(found, spec.search.horizon_requests)] if found else []
    said += _of_floor(spec, truth)
    said += [] if as_json else [*rate_remarks(spec, rate), *people_remarks(spec)]
    if as_json:
        _print_json(found, SEARCHES_PLANNED, seed, recommendation=" ".join(said), notPlayed=left_out)
        return
    if found:
        console.print(_table(found, SEARCHES_PLANNED))
    _print_sentences(found, [*said, *left_out])


def _curve_of(spec: PolicySpec, curve: Path | None) -> TrueCurve:
    if spec.search is None:
        raise CommandFailure("The policy has no search, so it has no use for --curve. Leave it out.")
    if curve is None:
        raise CommandFailure(
            "A policy that searches needs --curve: a CSV file with the columns setting, em and tokens, and rows for "
            f"baseline, {', '.join(each.name for each in spec.search_settings()[:3])} and so on."
        )
    try:
        return _read(curve)
    except ValueError as error:
        raise CommandFailure(str(error)) from None


def _of_floor(spec: PolicySpec, truth: TrueCurve) -> list[str]:
    return floor_remarks(spec, truth.baseline_em, source="the curve's row baseline")


def _alternatives(spec: PolicySpec, manifest: dict[str, Any]) -> tuple[list[PolicySpec], list[str]]:
    """The policy by every other strategy that would take the rest of it, and a sentence on each that is not played."""
    taken, left_out = [], []
    own = strategy_in(spec)
    assert spec.search is not None  # it has a strategy
    for name in SEARCHES:
        if not can_be_played(name):
            whose = ", the policy's own strategy," if name == own else ""
            left_out.append(f"{name}{whose} is not played: what it tries is up to those who propose.")
        elif name != own:
            changed = deepcopy(manifest)
            changed["spec"]["search"]["strategy"] = name
            problems = problems_of(changed)
            if problems:
                left_out.append(f"{name} is not played, since it does not take the rest of the policy: {problems[0]}")
            else:
                taken.append(spec.model_copy(update={"search": spec.search.model_copy(update={"strategy": name})}))
    return taken, left_out


def _played(spec: PolicySpec, truth: TrueCurve, rate: float, runs: int, seed: int) -> SearchFigures:
    """Figures of one strategy, while a line on standard error says what takes so long."""
    try:
        with Console(stderr=True).status(f"{runs} searches by {strategy_in(spec)}, at about a second each"):
            return search_figures(spec, truth, rate, runs, seed)
    except ValueError as error:
        raise CommandFailure(str(error)) from None


def _print_json(found: Sequence[SearchFigures], runs: int, seed: int, **more: Any) -> None:
    shown = {"runs": runs, "seed": seed, "searches": [asdict(each) for each in found]}
    typer.echo(json.dumps(shown | {name: value for name, value in more.items() if value}))


def _print_sentences(found: Sequence[SearchFigures], more: Sequence[str]) -> None:
    for sentence in (*more, *_missed(found)):
        console.print(terminal.printable(sentence))


def _missed(found: Sequence[SearchFigures]) -> Iterator[str]:
    """A sentence about each strategy that misses the best setting more often than one search in ten."""
    yield from filter(None, (why_missed(each) for each in found if each.at_best < OFTEN))


def _read(path: Path) -> TrueCurve:
    return read_curve(read_text(path))


def _table(found: Sequence[SearchFigures], runs: int) -> Table:
    table = Table(title=f"{runs} simulated searches", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for each in found:
        table.add_column(each.strategy, justify="right", no_wrap=True)
    rows = [
        ("ends with the best setting", [rounded_percent(each.at_best) for each in found]),
        ("ends with the baseline", [rounded_percent(each.none_found) for each in found]),
        ("proves one that it must not", [rounded_percent(each.wrong, 1) for each in found]),
        ("tokens saved in the end", [_of_the_best(each) for each in found]),
        ("tokens saved meanwhile", [rounded_percent(each.meanwhile, 1) for each in found]),
        ("requests compared, mean", [f"{each.requests_mean:,.0f}" for each in found]),
        ("requests compared, 90 %", [f"{each.requests_ninety:,.0f}" for each in found]),
        ("hours, mean", [f"{each.hours_mean:,.1f}" for each in found]),
        ("hours, 90 %", [f"{each.hours_ninety:,.1f}" for each in found]),
    ]
    for heading, cells in rows:
        table.add_row(heading, *cells)
    return table


def _of_the_best(found: SearchFigures) -> str:
    return f"{rounded_percent(found.saving, 1)} of {rounded_percent(found.best, 1)}"
