"""kubectl earlystop counts: the exact counts of a policy as the operator reads them, and the query that reads them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from earlystop.api.counts import TALLY_FIELDS, Variant
from earlystop.api.presets import traits_of
from earlystop.api.source import SourceSpec
from earlystop.api.wire import POLICY, REVISION, STARTED
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.policies import name_in, read_manifest, read_policy
from earlystop.cli.template_counts import TemplateLook, read_source, show, show_engine
from earlystop.cli.terminal import FirstThatFits, printable
from earlystop.metrics.convention.ledger import Ledger, totals
from earlystop.metrics.convention.query import counts_query, escape
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.client import FLAVOUR_PARAMETERS, ExactPrometheus
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.plan import variant_labels

console = terminal.console()


def show_counts(
    *,
    policy: Path,
    prometheus: str,
    revision: str | None,
    namespace: str | None,
    namespace_label: str | None,
    flavour: str,
    at: int | None,
    window: int,
    templates: Path | None,
    as_json: bool,
) -> None:
    """Print the counts of a policy. at: Unix second, None for now. window: seconds to look back.

    Raises CommandFailure.
    """
    metrics, manifest = read_policy(policy).metrics, read_manifest(policy, "EarlyStopPolicy")
    name = name_in(policy, manifest)
    preset, traits = metrics.preset, metrics.traits
    asked = CountsQuestion(
        file=policy,
        label=f"{namespace or manifest['metadata'].get('namespace', 'default')}/{name}",
        preset=preset,
        prometheus=prometheus,
        flavour=flavour,
        revision=revision,
        namespace_label=namespace_label,
        at=int(time.time()) if at is None else at,
        window=window,
        templates=templates,
        as_json=as_json,
    )
    try:
        if traits.by_convention:
            _show_by_convention(asked)
        elif traits.needs_own_pods:
            _show_queries_of_engine(asked)
        else:
            _show_by_templates(asked)
    except (MetricsFailure, ValueError) as error:
        raise CommandFailure(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsQuestion:
    """What a person wants to know of a policy's counts.

    file: the policy's YAML; label: its namespace/name; preset: a name in `api/presets.PRESETS`;
    prometheus: base address of the query API; flavour: a key of `FLAVOUR_PARAMETERS`; revision: None for every one;
    namespace_label: as in the MetricSource; at: Unix second; window: seconds before it that are looked at;
    templates: file of the MetricSource, None where none is named; as_json: one object instead of tables.
    """

    file: Path
    label: str
    preset: str
    prometheus: str
    flavour: str
    revision: str | None
    namespace_label: str | None
    at: int
    window: int
    templates: Path | None
    as_json: bool


def _show_by_convention(asked: CountsQuestion) -> None:
    """Tables of the counts of each revision, and the query by which they were read."""
    client = _client(asked)
    revisions = [asked.revision] if asked.revision else _revisions(client, asked.label, asked.at)
    variants = variant_labels(read_policy(asked.file))
    requests = {each: CountRequest(asked.label, each, asked.window, variants) for each in revisions}
    found = {each: _read(client, request, asked.at, asked.namespace_label) for each, request in requests.items()}
    query = counts_query([asked.label], revisions or ["REVISION"], asked.window, asked.namespace_label)
    if asked.as_json:
        typer.echo(json.dumps({"policy": asked.label, "at": asked.at, "query": query, "revisions": found}))
        return
    for name, reading in found.items():
        title = printable(f"{asked.label}, revision {name}, at {asked.at}")
        console.print(_tables(title, reading, (Variant.BASELINE, *variants)))
    if not found:
        console.print(printable(f"No counter carries the policy {asked.label}."), style="yellow")
    console.print(f"Read by: {printable(query)}", style="dim", soft_wrap=True)


def _show_queries_of_engine(asked: CountsQuestion) -> None:
    """The queries of a preset whose counters cannot tell variants apart that share Pods."""
    show_engine(
        console,
        preset=asked.preset,
        policy=asked.label,
        target=read_policy(asked.file).target_ref.name,
        window=asked.window,
        namespace_label=asked.namespace_label,
        as_json=asked.as_json,
    )


def _show_by_templates(asked: CountsQuestion) -> None:
    """The counts as the templates of the MetricSource, or those of the preset itself, read them."""
    wanted = TemplateLook(
        policy=asked.label,
        revision=asked.revision or "",
        preset=asked.preset,
        source=_source(asked),
        at=asked.at,
        window=asked.window,
        candidate=_one_candidate(asked.file, asked.preset),
    )
    show(console, _client(asked), wanted, asked.as_json)


def _source(asked: CountsQuestion) -> SourceSpec:
    """The MetricSource whose file --templates names, with the namespace label that the command line gives.

    A preset that brings its templates needs no file: without one, the MetricSource's defaults hold.
    Raises CommandFailure where the templates are those of the MetricSource, and no file is named.
    """
    traits = traits_of(asked.preset)
    if asked.templates is not None:
        source = read_source(asked.templates, traits)
    elif traits.from_source:
        raise CommandFailure(
            f"{asked.file}: preset {asked.preset}; write --templates with the file of its MetricSource"
        )
    else:
        source = SourceSpec(url=asked.prometheus)
    return source.model_copy(update={"namespace_label": asked.namespace_label or source.namespace_label})


def _one_candidate(policy: Path, preset: str) -> str:
    labels = variant_labels(read_policy(policy))
    if len(labels) != 1:
        raise CommandFailure(f"{policy}: preset {preset} counts one candidate, and the policy has {len(labels)}")
    return labels[0]


def _client(asked: CountsQuestion) -> ExactPrometheus:
    parameters = FLAVOUR_PARAMETERS.get(asked.flavour)
    if parameters is None:
        raise ValueError(f"the flavour is {asked.flavour}; write one of {', '.join(FLAVOUR_PARAMETERS)}")
    token = os.environ.get("EARLYSTOP_TOKEN")
    return ExactPrometheus(asked.prometheus, parameters=parameters, token=None if token is None else lambda: token)


def _revisions(client: ExactPrometheus, label: str, at: int) -> list[str]:
    samples = client.instant_vector(f'group by ({REVISION}) ({STARTED}{{{POLICY}="{escape(label)}"}})', float(at))
    return sorted({labels[REVISION] for labels, _ in samples if REVISION in labels})


def _read(client: ExactPrometheus, request: CountRequest, at: int, namespace_label: str | None) -> dict[str, Any]:
    """The counts of each step and variant, those of each query class, and what stands in the way of them."""
    reading = read_counts(client, [request], at, namespace_label=namespace_label)[request.policy]
    if not isinstance(reading, Reading):
        raise reading
    ledger, variants = Ledger(reading.observed), (Variant.BASELINE, *request.variants)
    steps = sorted({key.step for key in ledger.rows})
    classes = sorted({key.query_class for key in ledger.rows})
    return {
        "newest_sample_at": reading.newest_sample_at,
        "series_refused": reading.rows_refused,
        "processes": len({key.process for key in ledger.rows}),
        "steps": {str(step): _arms(ledger, variants, step) for step in steps},
        "query_classes": {name: {str(step): _arms(ledger, variants, step, name) for step in steps} for name in classes},
    }


def _arms(
    ledger: Ledger, variants: tuple[str, ...], step: int, query_class: str | None = None
) -> dict[str, dict[str, int]]:
    """Every count by the variant's label, and by its name."""
    sums = totals(ledger, step, query_class, variants)
    return {variant: dict(zip(TALLY_FIELDS, tally.row(), strict=True)) for variant, tally in sums.items()}


