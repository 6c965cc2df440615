"""kubectl earlystop: what policies are doing, and whether a verdict can be recomputed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from earlystop.cli.failure import replace_closed_streams, run_safely, write_whatever_the_terminal_knows
from earlystop.cli.lazy_commands import LazyCommand, LazyCommands

PROGRAM = "kubectl earlystop"
MANUAL = "earlystop.cli.manual"
COMMANDS = {
    "get": LazyCommand("earlystop.cli.screens", "get_policies", "Show every policy of a namespace in one line."),
    "status": LazyCommand("earlystop.cli.screens", "status", "Show where a policy stands."),
    "watch": LazyCommand("earlystop.cli.watch", "watch", "Show a policy live until its rollout ends."),
    "explain": LazyCommand("earlystop.cli.explain", "command", "Say what a policy waits for in plain words."),
    "wait": LazyCommand("earlystop.cli.watch", "wait", "Wait until a rollout ends, and say how it did."),
    "validate": LazyCommand("earlystop.cli.validate", "command", "Check policies in files, without a cluster."),
    "plan": LazyCommand("earlystop.cli.plan", "command", "Forecast the verdict on EM, which decides last."),
    "simulate": LazyCommand("earlystop.cli.simulate", "command", "Run a policy on made-up traffic."),
    "pause": LazyCommand(MANUAL, "pause", "Freeze a rollout."),
    "resume": LazyCommand(MANUAL, "resume", "Let a paused rollout go on."),
    "promote": LazyCommand(MANUAL, "promote", "Give all requests to the candidate now, whatever is proven."),
    "approve": LazyCommand("earlystop.cli.approve", "approve", "Agree to the decision that waits."),
    "reject": LazyCommand("earlystop.cli.approve", "reject", "Reject the decision that waits."),
    "abort": LazyCommand(MANUAL, "abort", "Give all requests back to the baseline, also after a promotion."),
    "retry": LazyCommand(MANUAL, "retry", "Start a new campaign; nothing counted before counts again."),
    "counts": LazyCommand("earlystop.cli.counts", "command", "Read the counts of a policy."),
    "judge": LazyCommand("earlystop.cli.judge", "command", "Replay counts through the engine."),
    "effort-map": LazyCommand("earlystop.cli.effort_map", "command", "Show the proven thinking budget of each effort."),
    "class-map": LazyCommand("earlystop.cli.class_map", "command", "Print the proven setting of each query class."),
    "history": LazyCommand("earlystop.cli.history", "command", "Show what verdicts teach of each setting."),
    "report": LazyCommand("earlystop.cli.report", "command", "Write a verdict as a page that recomputes itself."),
    "replay": LazyCommand("earlystop.cli.replay", "command", "Replay a campaign look by look."),
    "audit": LazyCommand("earlystop.cli.audit", "command", "Show who did what to policies, and when."),
    "diff": LazyCommand("earlystop.cli.change", "command", "Print the change to commit after a promotion."),
    "statement": LazyCommand(
        "earlystop.cli.statement", "command", "Export a verdict as a statement to sign, or signed."
    ),
    "savings": LazyCommand("earlystop.cli.savings", "command", "Show what policies have saved, in tokens and money."),
    "verify": LazyCommand("earlystop.cli.verify", "command", "Recompute a stored verdict from its looks."),
}


class Commands(LazyCommands):
    """The commands of `kubectl earlystop`."""

    lazy = COMMANDS
    aliases = {"list": "get"}  # noqa: RUF012


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _show_version(asked: bool) -> None:
    if not asked:
        return
    try:
        typer.echo(version("earlystop-operator"))
    except PackageNotFoundError:
        typer.echo("not installed: run from a checkout")
    raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Early-stop rollouts: what they do, and why they decided as they did.

    Exit codes: 0 done; 1 it could not be done, or what was checked is wrong; 2 the command line is wrong. With
    --exit-status, watch and wait end with 3 after a rollback and 4 without a verdict.
    """


def run() -> None:
    """The program."""
    replace_closed_streams()
    write_whatever_the_terminal_knows()
    run_safely(lambda: app(prog_name=PROGRAM))


if __name__ == "__main__":
    run()
