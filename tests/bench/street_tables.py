"""What `make bench-street` prints beside its cells: intervals against verdicts, and what missing answers cost."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.bench import street_attrition, verdict_streams


def print_intervals(console: Console, seed: int, *, quick: bool) -> bool:
    """Print how many intervals contradict their verdicts; whether any does."""
    missed = False
    for number, (name, objective) in enumerate(verdict_streams.OBJECTIVES.items()):
        streams = 100 if quick else 10_000 // len(verdict_streams.OBJECTIVES)
        problems, decided = verdict_streams.contradictions(objective, streams, seed + number)
        console.print(f"{name}: {streams} streams, {decided} verdicts, {len(problems)} intervals against them")
        missed = missed or bool(problems)
    return missed


def print_costs(console: Console, seed: int, *, quick: bool) -> None:
    """Print what missing answers cost a promotion."""
    cost = Table(
        "no loss: requests until a promotion", "of those with nothing missing", "of those without the check", "least"
    )
    for kind, of_whole, of_unchecked, least in street_attrition.cost_rows(40 if quick else 400, seed):
        cost.add_row(kind, f"{of_whole:.2f}", f"{of_unchecked:.2f}", "" if least is None else f"{least:.2f}")
    console.print(cost)
