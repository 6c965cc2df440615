"""kubectl earlystop status and get: where policies stand, each on a screen or in a line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import typer

from earlystop.cli.connection import (
    connected,
    list_objects,
    namespace_of,
    read_from,
    read_object,
)
from earlystop.cli.files.yaml_values import as_yaml
from earlystop.cli.options import ListForm, ObjectForm
from earlystop.cli.terminal import console
from earlystop.controller.resources import POLICIES


def show_status(policy: str, namespace: str | None, context: str | None, output: ObjectForm) -> None:
    """Print where a policy stands. Raises CommandFailure."""
    asyncio.run(_status(policy, namespace, context, output))


async def _status(name: str, namespace: str | None, context: str | None, output: ObjectForm) -> None:
    async with connected(context) as cluster:
        found = await read_from(cluster, POLICIES, namespace_of(namespace, context), name)
        if output is not ObjectForm.SCREEN:
            _print_object(found, is_json=output is ObjectForm.JSON)
            return
        # Here, as in the other command: objects as they are need nothing of what draws a screen.
        from earlystop.cli.recorded import with_recorded_looks
        from earlystop.cli.screen.reading import latest_events, reading, screen_of, with_remaining

        events = await latest_events(cluster, found)
        found = await with_recorded_looks(cluster, found)
    shown = console()
    shown.print(screen_of(with_remaining(reading(found, shown, events=events))))


def show_policies(
    policy: str | None,
    namespace: str | None,
    context: str | None,
    everywhere: bool,
    output: ListForm,
) -> None:
    """Print every policy of a namespace, one policy, or all there are. Raises CommandFailure."""
    if policy is not None and everywhere:
        raise typer.BadParameter("A name is of one namespace; write --namespace, or no name.")
    chosen = None if everywhere else namespace_of(namespace, context)
    if policy is None:
        found = asyncio.run(list_objects(POLICIES, chosen, context))
    else:
        found = [asyncio.run(read_object(POLICIES, namespace, context, policy))]
    if output in (ListForm.JSON, ListForm.YAML):
        kept: Any = {"apiVersion": "v1", "kind": "List", "items": found} if policy is None else found[0]
        _print_object(kept, is_json=output is ListForm.JSON)
    elif found:
        from earlystop.cli.overview import overview

        console().print(overview(found, wide=output is ListForm.WIDE))
    else:
        typer.echo("There are no policies." if everywhere else f"There are no policies in namespace {chosen}.")


def _print_object(found: Any, *, is_json: bool) -> None:
    typer.echo(json.dumps(found) if is_json else as_yaml(found))
