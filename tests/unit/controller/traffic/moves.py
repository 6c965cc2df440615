"""Weights to put in force, and the route on which they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp

from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import POLICIES, ROUTES
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.put_in_force import (
    put_in_force,
)
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.names import overlay_name
from earlystop.delivery.split import TrafficSplit
from earlystop.rollout.plan import parse_plan, plan_text
from tests.unit.controller.embedded_world import World
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest
from tests.unit.delivery.cluster import spec_in, split
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.states import REACHED
from tests.unit.rollout.traffic import SAME

HALF, ALL, NONE = split(50, step=2), split(100, step=2), split(0, step=2)


class Moves:
    """One policy whose shares are put in force, an hour between two. searches: whether it is a search's trial. spec:
    what it says, where that is not what every policy of the mode says here."""

    def __init__(self, mode: str = "GatewayHeader", *, searches: bool = False, spec: PolicySpec | None = None) -> None:
        self.api: Memory = World(SAME).api
        self.api.injector_image = "earlystop:1"
        spec = spec_in(mode) if spec is None else spec
        # The looks that it has had count no users.
        changes: dict[str, Any] = {
            "parameters": [each.wire() for each in spec.parameters],
            "delivery": {"gatewayHeader": None, **spec.delivery.wire()},
            "objective": {"exactMatch": {"assumeIndependent": True}},
            **({"search": {"parameters": [{"name": "window", "values": ["10"]}]}} if searches else {}),
        }
        state = replace(REACHED["observing"], plan=parse_plan(plan_text(policy(changes))))
        self.tracked = TrackedPolicy.load(self.api.put(POLICIES, manifest(state, changes=changes)), NOW)
        self.now = float(NOW)

    async def in_force(self, split: TrafficSplit) -> None:
        """A new overlay comes in two writes: first its alias Services, then the route."""
        await self.put(split)
        await self.put(split)

    async def put(self, split: TrafficSplit, seconds: float = 3600.0) -> SplitResult:
        self.now += seconds
        async with aiohttp.ClientSession() as http:
            return await put_in_force(self.api, http, self.tracked, split, self.now)

    def overlay_weights(self) -> set[tuple[int, ...]]:
        return weights_in(self.api.at(ROUTES, "llm", overlay_name("qa")))
