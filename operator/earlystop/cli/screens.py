"""kubectl earlystop status and get: where policies stand, each on a screen or in a line."""

from __future__ import annotations

import asyncio
import json
import time
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from earlystop.cli.connection import (
    Context,
    MaybePolicyName,
    Namespace,
    PolicyName,
    connected,
    list_objects,
    namespace_of,
    read_from,
    read_object,
)
from earlystop.cli.terminal import console
from earlystop.controller.resources import POLICIES


class Format(StrEnum):
    """How an object is printed."""

    SCREEN = "screen"
    JSON = "json"
    YAML = "yaml"


class ListFormat(StrEnum):
    """How policies are printed."""

    LINES = "lines"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[Format, typer.Option("--output", "-o", help="A screen for people, or the object itself.")]
ListOutput = Annotated[
    ListFormat, typer.Option("--output", "-o", help="A line each, a longer one, or the objects themselves.")
]


def status(
    policy: PolicyName, namespace: Namespace = None, context: Context = None, output: Output = Format.SCREEN
) -> None:
    """Show where a policy stands."""
    asyncio.run(_status(policy, namespace, context, output))


async def _status(name: str, namespace: str | None, context: str | None, output: Format) -> None:
    # Here, as in the other command: its help, and objects as they are, need nothing of what draws a screen.
    from earlystop.cli.recorded import with_recorded_looks
    from earlystop.cli.screen.reading import latest_events, reading, remaining_of, screen_of

    async with connected(context) as cluster:
        found = await read_from(cluster, POLICIES, namespace_of(namespace, context), name)
        if output is not Format.SCREEN:
            _print_object(found, is_json=output is Format.JSON)
            return
        events = await latest_events(cluster, found)
        found = await with_recorded_looks(cluster, found)
    shown = console()
    shown.print(screen_of(reading(found, shown, remaining_of(found, time.time()), events)))


def get_policies(
    policy: MaybePolicyName = None,
    namespace: Namespace = None,
    context: Context = None,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")] = False,
    output: ListOutput = ListFormat.LINES,
) -> None:
    """Show every policy of a namespace in one line."""
    if policy is not None and everywhere:
        raise typer.BadParameter("a name is of one namespace; write --namespace, or no name.")
    chosen = None if everywhere else namespace_of(namespace, context)
    if policy is None:
        found = asyncio.run(list_objects(POLICIES, chosen, context))
    else:
        found = [asyncio.run(read_object(POLICIES, namespace, context, policy))]
    if output in (ListFormat.JSON, ListFormat.YAML):
        kept: Any = {"apiVersion": "v1", "kind": "List", "items": found} if policy is None else found[0]
        _print_object(kept, is_json=output is ListFormat.JSON)
    elif found:
        from earlystop.cli.overview import overview

        console().print(overview(found, wide=output is ListFormat.WIDE))
    else:
        typer.echo("There are no policies." if everywhere else f"There are no policies in namespace {chosen}.")


def _print_object(found: Any, *, is_json: bool) -> None:
    typer.echo(json.dumps(found) if is_json else yaml.safe_dump(found, sort_keys=False))
