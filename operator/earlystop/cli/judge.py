"""kubectl earlystop judge: counts that were written down, through the engine that runs in the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from earlystop.api.counts import Look, Tally, Variant
from earlystop.cli.files import read_policy
from earlystop.cli.looks_file import Line, LooksError, grouped, read_lines
from earlystop.evidence.engine import Assessment, EvidenceState, Objective, assess, begin, update
from earlystop.evidence.intervals import Interval
from earlystop.rollout.acceptance import unbuilt
from earlystop.rollout.kernel import usable
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import Totals

EVEN_SPLIT = 50
UNJUDGED = (
    "feedback_up",
    "feedback_down",
    "pairs_both",
    "pairs_baseline_only",
    "pairs_candidate_only",
    "pairs_neither",
)


def command(
    looks: Annotated[Path, typer.Argument(help="CSV file of increments, one line a look and variant.", exists=True)],
    policy: Annotated[Path, typer.Option(help="YAML file of the policy.", exists=True, dir_okay=False)],
) -> None:
    """Replay counts through the engine: one JSON object a look. Steps and wall time are left out."""
    spec = read_policy(policy)
    refusal = unbuilt(spec)
    if refusal is not None:
        raise typer.BadParameter(f"{policy}: {refusal.message}")
    objective = parse_plan(plan_text(spec)).objective
    try:
        with looks.open(newline="", encoding="utf-8") as source:
            lines = read_lines(source, looks.name)
        _refuse_unjudged(lines, looks.name)
    except (LooksError, UnicodeDecodeError) as error:
        raise typer.BadParameter(str(error)) from None
    for told in judged(objective, lines):
        typer.echo(json.dumps(told))


def judged(objective: Objective, lines: list[Line]) -> Iterator[dict[str, Any]]:
    """What the evidence says after each look. The first verdict stays; looks are carried over as in the cluster."""
    state, verdict = begin(objective), "Continue"
    mark = totals = Totals()
    for group in grouped(lines):
        weight = next((line.weight for line in group if line.weight is not None), EVEN_SPLIT)
        totals = Totals(
            totals.baseline + _sum(group, Variant.BASELINE), totals.candidate + _sum(group, Variant.CANDIDATE)
        )
        used = usable(mark, totals, weight)
        if used is not None:
            state, mark = _after(state, group[0].look, weight, mark, used), used
        found = assess(state)
        verdict = found.verdict.value if verdict == "Continue" else verdict
        yield _told(group[0].look, found, verdict)


def _after(state: EvidenceState, number: int, weight: int, mark: Totals, used: Totals) -> EvidenceState:
    look = Look(number, 0, weight, used.baseline - mark.baseline, used.candidate - mark.candidate)
    return update(state, look)


def _sum(group: list[Line], variant: Variant) -> Tally:
    """The counts of one variant over all query classes. Without `started` the sample ratio is not judged."""
    total = Tally()
    for line in group:
        if line.variant == variant:
            kept = {name: count for name, count in line.counts.items() if name not in UNJUDGED}
            total += Tally(**kept)
    return total


def _told(look: int, found: Assessment, verdict: str) -> dict[str, Any]:
    log_e = found.log_e
    return {
        "look": look,
        "log_e": {
            "promote": log_e.promote,
            "harm": log_e.harm,
            "tokens": log_e.tokens,
            "sample_ratio": log_e.sample_ratio,
        },
        "effect": found.effect.estimate,
        "interval": _bounds(found.effect),
        "saving": found.saving.estimate,
        "saving_interval": _bounds(found.saving),
        "verdict": verdict,
    }


def _bounds(interval: Interval) -> list[float | None]:
    return [interval.low, interval.high]


def _refuse_unjudged(lines: list[Line], name: str) -> None:
    """Counts that this release would pass over silently are refused by name."""
    for line in lines:
        for column in UNJUDGED:
            if line.counts.get(column):
                raise LooksError(f"{name}, line {line.number}, column {column}: not judged yet; remove the column")
