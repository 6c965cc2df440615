"""kubectl earlystop validate: whether an API server would take the policies in files, and this release carry them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from earlystop.api.crds import definitions
from earlystop.api.wire import GROUP
from earlystop.cli.documents import read_documents
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.offline_check import problems_of
from earlystop.cli.terminal import say
from earlystop.cli.words import closest, nearest, shown

POLICY = "EarlyStopPolicy"
ALMOST_THE_SAME = 0.85
"""How like one of ours a kind of another group is that was probably meant as ours; others have an EventSource."""


@cache
def kinds() -> tuple[str, ...]:
    """Every kind that the operator's CustomResourceDefinitions define: there is no list here that could lag behind."""
    return tuple(crd["spec"]["names"]["kind"] for crd in definitions().values())


def command(
    files: Annotated[
        list[Path],
        typer.Argument(help="YAML or JSON files, - for standard input; objects of other kinds are passed over."),
    ],
) -> None:
    """Check policies in files, without a cluster. Each line names a file, a policy and a field that is wrong.

    Whether the route, the gateway and the MetricSource that a policy names fit it, only the operator can say.
    """
    problems, policies = 0, 0
    for path in files:
        for manifest in read_documents(path):
            policies += manifest.get("kind") == POLICY
            for problem in _problems(manifest):
                problems += 1
                say(f"{path}: {_name(manifest)}: {problem}")
    if problems:
        raise typer.Exit(FAILED)
    if not policies:
        raise CommandFailure(f"There is no {POLICY} in {', '.join(map(str, files))}.")
    typer.echo(f"{policies} {'policy is' if policies == 1 else 'policies are'} as an API server takes them.")


def _problems(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with an object: with a policy, or with the kind of what was probably meant as one of ours."""
    kind = manifest.get("kind")
    if kind == POLICY:
        return problems_of(manifest)
    if not isinstance(kind, str) or not kind:
        return [f"kind: {shown(kind)} is no kind; write one, such as {POLICY}."]
    is_of_our_group = str(manifest.get("apiVersion")).partition("/")[0] == GROUP
    if kind not in kinds() and (is_of_our_group or closest(kind, kinds(), ALMOST_THE_SAME)):
        return [f"kind: {kind} is not known{nearest(kind, kinds())}."]
    return []


def _name(manifest: dict[str, Any]) -> str:
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return shown(name).strip('"') if isinstance(name, str) and name else "without a name"
