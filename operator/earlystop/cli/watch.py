"""kubectl earlystop watch and wait: a policy until its rollout ends, as the cluster tells of its changes."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from earlystop.cli.connection import Context, Namespace, PolicyName
from earlystop.cli.durations import seconds_of
from earlystop.cli.options import ExitStatus
from earlystop.cli.terminal import console, say


def watch(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    seconds: Annotated[float, typer.Option(help="Time until a watch that broke off is begun again.", min=0.1)] = 1.0,
    exit_status: ExitStatus = False,
) -> None:
    """Show a policy live until its rollout ends. Where the output is no terminal, print a line for every look."""
    from earlystop.cli.endings import exit_code, phase_of  # here, as below: the help needs nothing of what they read
    from earlystop.cli.follow import follow_on

    ended = asyncio.run(follow_on(namespace, context, policy, seconds, console()))
    if exit_status:
        raise typer.Exit(exit_code(phase_of(ended)))


def wait(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Annotated[
        float | None, typer.Option(parser=seconds_of, metavar="DURATION", help="As in 90s, 30m, 12h; else for ever.")
    ] = None,
    exit_status: ExitStatus = False,
) -> None:
    """Wait until a rollout ends, and say how it did."""
    from earlystop.cli.endings import exit_code, phase_of
    from earlystop.cli.follow import wait_for_end
    from earlystop.cli.overview import line

    ended = asyncio.run(wait_for_end(namespace, context, policy, timeout))
    say(line(ended))
    if exit_status:
        raise typer.Exit(exit_code(phase_of(ended)))
