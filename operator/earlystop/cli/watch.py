"""kubectl earlystop watch and wait: a policy until its rollout ends, as the cluster tells of its changes."""

from __future__ import annotations

import asyncio

import typer

from earlystop.cli.endings import exit_code, phase_of
from earlystop.cli.follow import follow_on, wait_for_end
from earlystop.cli.overview import line
from earlystop.cli.terminal import console, say


def watch_until_end(
    policy: str,
    namespace: str | None,
    context: str | None,
    seconds: float,
    exit_status: bool,
) -> None:
    """Print a policy as it changes, until its rollout ends. Raises CommandFailure."""
    ended = asyncio.run(follow_on(namespace, context, policy, seconds, console()))
    if exit_status:
        raise typer.Exit(exit_code(phase_of(ended)))


def wait_until_end(
    policy: str,
    namespace: str | None,
    context: str | None,
    timeout: float | None,
    exit_status: bool,
) -> None:
    """Return when a rollout has ended. timeout: seconds, None for ever. Raises CommandFailure."""
    ended = asyncio.run(wait_for_end(namespace, context, policy, timeout))
    say(line(ended))
    if exit_status:
        raise typer.Exit(exit_code(phase_of(ended)))
