"""kubectl earlystop verify: a verdict recomputed from what is stored in it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from earlystop.cli.connection import Context, Namespace, read_object
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.files import read_manifest
from earlystop.controller.cluster import VERDICTS
from earlystop.rollout.verify import differences

FILES = (".yaml", ".yml", ".json")


def command(
    verdict: Annotated[
        str, typer.Argument(help="Name of an EarlyStopVerdict, or a file of one (by its path, or .yaml, .json).")
    ],
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Recompute a stored verdict from its looks, and say where it differs."""
    if os.sep in verdict or verdict.endswith(FILES):
        found = read_manifest(Path(verdict), "EarlyStopVerdict")
    else:
        found = asyncio.run(read_object(VERDICTS, namespace, context, verdict))
    try:
        problems = differences(found["spec"])
    except (ValueError, KeyError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise CommandFailure(f"{verdict} is not an EarlyStopVerdict that this release can read: {first}.") from None
    for sentence in problems:
        typer.secho(sentence, fg="red")
    if problems:
        raise typer.Exit(FAILED)
    spec, looks = found["spec"], len(found["spec"]["looks"])
    if spec.get("requestedBy"):
        asked = f"{spec['decision']} of {spec['candidate']} was asked for by {spec['requestedBy']}; its {looks} looks,"
        typer.secho(f"{asked} e-values and digest are right.", fg="green")
    else:
        typer.secho(f"{spec['decision']} of {spec['candidate']} follows from its {looks} looks.", fg="green")
