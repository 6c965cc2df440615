"""Names of the cluster's policies, for a shell that completes a word."""

from __future__ import annotations

import asyncio

from earlystop.cli.connection import list_objects, namespace_of
from earlystop.cli.failure import CommandFailure
from earlystop.controller.resources import POLICIES

COMPLETION_SECONDS = 2.0
"""So long a shell that completes a name waits for the cluster."""


def names_from(namespace: str | None, context: str | None, beginning: str) -> list[str]:
    """Names of policies that begin so; none where the cluster does not answer at once."""
    try:
        asked = list_objects(POLICIES, namespace_of(namespace, context), context)
        found = asyncio.run(asyncio.wait_for(asked, COMPLETION_SECONDS))
    except (CommandFailure, TimeoutError):
        return []
    return [name for each in found if (name := each["metadata"]["name"]).startswith(beginning)]
