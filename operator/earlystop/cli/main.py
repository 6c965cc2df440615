"""kubectl earlystop: what policies are doing, and whether a verdict can be recomputed."""

from __future__ import annotations

from typing import Annotated

import typer

from earlystop.cli.failure import replace_closed_streams, run_safely, write_whatever_the_terminal_knows
from earlystop.cli.lazy_commands import LazyCommand, LazyCommands
from earlystop.cli.short_process import short_process

PROGRAM = "kubectl earlystop"
ANSWERS = "earlystop.cli.commands.answers"
FILES = "earlystop.cli.commands.files"
FORECASTS = "earlystop.cli.commands.forecasts"
OUTCOMES = "earlystop.cli.commands.outcomes"
PROGRESS = "earlystop.cli.commands.progress"
RECORD = "earlystop.cli.commands.record"
REQUESTS = "earlystop.cli.commands.requests"
COMMANDS = {
    "get": LazyCommand(PROGRESS, "get_policies", "Show every policy of a namespace in one line."),
    "status": LazyCommand(PROGRESS, "status", "Show where a policy stands."),
    "watch": LazyCommand(PROGRESS, "watch", "Show a policy live until its rollout ends."),
    "explain": LazyCommand(PROGRESS, "explain", "Say what a policy waits for in plain words."),
    "wait": LazyCommand(PROGRESS, "wait", "Wait until a rollout ends, and say how it did."),
    "validate": LazyCommand(FILES, "validate", "Check policies in files, without a cluster."),
    "plan": LazyCommand(FORECASTS, "plan", "Forecast the verdict on EM, which decides last."),
    "simulate": LazyCommand(FORECASTS, "simulate", "Run a policy on made-up traffic."),
    "pause": LazyCommand(REQUESTS, "pause", "Freeze a rollout."),
    "resume": LazyCommand(REQUESTS, "resume", "Let a paused rollout go on."),
    "promote": LazyCommand(REQUESTS, "promote", "Give all requests to the candidate now, whatever is proven."),
    "approve": LazyCommand(ANSWERS, "approve", "Agree to the decision that waits."),
    "reject": LazyCommand(ANSWERS, "reject", "Reject the decision that waits."),
    "abort": LazyCommand(REQUESTS, "abort", "Give all requests back to the baseline, also after a promotion."),
    "retry": LazyCommand(REQUESTS, "retry", "Start a new campaign; nothing counted before counts again."),
    "counts": LazyCommand(FILES, "counts", "Read the counts of a policy."),
    "judge": LazyCommand(FILES, "judge", "Replay counts through the engine."),
    "effort-map": LazyCommand(OUTCOMES, "effort_map", "Show the proven thinking budget of each effort."),
    "class-map": LazyCommand(OUTCOMES, "class_map", "Print the proven setting of each query class."),
    "history": LazyCommand(OUTCOMES, "history", "Show what verdicts teach of each setting."),
    "report": LazyCommand(RECORD, "report", "Write a verdict as a page that recomputes itself."),
    "replay": LazyCommand(RECORD, "replay", "Replay a campaign look by look."),
    "audit": LazyCommand(RECORD, "audit", "Show who did what to policies, and when."),
    "diff": LazyCommand(OUTCOMES, "diff", "Print the change to commit after a promotion."),
    "statement": LazyCommand(RECORD, "statement", "Export a verdict as a statement to sign, or signed."),
    "savings": LazyCommand(OUTCOMES, "savings", "Show what policies have saved, in tokens and money."),
    "verify": LazyCommand(RECORD, "verify", "Recompute a stored verdict from its looks."),
}
ELSEWHERE = {
    "version": f"{PROGRAM} --version",
    "help": f"{PROGRAM} --help, or --help after a command",
    "apply": "kubectl apply -f FILE",
    "create": "kubectl apply -f FILE",
    "edit": "kubectl edit esp NAME",
    "delete": "kubectl delete esp NAME, which sends all requests by your own route again",
    "describe": f"kubectl describe esp NAME, or {PROGRAM} status NAME",
    "events": "kubectl events --for esp/NAME",
    "logs": "kubectl logs --namespace earlystop-system --selector app.kubernetes.io/name=earlystop",
    "rollback": f"{PROGRAM} abort NAME, which gives all requests back to the baseline",
    "undo": f"{PROGRAM} abort NAME, which gives all requests back to the baseline",
    "stop": f"{PROGRAM} pause NAME, or {PROGRAM} abort NAME",
    "start": f"kubectl apply -f FILE, or {PROGRAM} resume NAME after a pause",
    "restart": f"{PROGRAM} retry NAME, which begins a new campaign",
}
"""What to write for commands that kubectl or other rollout tools have, and this program has not."""


class Commands(LazyCommands):
    """The commands of `kubectl earlystop`."""

    lazy = COMMANDS
    aliases = {"list": "get"}  # noqa: RUF012
    elsewhere = ELSEWHERE


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _show_version(asked: bool) -> None:
    if not asked:
        return
    from importlib.metadata import PackageNotFoundError, version  # here: it reads e-mails' headers, and no command does

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
    with short_process():
        run_safely(lambda: app(prog_name=PROGRAM))


if __name__ == "__main__":
    run()
