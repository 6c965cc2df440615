"""kubectl earlystop get, status, watch, wait and explain: where policies stand. Options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from earlystop.cli.durations import seconds_of
from earlystop.cli.options import (
    Context,
    Everywhere,
    ExitStatus,
    ListForm,
    MaybePolicyName,
    Namespace,
    ObjectForm,
    PolicyName,
)


def get_policies(
    policy: MaybePolicyName = None,
    namespace: Namespace = None,
    context: Context = None,
    everywhere: Everywhere = False,
    output: Annotated[
        ListForm, typer.Option("--output", "-o", help="A line each, a longer one, or the objects themselves.")
    ] = ListForm.LINES,
) -> None:
    """Show every policy of a namespace in one line."""
    from earlystop.cli.screens import show_policies

    show_policies(policy, namespace, context, everywhere, output)


def status(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    output: Annotated[
        ObjectForm, typer.Option("--output", "-o", help="A screen for people, or the object itself.")
    ] = ObjectForm.SCREEN,
) -> None:
    """Show where a policy stands."""
    from earlystop.cli.screens import show_status

    show_status(policy, namespace, context, output)


def watch(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    seconds: Annotated[float, typer.Option(help="Time until a watch that broke off is begun again.", min=0.1)] = 1.0,
    exit_status: ExitStatus = False,
) -> None:
    """Show a policy live until its rollout ends. Where the output is no terminal, print a line for every look."""
    from earlystop.cli.watch import watch_until_end

    watch_until_end(policy, namespace, context, seconds, exit_status)


def wait(
    policy: PolicyName,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            parser=seconds_of, metavar="DURATION", help="How long at most, as in 90s, 30m or 12h; without it, for ever."
        ),
    ] = None,
    exit_status: ExitStatus = False,
) -> None:
    """Wait until a rollout ends, and say how it did."""
    from earlystop.cli.watch import wait_until_end

    wait_until_end(policy, namespace, context, timeout, exit_status)


def explain(policy: PolicyName, namespace: Namespace = None, context: Context = None) -> None:
    """Say what a policy waits for in plain words: what would promote it, take it back, or end it."""
    from earlystop.cli.explain import show_explanation

    show_explanation(policy, namespace, context)
