"""kubectl earlystop effort-map, class-map, history, diff and savings: what came of it. Options and help alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earlystop.cli.options import (
    Context,
    Everywhere,
    Form,
    MapForm,
    Namespace,
    PolicyName,
    VerdictFiles,
    complete_name,
)


def effort_map(
    policy: Annotated[
        str | None,
        typer.Argument(
            help="Policy whose verdicts it is about; it may be left out where just one has proven budgets.",
            autocompletion=complete_name,
        ),
    ] = None,
    file: VerdictFiles = None,
    namespace: Namespace = None,
    context: Context = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON, for a gateway's or client's configuration.")
    ] = False,
) -> None:
    """Show the proven thinking budget of each effort, and how each engine takes it."""
    from earlystop.cli.effort_map import print_effort_map

    print_effort_map(policy, file, namespace, context, as_json)


def class_map(
    policy: PolicyName,
    file: VerdictFiles = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Annotated[MapForm, typer.Option("--output", "-o", help="How the file is written.")] = MapForm.YAML,
) -> None:
    """Print the proven setting of each query class, as one file for routers."""
    from earlystop.cli.class_map import print_class_map

    print_class_map(policy, file, namespace, context, output)


def history(
    policy: Annotated[
        str | None,
        typer.Argument(
            help="Policy whose parameters and baseline it is about; without it, all there are.",
            autocompletion=complete_name,
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file", "-f", help="File with EarlyStopVerdicts and the policy, in place of the cluster's. Repeatable."
        ),
    ] = None,
    also_from: Annotated[
        list[str] | None,
        typer.Option("--from", help="Another namespace whose verdicts count, which you may read. Repeatable."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="A screen for people, or JSON.")] = Form.SCREEN,
) -> None:
    """Show what verdicts teach of each setting."""
    from earlystop.cli.history import show_history

    show_history(policy, file, also_from, namespace, context, output)


def diff(
    policy: PolicyName,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="The policy's file in Git: the diff is of this, its comments stay."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Print the change to commit after a promotion."""
    from earlystop.cli.change import print_change

    print_change(policy, file, namespace, context)


def savings(
    policy: Annotated[
        str | None, typer.Argument(help="One policy; without it, all of the namespace.", autocompletion=complete_name)
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    everywhere: Everywhere = False,
    output: Annotated[Form, typer.Option("--output", "-o", help="A screen for people, or JSON.")] = Form.SCREEN,
) -> None:
    """Show what policies have saved, in tokens and money."""
    from earlystop.cli.savings import show_savings

    show_savings(policy, namespace, context, everywhere, output)
