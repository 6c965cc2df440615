"""kubectl earlystop counts: the exact counts of a policy as the operator reads them, and the query that reads them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import TALLY_FIELDS, Variant
from earlystop.cli.files import read_manifest
from earlystop.cli.foreign_counts import Asked, read_source, show
from earlystop.metrics.client import FLAVOUR_PARAMETERS, ExactPrometheus
from earlystop.metrics.convention import POLICY, REVISION, STARTED
from earlystop.metrics.failures import MetricsFailure
from earlystop.metrics.ledger import Ledger, totals
from earlystop.metrics.query import counts_query, escape
from earlystop.metrics.reader import CountRequest, Reading, read_counts

console = Console()


def command(
    policy: Annotated[Path, typer.Argument(help="YAML file of the policy.", exists=True, dir_okay=False)],
    prometheus: Annotated[str, typer.Option(help="Base address of the query API, without /api/v1.")],
    revision: Annotated[str | None, typer.Option(help="Revision label; without it, every revision found.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Where the file names none.")] = None,
    namespace_label: Annotated[str | None, typer.Option(help="As in the MetricSource.")] = None,
    flavour: Annotated[str, typer.Option(help="Prometheus, Thanos, VictoriaMetrics or Mimir.")] = "Prometheus",
    at: Annotated[int | None, typer.Option(help="Unix second to read at; without it, now.")] = None,
    window: Annotated[int, typer.Option(help="Seconds to look back for processes that ended.", min=1)] = 3600,
    templates: Annotated[
        Path | None,
        typer.Option(help="For the preset Custom: YAML file of the MetricSource.", exists=True, dir_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Read the counts of a policy. A bearer token is taken from EARLYSTOP_TOKEN."""
    manifest = read_manifest(policy, "EarlyStopPolicy")
    metadata = manifest["metadata"]
    label = f"{namespace or metadata.get('namespace', 'default')}/{metadata['name']}"
    preset = (manifest.get("spec") or {}).get("metrics", {}).get("preset", "EarlyStop")
    if preset not in ("EarlyStop", "Custom"):
        raise typer.BadParameter(
            f"{policy}: preset {preset} does not tell variants apart; only EarlyStop and Custom do"
        )
    moment = int(time.time()) if at is None else at
    if preset == "Custom":
        if templates is None:
            raise typer.BadParameter(f"{policy}: preset Custom; write --templates with the file of its MetricSource")
        source = read_source(templates)
        source = source.model_copy(update={"namespace_label": namespace_label or source.namespace_label})
        try:
            asked = Asked(label, revision or "", source, moment, window)
            show(console, _client(prometheus, flavour), asked, as_json)
        except (MetricsFailure, ValueError) as error:
            raise typer.BadParameter(str(error)) from None
        return
    try:
        client = _client(prometheus, flavour)
        revisions = [revision] if revision else _revisions(client, label, moment)
        found = {each: _read(client, label, each, moment, window, namespace_label) for each in revisions}
    except (MetricsFailure, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    query = counts_query([label], revisions or ["REVISION"], window, namespace_label)
    if as_json:
        typer.echo(json.dumps({"policy": label, "at": moment, "query": query, "revisions": found}))
        return
    for name, reading in found.items():
        console.print(_table(f"{label}, revision {name}, at {moment}", reading))
    if not found:
        console.print(f"No counter carries the policy {label}.", style="yellow")
    console.print(f"Read by: {query}", style="dim", soft_wrap=True)


def _client(url: str, flavour: str) -> ExactPrometheus:
    parameters = FLAVOUR_PARAMETERS.get(flavour)
    if parameters is None:
        raise ValueError(f"the flavour is {flavour}; write one of {', '.join(FLAVOUR_PARAMETERS)}")
    token = os.environ.get("EARLYSTOP_TOKEN")
    return ExactPrometheus(url, parameters=parameters, token=None if token is None else lambda: token)


def _revisions(client: ExactPrometheus, label: str, at: int) -> list[str]:
    samples = client.instant_vector(f'group by ({REVISION}) ({STARTED}{{{POLICY}="{escape(label)}"}})', float(at))
    return sorted({labels[REVISION] for labels, _ in samples if REVISION in labels})


def _read(
    client: ExactPrometheus, label: str, revision: str, at: int, window: int, namespace_label: str | None
) -> dict[str, Any]:
    """The counts of each step and variant, those of each query class, and what stands in the way of them."""
    request = CountRequest(label, revision, window)
    reading = read_counts(client, [request], at, namespace_label=namespace_label)[label]
    if not isinstance(reading, Reading):
        raise reading
    ledger = Ledger(reading.observed)
    steps = sorted({key.step for key in ledger.rows})
    classes = sorted({key.query_class for key in ledger.rows})
    return {
        "newest_sample_at": reading.newest_sample_at,
        "series_refused": reading.rows_refused,
        "processes": len({key.process for key in ledger.rows}),
        "steps": {str(step): _arms(ledger, step) for step in steps},
        "query_classes": {name: {str(step): _arms(ledger, step, name) for step in steps} for name in classes},
    }


def _arms(ledger: Ledger, step: int, query_class: str | None = None) -> dict[str, dict[str, int]]:
    sums = totals(ledger, step, query_class)
    return {str(variant): dict(zip(TALLY_FIELDS, sums[variant].row(), strict=True)) for variant in Variant}


def _table(title: str, reading: dict[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("count")
    for step in reading["steps"]:
        for variant in Variant:
            table.add_column(f"step {step}, {variant}", justify="right")
    for field in TALLY_FIELDS:
        counts = [arms[str(variant)][field] for arms in reading["steps"].values() for variant in Variant]
        if any(counts) or field in TALLY_FIELDS[:8]:
            table.add_row(field.replace("_", " "), *(f"{count:,}" for count in counts))
    newest, refused = reading["newest_sample_at"], reading["series_refused"]
    age = "no live target" if newest is None else f"newest sample at {newest:.0f}"
    table.caption = f"{reading['processes']} processes, {age}" + (f", {refused} series refused" if refused else "")
    return table
