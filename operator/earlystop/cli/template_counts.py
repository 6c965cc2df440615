"""The counts of a policy as templates read them, those of its MetricSource or of its preset, and their queries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.presets import PresetTraits
from earlystop.api.source import SourceSpec
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import named
from earlystop.cli.files.policies import read_manifest
from earlystop.cli.terminal import printable
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.metrics.templates.presets import (
    PresetRequest,
    TemplateError,
    checked_templates,
    field_templates,
    queries,
)
from earlystop.metrics.templates.reader import TemplateRequest, read_templates
from earlystop.metrics.templates.reset_ledger import ResetLedger, is_blind, look, totals, uncertain

if TYPE_CHECKING:
    from earlystop.metrics.source.client import ExactPrometheus


@dataclass(frozen=True, slots=True)
class TemplateLook:
    """What is read for one policy, by templates.

    policy: namespace/name; preset: a name in `api/presets.PRESETS`; source: the MetricSource; at: Unix second;
    window: seconds before it that are counted; candidate: label of the one candidate.
    """

    policy: str
    revision: str
    preset: str
    source: SourceSpec
    at: int
    window: int
    candidate: str = Variant.CANDIDATE.value

    @property
    def templates(self) -> Mapping[str, str]:
        """The templates that are read by, by field of `Tally`."""
        return field_templates(self.preset, self.from_source)

    @property
    def from_source(self) -> dict[str, str]:
        """The templates of the MetricSource, by field of `Tally`."""
        return self.source.templates.by_field() if self.source.templates is not None else {}


def read_source(path: Path, traits: PresetTraits) -> SourceSpec:
    """The spec of the one MetricSource in a file. Raises CommandFailure."""
    try:
        source = SourceSpec.model_validate(read_manifest(path, "MetricSource").get("spec"))
        if traits.from_source:
            checked_templates(source.templates.by_field() if source.templates is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CommandFailure(f"{named(path)}: spec.{where}: {first['msg'].removeprefix('Value error, ')}") from None
    except TemplateError as error:
        raise CommandFailure(f"{named(path)}: {error}") from None
    return source


def show(console: Console, client: ExactPrometheus, template_look: TemplateLook, as_json: bool) -> None:
    """Print the counts of the window, what may be missing from them, and every query. Raises MetricsFailure.

    Raises CommandFailure when the templates need a revision and none is given.
    """
    if not template_look.revision and any("{revision}" in template for template in template_look.templates.values()):
        raise CommandFailure("The templates name {revision}; write --revision, as in the policy's status.revision")
    request = PresetRequest(
        policy=template_look.policy,
        revision=template_look.revision,
        window_seconds=template_look.window,
        namespace_label=template_look.source.namespace_label,
        candidate=template_look.candidate,
    )
    texts = queries(template_look.preset, request, template_look.from_source)
    found = _counts(client, template_look)
    if as_json:
        typer.echo(json.dumps({"policy": template_look.policy, "at": template_look.at, "queries": texts, **found}))
        return
    console.print(_table(template_look, found))
    for text in texts:
        console.print(f"Read by: {printable(text)}", style="dim", soft_wrap=True, markup=False)


def show_engine(
    console: Console, *, preset: str, policy: str, target: str, window: int, namespace_label: str | None, as_json: bool
) -> None:
    """Print the queries of an engine's preset. No counts: its counters tell variants apart by their Pods alone, and
    hold too little to judge an objective by."""
    workloads = {Variant.BASELINE: PodOwner(target), Variant.CANDIDATE: PodOwner(f"{target}-es-candidate")}
    try:
        texts = queries(preset, PresetRequest(policy, "", window, namespace_label, workloads))
    except ValueError as error:
        raise CommandFailure(str(error)) from None
    if as_json:
        typer.echo(json.dumps({"policy": policy, "queries": texts}))
        return
    pods = " and ".join(each.name for each in workloads.values())
    console.print(
        printable(
            f"Counters of the preset {preset} know no variant but by its Pods, and variants of {policy} share theirs: "
            f"nothing is counted. With Pods of {pods} these queries would be sent:"
        ),
        soft_wrap=True,
        markup=False,
    )
    for text in texts:
        console.print(printable(text), style="dim", soft_wrap=True, markup=False)


def _counts(client: ExactPrometheus, template_look: TemplateLook) -> dict[str, Any]:
    # A sample from before the window says what grew within it.
    window = template_look.window + 2 * template_look.source.scrape_interval_seconds
    request = TemplateRequest(
        policy=template_look.policy,
        revision=template_look.revision,
        window_seconds=window,
        preset=template_look.preset,
        templates=template_look.from_source,
        candidate=template_look.candidate,
    )
    source = template_look.source
    reading = read_templates(
        client, request, template_look.at, namespace_label=source.namespace_label, replica_label=source.replica_label
    )
    ledger = look(ResetLedger(0, 1000 * (template_look.at - template_look.window)), reading.observed).ledger
    return {
        "newest_sample_at": reading.newest_sample_at,
        "series": len(ledger.series),
        "start_times_known": not is_blind(ledger),
        "counts": _named(totals(ledger, 0)),
        "uncertain": _named(uncertain(ledger, 0)),
    }


def _named(tallies: Mapping[Variant, Tally]) -> dict[str, dict[str, int]]:
    return {str(variant): dict(zip(TALLY_FIELDS, tallies[variant].row(), strict=True)) for variant in Variant}


def _table(template_look: TemplateLook, found: Mapping[str, Any]) -> Table:
    title = printable(f"{template_look.policy}, the {template_look.window} s before {template_look.at}")
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("count")
    for variant in Variant:
        for heading in (str(variant), "and up to"):
            table.add_column(heading, justify="right", no_wrap=True, overflow="fold")
    for field in template_look.templates:
        cells = [found[part][str(variant)][field] for variant in Variant for part in ("counts", "uncertain")]
        table.add_row(field.replace("_", " "), *(f"{count:,}" for count in cells))
    table.caption = f"{found['series']} series, newest sample at {found['newest_sample_at']:.0f}" + (
        "" if found["start_times_known"] else "; some processes do not say when they began, so restarts can hide"
    )
    return table
