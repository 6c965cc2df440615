"""Requests by annotations: how people write them, and what the operator told of them."""

from __future__ import annotations

from earlystop.controller.cluster import EVENTS
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import Quality

SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)
SAME = Quality(requests=40)
ONE_STEP = {"rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 900}}
ABORT, PROMOTE, RETRY = (f"earlystop.dev/{name}" for name in ("abort", "promote", "retry"))
SUSPEND_BY = "earlystop.dev/suspend-by"


def by(verb: str, user: str, value: str) -> dict[str, str]:
    """A request with its signature."""
    return {verb: value, f"{verb}-by": f"{user} for {value}"}


def events(world: World) -> list[tuple[str, str]]:
    made = [each for path, each in world.api.objects.items() if path.startswith(EVENTS.path("llm"))]
    return [(each["reason"], each["message"]) for each in made]


def told(world: World, reason: str) -> list[str]:
    return [note for found, note in events(world) if found == reason]


async def under_way(world: World, phase: str = "Observing") -> str:
    """The revision of a campaign that has come so far."""
    await world.reconcile_until(phase)
    return str(world.status["revision"])
