"""The counts of a policy with the preset Custom, as its MetricSource's templates read them, and their queries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.source import SourceSpec
from earlystop.cli.files import read_manifest
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.templates.presets import Preset, PresetRequest, TemplateError, checked_templates, queries
from earlystop.metrics.templates.reader import TemplateRequest, read_templates
from earlystop.metrics.templates.reset_ledger import ResetLedger, is_blind, look, totals, uncertain


@dataclass(frozen=True, slots=True)
class PolicyRequests:
    """policy: namespace/name; source: the MetricSource; at: Unix second; window: seconds before it that are counted;
    candidate: label of the one candidate."""

    policy: str
    revision: str
    source: SourceSpec
    at: int
    window: int
    candidate: str = Variant.CANDIDATE.value

    @property
    def templates(self) -> dict[str, str]:
        """By field of `Tally`."""
        return self.source.templates.by_field() if self.source.templates is not None else {}


def read_source(path: Path) -> SourceSpec:
    """The spec of the one MetricSource in a file. Raises typer.BadParameter."""
    try:
        source = SourceSpec.model_validate(read_manifest(path, "MetricSource").get("spec"))
        checked_templates(source.templates.by_field() if source.templates is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise typer.BadParameter(f"{path}: spec.{where}: {first['msg']}") from None
    except TemplateError as error:
        raise typer.BadParameter(f"{path}: {error}") from None
    return source


def show(console: Console, client: ExactPrometheus, asked: PolicyRequests, as_json: bool) -> None:
    """Print the counts of the window, what may be missing from them, and every query. Raises MetricsFailure.

    Raises typer.BadParameter when the templates need a revision and none is given.
    """
    if not asked.revision and any("{revision}" in template for template in asked.templates.values()):
        raise typer.BadParameter("the templates name {revision}; write --revision, as in the policy's status.revision")
    request = PresetRequest(
        asked.policy, asked.revision, asked.window, asked.source.namespace_label, candidate=asked.candidate
    )
    texts = queries(Preset.CUSTOM, request, asked.templates)
    found = _counts(client, asked)
    if as_json:
        typer.echo(json.dumps({"policy": asked.policy, "at": asked.at, "queries": texts, **found}))
        return
    console.print(_table(asked, found))
    for text in texts:
        console.print(f"Read by: {text}", style="dim", soft_wrap=True, markup=False)


def show_engine(
    console: Console, preset: Preset, policy: str, target: str, window: int, namespace_label: str | None, as_json: bool
) -> None:
    """Print the queries of an engine's preset. No counts: its counters tell variants apart by their Pods alone, and no
    mode that is built gives a candidate Pods of its own."""
    workloads = {Variant.BASELINE: target, Variant.CANDIDATE: f"{target}-es-candidate"}
    texts = queries(preset, PresetRequest(policy, "", window, namespace_label, workloads))
    if as_json:
        typer.echo(json.dumps({"policy": policy, "queries": texts}))
        return
    console.print(
        f"Counters of the preset {preset} know no variant but by its Pods, and variants of {policy} share theirs: "
        f"nothing is counted. With Pods of {' and '.join(workloads.values())} these would be asked:",
        soft_wrap=True,
        markup=False,
    )
    for text in texts:
        console.print(text, style="dim", soft_wrap=True, markup=False)


def _counts(client: ExactPrometheus, asked: PolicyRequests) -> dict[str, Any]:
    window = asked.window + 2 * asked.source.scrape_interval_seconds  # a sample from before says what grew within
    request = TemplateRequest(
        asked.policy, asked.revision, window, Preset.CUSTOM, asked.templates, candidate=asked.candidate
    )
    source = asked.source
    reading = read_templates(
        client, request, asked.at, namespace_label=source.namespace_label, replica_label=source.replica_label
    )
    ledger = look(ResetLedger(0, 1000 * (asked.at - asked.window)), reading.observed).ledger
    return {
        "newest_sample_at": reading.newest_sample_at,
        "series": len(ledger.series),
        "start_times_known": not is_blind(ledger),
        "counts": _named(totals(ledger, 0)),
        "uncertain": _named(uncertain(ledger, 0)),
    }


def _named(tallies: Mapping[Variant, Tally]) -> dict[str, dict[str, int]]:
    return {str(variant): dict(zip(TALLY_FIELDS, tallies[variant].row(), strict=True)) for variant in Variant}


def _table(asked: PolicyRequests, found: Mapping[str, Any]) -> Table:
    title = f"{asked.policy}, the {asked.window} s before {asked.at}"
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("count")
    for variant in Variant:
        table.add_column(str(variant), justify="right")
        table.add_column("and up to", justify="right")
    for field in asked.templates:
        cells = [found[part][str(variant)][field] for variant in Variant for part in ("counts", "uncertain")]
        table.add_row(field.replace("_", " "), *(f"{count:,}" for count in cells))
    table.caption = f"{found['series']} series, newest sample at {found['newest_sample_at']:.0f}" + (
        "" if found["start_times_known"] else "; some processes do not say when they began, so restarts can hide"
    )
    return table
