"""`make demo`: one setting promoted and another rolled back, before your eyes, on a real API server."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from earlystop.cli.screen import line, picture
from tests.cluster.errors import ClusterError
from tests.e2e.scene import Scene, scene
from tests.e2e.stage import BUILTIN, Stage

VERDICT_SECONDS = 240.0
RATE = 400.0
ENDED = ("Promoted", "RolledBack", "Held")
ACTS = (
    ("patient", 5, "0.02", "Promoted", "window 40 to 5, at most 2 points of EM may be lost"),
    ("hasty", 1, "0.01", "RolledBack", "window 40 to 1, at most 1 point of EM may be lost"),
)

console = Console(width=None if sys.stdout.isatty() else 140)


def main(
    data: Annotated[str, typer.Option(help="JSONL file of recorded generations, or 'builtin'.")] = BUILTIN,
    keep: Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Play the two acts. Exits with 0 only if both verdicts are right."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    try:
        with scene(os.environ.get("KUBECONFIG")) as setting, _stage(setting, data) as stage:
            seconds = time.monotonic() - began
            console.print(f"Cluster, gateway, Prometheus, server and operator are up after {seconds:.0f} s.")
            right = [_act(stage, *act) for act in ACTS]
            if keep:
                _flush_status(setting)
    except ClusterError as error:
        console.print(str(error), style="red")
        raise typer.Exit(1) from None
    console.print(f"{sum(right)} of {len(right)} verdicts as expected, {time.monotonic() - began:.0f} s in all.")
    raise typer.Exit(0 if all(right) else 1)


@contextmanager
def _stage(setting: Scene, data: str) -> Iterator[Stage]:
    with setting.stage(data=data) as stage:
        stage.start_load(RATE)
        stage.start_operator()
        yield stage


def _act(stage: Stage, name: str, window: int, margin: str, expected: str, about: str) -> bool:
    console.rule(f"{name}: {about}")
    began = time.monotonic()
    for earlier, *_ in ACTS[: [act[0] for act in ACTS].index(name)]:
        # Two policies may not move the traffic of one target.
        stage.delete_policy(earlier)
    stage.apply_policy(name, window, margin)
    policy = _show_until_ended(stage, name)
    phase = policy.get("status", {}).get("phase")
    console.print(_story(stage, name))
    for verdict in stage.verdicts():
        if verdict["spec"]["policy"] == name:
            console.print(f"Verdict {verdict['metadata']['name']}: {verdict['spec']['message']}")
    right = bool(phase == expected)
    ending = "as expected" if right else f"not {expected} as expected"
    seconds = time.monotonic() - began
    console.print(f"{name} is {phase} after {seconds:.0f} s, {ending}", style="green" if right else "red")
    return right


def _picture(policy: dict[str, Any]) -> RenderableType:
    return picture(policy, time.time(), console.width)


def _show_until_ended(stage: Stage, name: str) -> dict[str, Any]:
    end = time.monotonic() + VERDICT_SECONDS
    policy = stage.policy(name)
    quiet = not console.is_terminal
    with Live(_picture(policy), console=console, auto_refresh=False, transient=quiet) as live:
        said = 0.0
        while policy.get("status", {}).get("phase") not in ENDED and time.monotonic() < end:
            time.sleep(0.5)
            policy = stage.policy(name)
            if not quiet:
                live.update(_picture(policy), refresh=True)
            elif time.monotonic() - said > 5:
                said = time.monotonic()
                console.print(line(policy))
    if quiet:
        console.print(_picture(policy))
    return policy


def _story(stage: Stage, name: str) -> Table:
    table = Table("event", "what happened", title=f"events of {name}", title_justify="left")
    for reason, note in stage.events(name):
        table.add_row(reason, note)
    return table


def _flush_status(setting: Scene) -> None:
    console.print("Everything keeps running. For a shell with kubectl in it:")
    console.print(setting.shell_command(), style="bold", soft_wrap=True)
    console.print("Ctrl-C ends it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("Ending.")


if __name__ == "__main__":
    typer.run(main)
