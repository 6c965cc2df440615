"""kubectl earlystop verify: a verdict recomputed from what is stored in it, and the verdicts before it followed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from earlystop.api.wire import POLICY_UID_LABEL
from earlystop.cli.connection import Context, Namespace, list_objects, read_object
from earlystop.cli.documents import STANDARD_INPUT
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.files import read_manifest
from earlystop.cli.terminal import say
from earlystop.controller.cluster import VERDICTS
from earlystop.rollout.verify import chain_differences, object_differences

FILES = (".yaml", ".yml", ".json")


def command(
    verdict: Annotated[
        str,
        typer.Argument(
            help="Name of an EarlyStopVerdict in the cluster. What holds a slash or ends in .yaml, .yml or .json is "
            "the path of a file with one, and - standard input; write ./NAME for a file of another name."
        ),
    ],
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Recompute a stored verdict from its looks, follow the verdicts before it, and say where it differs."""
    from_file = os.sep in verdict or verdict.endswith(FILES) or Path(verdict) == STANDARD_INPUT
    if from_file:
        found = read_manifest(Path(verdict), "EarlyStopVerdict")
    else:
        found = asyncio.run(read_object(VERDICTS, namespace, context, verdict))
    try:
        problems = object_differences(found)
        if not from_file:
            problems += chain_differences(found, asyncio.run(_verdicts_beside(found, context)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CommandFailure(f"{verdict} is not an EarlyStopVerdict that this release can read: {first}.") from None
    for sentence in problems:
        say(sentence, colour="red")
    if problems:
        raise typer.Exit(FAILED)
    spec, looks = found["spec"], len(found["spec"]["looks"])
    if spec.get("approvedBy"):
        say(f"Approved by {', '.join(spec['approvedBy'])}, who were asked about {spec['proposalDigest']}.")
    if spec.get("requestedBy"):
        asked = f"{spec['decision']} of {spec['candidate']} was asked for by {spec['requestedBy']}; its {looks} looks,"
        say(f"{asked} e-values and digest are right.", colour="green")
    else:
        say(f"{spec['decision']} of {spec['candidate']} follows from its {looks} looks.", colour="green")


async def _verdicts_beside(verdict: dict[str, Any], context: str | None) -> list[dict[str, Any]]:
    """All verdicts of the policy that this one is about."""
    label = f"{POLICY_UID_LABEL}={verdict['spec']['policyUid']}"
    return await list_objects(VERDICTS, verdict["metadata"]["namespace"], context, label)
