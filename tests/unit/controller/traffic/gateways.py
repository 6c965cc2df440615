"""A gateway with an echoing server behind it, that can be broken in part."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from earlystop.api.wire import ECHO_HEADER
from earlystop.controller.cluster import GATEWAYS, ROUTES
from earlystop.controller.traffic.turns import TrafficTurns
from earlystop.controller.traffic.watch_candidates import SECONDS_BETWEEN, watch_candidates
from earlystop.delivery.headers import MODIFIER
from earlystop.delivery.names import overlay_name
from earlystop.delivery.split import TrafficSplit
from tests.unit.controller.memory import Memory
from tests.unit.controller.traffic.moves import HALF, Moves
from tests.unit.delivery.cluster import gateway
from tests.unit.delivery.probe_answers import served


@dataclass
class Gateway:
    """A gateway with an echoing server behind it. broken: names of Services to which it cannot lead. hangs_up: whether
    it ends each connection without an answer. asked: how many probes it was sent."""

    api: Memory
    broken: set[str] = field(default_factory=set)
    hangs_up: bool = False
    asked: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(5))

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.hangs_up and request.transport is not None:
            request.transport.abort()
        got = {name.lower(): value for name, value in request.headers.items()}
        route = self.api.objects.get(ROUTES.path("llm", overlay_name("qa")))
        rules = route["spec"]["rules"] if route and "parentRefs" in route["spec"] else []
        matches = [(each.get("headers", []), rule) for rule in rules for each in rule["matches"]]
        for asked, rule in sorted(matches, key=lambda each: -len(each[0])):
            if all(got.get(each["name"].lower()) == each["value"] for each in asked):
                backends = rule["backendRefs"]
                (backend,) = self.random.choices(backends, [each["weight"] for each in backends])
                if backend["name"] in self.broken:
                    return web.Response(status=502)
                got |= _set(rule, backend)
                break
        told = ";".join(got.get(f"x-early-stop-{name}", "unassigned") for name in ("probe", "revision", "variant"))
        return web.Response(status=204, headers={ECHO_HEADER: told})


def _set(*holders: dict[str, Any]) -> dict[str, str]:
    """The headers that a rule and its backend set."""
    filters = [each for holder in holders for each in holder.get("filters", [])]
    modifiers = [each["requestHeaderModifier"] for each in filters if each["type"] == MODIFIER]
    return {each["name"]: each["value"] for modifier in modifiers for each in modifier["set"]}


@asynccontextmanager
async def in_force(moves: Moves, split: TrafficSplit = HALF) -> AsyncIterator[Gateway]:
    """A policy whose split is proven by probes; half of the requests get the candidate where nothing else is said."""
    played = Gateway(moves.api)
    async with served(played) as url:
        parts = urlsplit(url)
        listener = {"name": "web", "protocol": "HTTP", "port": parts.port}
        moves.api.put(GATEWAYS, gateway(listener, address=parts.hostname))
        await moves.in_force(split)
        assert moves.tracked.traffic.proven == split
        moves.tracked.traffic.begin_check()
        played.asked = 0
        yield played


def leads_somebody(moves: Moves) -> bool:
    return "parentRefs" in moves.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]


async def watch(moves: Moves, split: TrafficSplit = HALF, seconds: float = SECONDS_BETWEEN) -> bool:
    """Whether the traffic has to be checked once the candidates were asked for, after this time."""
    moves.now += seconds
    async with aiohttp.ClientSession() as http:
        await watch_candidates(http, moves.tracked, split, 1, moves.now, TrafficTurns())
    return moves.tracked.traffic.recheck
