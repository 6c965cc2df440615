"""An act of a demonstration: one policy from its beginning to its verdict, before your eyes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from earlystop.cli.overview import line
from earlystop.cli.screen.reading import remaining_of
from earlystop.cli.screen.whole import picture
from tests.e2e.stage import Stage

VERDICT_SECONDS = 240.0
ENDED = ("Promoted", "RolledBack", "Held")


@dataclass(frozen=True, slots=True)
class Act:
    """name: of its policy; about: what it tries, for the screen; expected: the phase in which it should end; begin:
    applies the policy; deadline_seconds: how long its end is waited for."""

    name: str
    about: str
    expected: str
    begin: Callable[[], object]
    deadline_seconds: float = VERDICT_SECONDS


def play(stage: Stage, act: Act, console: Console) -> bool:
    """Shows the act, and says whether it ended as expected."""
    console.rule(f"{act.name}: {act.about}")
    began = time.monotonic()
    act.begin()
    policy = _show_until_ended(stage, act, console)
    phase = policy.get("status", {}).get("phase")
    console.print(_story(stage, act.name))
    for verdict in stage.verdicts():
        if verdict["spec"]["policy"] == act.name:
            console.print(f"Verdict {verdict['metadata']['name']}: {verdict['spec']['message']}")
    right = bool(phase == act.expected)
    ending = "as expected" if right else f"not {act.expected} as expected"
    seconds = time.monotonic() - began
    console.print(f"{act.name} is {phase} after {seconds:.0f} s, {ending}", style="green" if right else "red")
    return right


def _show_until_ended(stage: Stage, act: Act, console: Console) -> dict[str, Any]:
    def shown(policy: dict[str, Any]) -> RenderableType:
        now, height = time.time(), console.height - 1 if console.is_terminal else None
        return picture(policy, now, console.width, height=height, remaining=remaining_of(policy, now))

    end = time.monotonic() + act.deadline_seconds
    policy = stage.policy(act.name)
    quiet = not console.is_terminal
    with Live(shown(policy), console=console, auto_refresh=False, transient=quiet) as live:
        said = 0.0
        while policy.get("status", {}).get("phase") not in ENDED and time.monotonic() < end:
            time.sleep(0.5)
            policy = stage.policy(act.name)
            if not quiet:
                live.update(shown(policy), refresh=True)
            elif time.monotonic() - said > 5:
                said = time.monotonic()
                console.print(line(policy), soft_wrap=True)
    if quiet:
        console.print(shown(policy))
    return policy


def _story(stage: Stage, name: str) -> Table:
    table = Table("event", "what happened", title=f"events of {name}", title_justify="left")
    for reason, note in stage.events(name):
        table.add_row(reason, note)
    return table