def _tables(title: str, reading: dict[str, Any], variants: tuple[str, ...]) -> RenderableType:
    """One table of all steps; one for each step, or for each variant in it, where the columns would be too many."""
    columns = [(step, str(variant)) for step in reading["steps"] for variant in variants]
    by_step = [[each for each in columns if each[0] == step] for step in reading["steps"]]

    def together(groups: Sequence[Sequence[tuple[str, str]]]) -> Group:
        return Group(*(_table(title, reading, group) for group in groups))

    return FirstThatFits(together([columns]), together(by_step), together([[each] for each in columns]))


def _table(title: str, reading: dict[str, Any], columns: Sequence[tuple[str, str]]) -> Table:
    """The counts of some steps and variants."""
    table = Table(title=title, title_justify="left", caption_justify="left", caption=_caption(reading))
    table.add_column("count", no_wrap=True)
    for step, variant in columns:
        # The label counts from 0, people from 1.
        table.add_column(f"step {int(step) + 1}, {variant}", justify="right", no_wrap=True, overflow="fold")
    for field in TALLY_FIELDS:
        counts = [reading["steps"][step][variant][field] for step, variant in columns]
        if any(counts) or field in TALLY_FIELDS[:8]:
            table.add_row(field.replace("_", " "), *(f"{count:,}" for count in counts))
    return table


def _caption(reading: dict[str, Any]) -> str:
    newest, refused = reading["newest_sample_at"], reading["series_refused"]
    age = "no live target" if newest is None else f"newest sample at {newest:.0f}"
    return f"{reading['processes']} processes, {age}" + (f", {refused} series refused" if refused else "")
