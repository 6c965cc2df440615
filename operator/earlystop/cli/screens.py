"""kubectl earlystop status, watch and list: where policies stand, once or live."""

from __future__ import annotations

import asyncio
import json
import time
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console, RenderableType
from rich.live import Live

from earlystop.cli.connection import (
    Context,
    Namespace,
    PolicyName,
    connected,
    explained,
    list_objects,
    namespace_of,
    read_object,
)
from earlystop.cli.failure import CommandFailure
from earlystop.cli.screen import line, overview, picture
from earlystop.cli.terminal import console, say
from earlystop.controller.cluster import POLICIES, ClusterError, Manifest
from earlystop.rollout.state import ENDED

ENDED_PHASES = frozenset(phase.value for phase in ENDED)
ROLLED_BACK, UNDECIDED = 3, 4
EXIT_CODES = {"Promoted": 0, "Reported": 0, "RolledBack": ROLLED_BACK, "Held": UNDECIDED}


class Format(StrEnum):
    """How an object is printed."""

    SCREEN = "screen"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[Format, typer.Option("--output", "-o", help="A screen for people, or the object itself.")]


def status(
    policy: PolicyName, namespace: Namespace = None, context: Context = None, output: Output = Format.SCREEN
) -> None:
    """Show where a policy stands."""
    found = asyncio.run(read_object(POLICIES, namespace, context, policy))
    if output is Format.SCREEN:
        shown = console()
        shown.print(_picture(found, shown.width))
    else:
        typer.echo(json.dumps(found) if output is Format.JSON else yaml.safe_dump(found, sort_keys=False))


def watch(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    seconds: Annotated[float, typer.Option(help="Time between two readings.", min=0.1)] = 1.0,
    exit_status: Annotated[
        bool, typer.Option("--exit-status", help="Exit with 3 after a rollback and 4 without a verdict.")
    ] = False,
) -> None:
    """Show a policy live until its rollout ends. Where the output is no terminal, print a line for every change."""
    ended = asyncio.run(_watch(namespace_of(namespace, context), context, policy, seconds, console()))
    if exit_status:
        raise typer.Exit(exit_code(ended))


def list_policies(
    namespace: Namespace = None,
    context: Context = None,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")] = False,
) -> None:
    """Show every policy of a namespace in one line."""
    chosen = None if everywhere else namespace_of(namespace, context)
    found = asyncio.run(list_objects(POLICIES, chosen, context))
    if found:
        console().print(overview(found))
    else:
        typer.echo("There are no policies." if everywhere else f"There are no policies in namespace {chosen}.")


def exit_code(phase: str) -> int:
    """Exit code of --exit-status for the phase in which a campaign ended."""
    return EXIT_CODES.get(phase, UNDECIDED)


async def _watch(namespace: str, context: str | None, name: str, seconds: float, shown: Console) -> str:
    """Show the policy until its campaign has ended. Returns the phase in which it did.

    Readings that fail are told and repeated. Raises CommandFailure when the policy is not there, or no longer.
    """
    policy: Manifest = await read_object(POLICIES, namespace, context, name)
    async with connected(context) as cluster:
        with Live(console=shown, auto_refresh=False, transient=False) as live:
            last = ""
            while True:
                last = _show(policy, shown, live, last)
                phase = str(policy.get("status", {}).get("phase", ""))
                if phase in ENDED_PHASES:
                    return phase
                await asyncio.sleep(seconds)
                try:
                    found = await cluster.get(POLICIES, namespace, name)
                except ClusterError as error:
                    say(f"{explained(error, 'get', namespace, POLICIES)} It is tried again.", is_problem=True)
                    continue
                if found is None:
                    raise CommandFailure(f"The policy {namespace}/{name} was deleted.")
                policy = found


def _picture(policy: Manifest, width: int) -> RenderableType:
    """The screen of a policy. Raises CommandFailure for one that another release wrote."""
    try:
        return picture(policy, time.time(), width)
    except (ValueError, KeyError, TypeError):
        name = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
        raise CommandFailure(
            f"{name} is not of a form that this release can show; the operator may be of another. See it with -o yaml."
        ) from None


def _show(policy: dict[str, Any], shown: Console, live: Live, last: str) -> str:
    """Show the policy, on a terminal in place of what was shown before. Returns the line that stands for it."""
    text = line(policy)
    if shown.is_terminal:
        live.update(_picture(policy, shown.width), refresh=True)
    elif text != last:
        typer.echo(text)
    return text
