"""Searches for the tests: settings of a window, and traffic for each of them."""

from __future__ import annotations

from typing import Any

from earlystop.api.policy import PolicySpec
from tests.unit.rollout.policies import policy
from tests.unit.rollout.several import Answering

WINDOWS = ["20", "10", "5", "3"]
NAMES = tuple(f"window-{each}" for each in WINDOWS)
# Each saves more than the one before; the boldest loses far more than the margin of 5 points.
CURVE = (Answering(0.8, 500), Answering(0.8, 400), Answering(0.79, 250), Answering(0.4, 100))


def search(strategy: str, rollout: dict[str, Any], values: list[str] | None = None, **changes: Any) -> PolicySpec:
    """A policy that searches its window."""
    searched = [{"name": "window", "values": WINDOWS if values is None else values}]
    written = {"strategy": strategy, "parameters": searched}
    return policy({"candidates": None, "search": written, "rollout": rollout, **changes})


GRID = search("Grid", {"steps": [{"weight": 80, "minimumSeconds": 60}]})
SHADOW_FIRST = search("Grid", {"shadowSeconds": 60})
SHADOW_ONLY = search(
    "Grid",
    {"steps": [], "minimumSeconds": 60},
    delivery={"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}},
)
