"""A policy until its rollout has ended, as the cluster tells of its changes: live on a terminal, else in lines."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import typer
from rich.console import Console
from rich.live import Live

from earlystop.cli.endings import is_over, phase_of
from earlystop.cli.failure import CommandFailure
from earlystop.cli.overview import line
from earlystop.cli.policy_changes import PolicyChanges, policy_changes
from earlystop.cli.screen.reading import forecast_beside, reading, screen_of
from earlystop.cli.screen.view import View, status_of
from earlystop.controller.resources import Manifest
from earlystop.simulation.remaining_time import Remaining

REDRAW_SECONDS = 1.0
FORECAST_BY = ("lastLookAt", "phase", "step")
"""Parts of a status that a forecast depends on."""


async def wait_for_end(namespace: str | None, context: str | None, name: str, seconds: float | None) -> Manifest:
    """The policy once its rollout has ended. Raises CommandFailure when it has not by then."""
    latest: Manifest = {}
    try:
        async with asyncio.timeout(seconds), policy_changes(namespace, context, name, 1.0) as changes:
            async for latest in changes:
                if is_over(latest):
                    return latest
    except TimeoutError:
        where = f"kubectl earlystop explain {name}" + (f" -n {namespace}" if namespace else "")
        stands = f"is {phase_of(latest)}" if latest else "was not read"
        raise CommandFailure(f"{name} {stands} after {seconds:g} s. What it waits for: {where}.") from None
    raise AssertionError("changes never end by themselves")


async def follow_on(namespace: str | None, context: str | None, name: str, seconds: float, shown: Console) -> Manifest:
    """Show the policy until its campaign has ended; on a terminal in place of what was shown before.

    Returns it as it then is. Raises CommandFailure when it is deleted, or may not be watched.
    """
    async with policy_changes(namespace, context, name, seconds) as changes:
        if shown.is_terminal:
            return await _show_live(changes, shown)
        last = None
        async for policy in changes:
            text = line(policy)
            stands = (text, status_of(policy).get("lastLookAt"))
            if stands != last:
                typer.echo(text)
            last = stands
            if is_over(policy):
                return policy
    raise AssertionError("changes never end by themselves")


async def _show_live(changes: PolicyChanges, shown: Console) -> Manifest:
    """As `follow_on` on a terminal. Between changes the clock on the screen goes on."""
    view: View | None = None
    policy: Manifest | None = await anext(changes)
    with Live(console=shown, auto_refresh=False, transient=False, vertical_overflow="crop") as live:
        while True:
            if view is None or policy is not None:
                assert policy is not None  # or there is a view of the one before
                policy = await changes.with_looks(policy)
                view = reading(policy, shown, await _forecast_again(policy, view), await changes.events())
            # One line is kept for the cursor, or the terminal would scroll.
            live.update(screen_of(replace(view, width=shown.width), shown.height - 1), refresh=True)
            if is_over(view.policy):
                return view.policy
            policy = await changes.within(REDRAW_SECONDS)


async def _forecast_again(policy: Manifest, before: View | None) -> Remaining | None:
    """How long the policy still takes; asked anew only after a look, since it takes a moment."""
    if before is not None and all(status_of(policy).get(each) == before.status.get(each) for each in FORECAST_BY):
        return before.remaining
    return await forecast_beside(policy)
