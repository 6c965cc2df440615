"""`make demo`: one setting promoted and another rolled back, before your eyes, on a real API server."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from tests.cluster.errors import ClusterError
from tests.e2e.acts import Act, play
from tests.e2e.scene import Scene, scene
from tests.e2e.stage import BUILTIN, Stage

RATE = 400.0
PLAYED = ("patient", "hasty")
RISK = "0.05"
"""Of both acts, as by default. Of 60 simulated ones, half of the first act's ended within 36 s of looks and nine of ten
within 65, of the second act's within 32 and 61. At 0.01 these would be 39, 97, 53 and 97."""
GOING_ON = "steady"
"""The policy that is under way when both acts are over."""

console = Console(width=None if sys.stdout.isatty() else 140)


def main(
    data: Annotated[str, typer.Option(help="JSONL file of recorded generations, or 'builtin'.")] = BUILTIN,
    keep: Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Play the two acts. Exits with 0 only if both verdicts are right."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell that starts the demo in the background lets it ignore Ctrl-C's signal, and it would never end by that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    try:
        with scene(os.environ.get("KUBECONFIG")) as setting, _stage(setting, data) as stage:
            seconds = time.monotonic() - began
            console.print(f"Cluster, gateway, Prometheus, server and operator are up after {seconds:.0f} s.")
            right = [play(stage, act, console) for act in _acts(stage)]
            if keep:
                _go_on(setting, stage)
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


def _acts(stage: Stage) -> list[Act]:
    """Each begins with the end of the one before: two policies may not move the traffic of one target."""
    patient, hasty = PLAYED

    def try_less() -> None:
        _abort(stage, patient)
        stage.apply_policy(hasty, 1, "0.01", risk=RISK)

    return [
        Act(
            patient,
            "window 40 to 5, at most 2 points of EM may be lost",
            "Promoted",
            lambda: stage.apply_policy(patient, 5, "0.02", risk=RISK),
        ),
        Act(hasty, "window 40 to 1, at most 1 point of EM may be lost", "RolledBack", try_less),
    ]


def _abort(stage: Stage, name: str) -> None:
    """Give a promoted policy's requests back to the baseline, as `kubectl earlystop abort` does: the policy stays."""
    revision = stage.policy(name)["status"]["revision"]
    words = ("annotate", f"esp/{name}", f"earlystop.dev/abort={revision}", f"--namespace={stage.namespace}")
    stage.access.kubectl(*words)


def _go_on(setting: Scene, stage: Stage) -> None:
    """Leave a rollout under way beside those that were played, and a shell to look at them with, until Ctrl-C."""
    stage.apply_policy(GOING_ON, 10, "0.005", deadlineSeconds=86_400)
    console.print(f"Everything keeps running, and {GOING_ON} is tried now: window 40 to 10, at most half a point of EM")
    console.print("may be lost, which takes its time. For a shell with kubectl and this project's command in it:")
    console.print(setting.shell_command(stage), style="bold", soft_wrap=True)
    patient, hasty = PLAYED
    console.print(f"The others are there, too: {patient}, which was promoted and then aborted, since a promoted policy")
    console.print(f"keeps its traffic and the next one needed it; and {hasty}, which was rolled back. There, try:")
    commands = ("get", f"watch {GOING_ON}", f"explain {GOING_ON}", f"status {hasty}", f"verify --chain {patient}")
    for command in (*commands, f"abort {GOING_ON}"):
        console.print(f"  kubectl earlystop {command}", style="bold")
    console.print("Ctrl-C ends it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("Ending.")


if __name__ == "__main__":
    typer.run(main)
