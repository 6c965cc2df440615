"""kubectl earlystop validate: whether an API server would take the policies in files, and this release carry them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earlystop.cli.documents import read_documents
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.offline_check import problems_of
from earlystop.cli.terminal import say


def command(
    files: Annotated[list[Path], typer.Argument(help="YAML or JSON files; objects of other kinds are passed over.")],
) -> None:
    """Check policies in files, without a cluster. Each line names a file, a policy and a field that is wrong.

    Whether the route, the gateway and the MetricSource that a policy names fit it, only the operator can say.
    """
    problems, policies = 0, 0
    for path in files:
        for manifest in read_documents(path):
            if manifest.get("kind") != "EarlyStopPolicy":
                continue
            policies += 1
            metadata = manifest.get("metadata")
            name = (metadata.get("name") if isinstance(metadata, dict) else None) or "without a name"
            for problem in problems_of(manifest):
                problems += 1
                say(f"{path}: {name}: {problem}")
    if not policies:
        raise CommandFailure(f"There is no EarlyStopPolicy in {', '.join(map(str, files))}.")
    if problems:
        raise typer.Exit(FAILED)
    typer.echo(f"{policies} {'policy is' if policies == 1 else 'policies are'} as an API server takes them.")
