"""A gateway shows on the operator's own requests what it makes of an overlay, before that leads anybody else's."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from earlystop.api.conditions import ConditionStatus
from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER
from earlystop.controller.cluster import GATEWAYS, ROUTES, SERVICES
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.delivery.decide import PACING, SECONDS_BETWEEN_CHANGES
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.harm import SECONDS_TO_SERVE
from earlystop.delivery.headers import MODIFIER
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.probes.misrouting import MISROUTES, PATIENCE_SECONDS
from earlystop.delivery.proof import Proof
from earlystop.rollout.state import Phase
from tests.unit.controller.memory import Memory
from tests.unit.controller.traffic.moves import ALL, HALF, NONE, Moves
from tests.unit.delivery.cluster import gateway, route
from tests.unit.delivery.probe_answers import served

Headers = dict[str, str]
# A first attempt that finds the gateway's answers to be wrong, and one at which it has borne them for long enough.
WRONG, STALE = PATIENCE_SECONDS[Proof.WRONG], PATIENCE_SECONDS[Proof.STALE]


@dataclass
class Played:
    """A gateway with an echoing server behind it. confused: the filters of backends with one name are mixed up, the
    last winning. deaf: nothing that is written reaches it. served: the requests that it led by the overlay."""

    api: Memory
    confused: bool = False
    deaf: bool = False
    random: random.Random = field(default_factory=lambda: random.Random(5))

    async def __call__(self, request: web.Request) -> web.Response:
        overlay = self.api.objects.get(ROUTES.path("llm", overlay_name("qa")))
        got = {name.lower(): value for name, value in request.headers.items()}
        rules = overlay["spec"]["rules"] if overlay and not self.deaf else []
        for rule in sorted(rules, key=lambda each: -len(each["matches"][0].get("headers", []))):
            if all(got.get(each["name"]) == each["value"] for each in rule["matches"][0].get("headers", [])):
                got |= self._told(rule, rules)
                break
        told = ";".join(got.get(f"x-early-stop-{name}", "unassigned") for name in ("probe", "revision", "variant"))
        return web.Response(status=204, headers={ECHO_HEADER: told})

    def _told(self, rule: dict[str, Any], rules: list[dict[str, Any]]) -> Headers:
        backends = rule["backendRefs"]
        (backend,) = self.random.choices(backends, [each["weight"] for each in backends])
        if self.confused:
            backend = [each for other in rules for each in other["backendRefs"] if each["name"] == backend["name"]][-1]
        filters = [*rule.get("filters", []), *backend.get("filters", [])]
        modifiers = [each["requestHeaderModifier"] for each in filters if each["type"] == MODIFIER]
        return {each["name"]: each["value"] for modifier in modifiers for each in modifier["set"]}


class WithoutMirrors(Played):
    """A gateway that has no RequestMirror: whatever request meets a rule with one is answered 500, as Gateway API asks
    for filters that cannot be applied."""

    async def __call__(self, request: web.Request) -> web.Response:
        got = {name.lower(): value for name, value in request.headers.items()}
        overlay = self.api.objects.get(ROUTES.path("llm", overlay_name("qa")))
        for rule in overlay["spec"]["rules"] if overlay else []:
            asked = rule["matches"][0].get("headers", [])
            mirrors = any(each["type"] == "RequestMirror" for each in rule.get("filters", []))
            if mirrors and all(got.get(each["name"]) == each["value"] for each in asked):
                return web.Response(status=500)
        return await super().__call__(request)


@asynccontextmanager
async def before(played: Played, moves: Moves) -> AsyncIterator[None]:
    """The gateway of these moves is this one."""
    async with served(played) as url:
        parts = urlsplit(url)
        listener = {"name": "web", "protocol": "HTTP", "port": parts.port}
        moves.api.put(GATEWAYS, gateway(listener, address=parts.hostname))
        yield


def overlay_of(moves: Moves) -> dict[str, Any]:
    return moves.api.at(ROUTES, "llm", overlay_name("qa"))


def seen(moves: Moves, traffic: SplitResult) -> SplitResult:
    """What an attempt notes of it."""
    moves.tracked.observations = replace(moves.tracked.observations, traffic=traffic.observation)
    return traffic


async def test_users_are_led_by_the_overlay_only_after_the_gateway_has_shown_what_it_makes_of_it() -> None:
    moves = Moves()
    async with before(Played(moves.api), moves):
        first = await moves.put(HALF)
        assert (first.status, first.observation.reason) == (SplitStatus.NOT_WRITTEN, PACING)
        assert moves.api.calls == [("POST", SERVICES.path("llm")), ("POST", ROUTES.path("llm"))]
        assert serves_no_user(overlay_of(moves))
        assert (await moves.put(HALF, SECONDS_BETWEEN_CHANGES - 0.1)).observation.reason == PACING
        assert serves_no_user(overlay_of(moves))
        assert (await moves.put(HALF, 0.1)).status == SplitStatus.PROVEN
        assert moves.overlay_weights() == {(50, 50)}


async def test_a_trial_leads_to_no_service_that_users_requests_go_to() -> None:
    moves = Moves()
    async with before(Played(moves.api), moves):
        await moves.put(HALF)
    rules = overlay_of(moves)["spec"]["rules"]
    assert {each["name"] for rule in rules for each in rule["backendRefs"]} == {alias_name("qa")}
    for rule in rules:
        for match in rule["matches"]:
            assert PROBE_HEADER in [each["name"] for each in match["headers"]]


async def test_later_shares_need_no_trial() -> None:
    moves = Moves()
    async with before(Played(moves.api), moves):
        await moves.in_force(HALF)
        moves.api.calls.clear()
        assert (await moves.put(ALL)).status == SplitStatus.PROVEN
        assert moves.api.calls == [("PUT", ROUTES.path("llm", overlay_name("qa")))]


async def test_a_gateway_that_confuses_backends_leads_nobody_and_is_told_after_a_stated_time() -> None:
    moves = Moves()
    async with before(Played(moves.api, confused=True), moves):
        waiting = seen(moves, await moves.put(HALF))
        assert (waiting.observation.status, waiting.observation.reason) == (
            ConditionStatus.UNKNOWN,
            "WaitingForGateway",
        )
        assert (await moves.put(HALF, WRONG - 0.1)).status == SplitStatus.NOT_WRITTEN
        found = seen(moves, await moves.put(HALF, 0.1))
        assert (found.status, found.observation.status, found.observation.reason) == (
            SplitStatus.MISROUTED,
            ConditionStatus.FALSE,
            MISROUTES,
        )
        assert "Traefik before 3.7.6" in found.observation.message
        moves.tracked.traffic.contradicted_at = None  # the operator is restarted
        assert (await moves.put(HALF)).observation.reason == MISROUTES
        assert serves_no_user(overlay_of(moves))


async def test_a_gateway_that_ignores_filters_leads_nobody_and_is_given_time_to_take_the_overlay_in() -> None:
    moves = Moves()
    played = Played(moves.api, deaf=True)
    async with before(played, moves):
        await moves.put(HALF)
        assert (await moves.put(HALF, STALE - 0.1)).observation.reason == "WaitingForGateway"
        assert (await moves.put(HALF, 0.1)).observation.reason == MISROUTES
        assert serves_no_user(overlay_of(moves))
        played.deaf = False
        await moves.in_force(HALF)
        assert moves.overlay_weights() == {(50, 50)}


async def test_a_filter_that_the_gateway_does_not_have_leads_nobody_and_is_told_with_the_gateways_code() -> None:
    moves = Moves()
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "watcher", "port": 80}}}
    moves.api.put(ROUTES, route({**route()["spec"]["rules"][0], "filters": [mirror]}))
    async with before(WithoutMirrors(moves.api), moves):
        await moves.put(HALF)
        waiting = seen(moves, await moves.put(HALF, SECONDS_TO_SERVE - SECONDS_BETWEEN_CHANGES))
        assert waiting.observation.reason == "WaitingForGateway"
        found = seen(moves, await moves.put(HALF, SECONDS_BETWEEN_CHANGES + 1))
        assert (found.status, found.observation.reason) == (SplitStatus.NOT_WRITTEN, "ShareNotServed")
        assert "The gateway answered 500 to a probe." in found.observation.message
        assert serves_no_user(overlay_of(moves)) and moves.tracked.traffic.proven is None


async def test_an_abort_of_what_led_nobody_has_nothing_to_take_off() -> None:
    moves = Moves()
    async with before(Played(moves.api, confused=True), moves):
        await moves.put(HALF)
        moves.tracked.state = replace(moves.tracked.state, phase=Phase.ROLLING_BACK)
        moves.api.calls.clear()
        assert (await moves.put(NONE)).status == SplitStatus.PROVEN and moves.api.calls == []


async def test_what_turns_out_to_be_misrouted_under_way_is_taken_off_until_another_campaign() -> None:
    moves = Moves()
    played = Played(moves.api)
    async with before(played, moves):
        await moves.in_force(HALF)
        played.confused = True
        await moves.put(ALL)
        found = seen(moves, await moves.put(ALL, STALE))
        assert (found.status, found.observation.reason) == (SplitStatus.MISROUTED, MISROUTES)
        assert "then retry the policy" in found.observation.message
        assert serves_no_user(overlay_of(moves))
        played.confused = False
        moves.api.calls.clear()
        assert (await moves.put(ALL)).status == SplitStatus.MISROUTED and moves.api.calls == []
        await moves.in_force(replace(HALF, revision="another"))
        assert moves.overlay_weights() == {(50, 50)}


async def test_a_mode_without_filters_of_backends_falls_back_to_the_baseline_for_everybody() -> None:
    moves = Moves("HeaderCohort")
    played = Played(moves.api)
    async with before(played, moves):
        await moves.put(HALF)
        played.deaf = True
        await moves.put(ALL)
        assert (await moves.put(ALL, STALE)).status == SplitStatus.MISROUTED
    filters = [each["filters"][0]["requestHeaderModifier"]["set"] for each in overlay_of(moves)["spec"]["rules"]]
    told = {header["value"] for each in filters for header in each if header["name"] == "x-early-stop-param-window"}
    assert told == {"40"}
