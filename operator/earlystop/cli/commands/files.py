"""kubectl earlystop validate, counts and judge: files, and counts without a cluster. Options and help alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(help="YAML or JSON files, - for standard input; objects of other kinds are passed over."),
    ],
) -> None:
    """Check policies in files, without a cluster. Each line names a file, a policy and a field that is wrong.

    Whether the route, the gateway and the MetricSource that a policy names fit it, only the operator can say.
    """
    from earlystop.cli.validate import validate_files

    validate_files(files)


def counts(
    policy: Annotated[Path, typer.Argument(help="YAML file of the policy.")],
    prometheus: Annotated[str, typer.Option(help="Base address of the query API, without /api/v1.")],
    revision: Annotated[str | None, typer.Option(help="Revision label; without it, every revision found.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Where the file names none.")] = None,
    namespace_label: Annotated[str | None, typer.Option(help="As in the MetricSource.")] = None,
    flavour: Annotated[str, typer.Option(help="Prometheus, Thanos, VictoriaMetrics or Mimir.")] = "Prometheus",
    at: Annotated[int | None, typer.Option(help="Unix second to read at; without it, now.", min=0)] = None,
    window: Annotated[int, typer.Option(help="Seconds to look back for processes that ended.", min=1)] = 3600,
    templates: Annotated[
        Path | None,
        typer.Option(help="For the preset Custom: YAML file of its MetricSource."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Read the counts of a policy. A bearer token is taken from EARLYSTOP_TOKEN."""
    from earlystop.cli.counts import show_counts

    show_counts(
        policy=policy,
        prometheus=prometheus,
        revision=revision,
        namespace=namespace,
        namespace_label=namespace_label,
        flavour=flavour,
        at=at,
        window=window,
        templates=templates,
        as_json=as_json,
    )


def judge(
    looks: Annotated[Path, typer.Argument(help="CSV file of increments, one line a look and variant.")],
    policy: Annotated[Path, typer.Option(help="YAML file of the policy.")],
) -> None:
    """Replay counts through the engine: one JSON object a look. Wall time is left out; steps are those of the file."""
    from earlystop.cli.judge import print_judged

    print_judged(looks, policy)
