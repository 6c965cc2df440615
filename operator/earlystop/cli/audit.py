"""kubectl earlystop audit: who did what to policies, and when."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from earlystop.cli.connection import Context, Namespace, complete_name, list_objects, namespace_of
from earlystop.cli.failure import CommandFailure
from earlystop.cli.options import Form
from earlystop.cli.records import records_in_cluster
from earlystop.cli.terminal import console, printable, say
from earlystop.controller.resources import APPROVALS, EVENTS, Key
from earlystop.rollout.record.audit import AuditEntry, audit_entries

LONGEST_TOLD = 160
"""Characters of a message in a terminal's table; a pipe and JSON have all of it."""


def command(
    policy: Annotated[
        str | None,
        typer.Argument(help="Name of a policy; without it, all of the namespace.", autocompletion=complete_name),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")] = False,
    output: Annotated[Form, typer.Option("--output", "-o", help="A table for people, or JSON.")] = Form.SCREEN,
) -> None:
    """Show who did what to policies, and when."""
    chosen = None if everywhere else namespace_of(namespace, context)
    records = asyncio.run(records_in_cluster(chosen, context, policy))
    if policy is not None and not records:
        raise CommandFailure(f"there is no policy and no verdict {policy} in namespace {chosen}; name another one.")
    events = _by_policy(asyncio.run(list_objects(EVENTS, chosen, context)))
    approvals = _by_named_policy(asyncio.run(list_objects(APPROVALS, chosen, context, if_served=True)))
    found: list[tuple[str, AuditEntry]] = []
    for key, record in sorted(records.items()):
        entries = audit_entries(key[1], record.verdicts, events.get(key, ()), record.policies, approvals.get(key, ()))
        found += [(key[0], each) for each in entries]
    found.sort(key=lambda each: each[1].at)
    if output is Form.JSON:
        typer.echo(json.dumps([{"namespace": where, **asdict(entry)} for where, entry in found], indent=2))
        return
    if not found:
        say("Nothing was done yet that a verdict or an event tells of.")
        return
    shown = console()
    shown.print(table_of(found, LONGEST_TOLD if shown.is_terminal else None))
    if shown.is_terminal and any(len(entry.told) > LONGEST_TOLD for _, entry in found):
        say("A longer text ends in …; -o json has all of it, and so has a pipe.")
    say("Verdicts stay; events last for about an hour, so pauses and refused requests of earlier are not here.")
    say("Approvals stay until their policy is deleted, or they are: what they led to is in the verdicts.")


def table_of(found: list[tuple[str, AuditEntry]], longest: int | None) -> Table:
    """A row for each thing that was done. longest: characters of a text, None for no bound."""
    table = Table(box=None, pad_edge=False)
    for heading in ("AT", "POLICY", "WHAT", "BY", "WHAT IT SAYS"):
        table.add_column(heading, no_wrap=heading == "AT", overflow="fold")
    for namespace, each in found:
        told = each.told if longest is None or len(each.told) <= longest else f"{each.told[:longest]}…"
        table.add_row(*map(printable, (each.at, f"{namespace}/{each.policy}", each.what, each.who, told)))
    return table


def _by_named_policy(approvals: list[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for each in approvals:
        named = (each.get("spec") or {}).get("policy")
        found[str(each["metadata"].get("namespace", "")), str(named or "")].append(each)
    return found


def _by_policy(events: list[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for each in events:
        about = each.get("involvedObject") or {}
        if about.get("kind") == "EarlyStopPolicy":
            found[str(about.get("namespace", "")), str(about.get("name", ""))].append(each)
    return found
