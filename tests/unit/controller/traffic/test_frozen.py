"""While weights stay as they are, users are taken off what does not serve them as they are under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import GATEWAYS, POLICIES, ROUTES, ClusterError
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.memory.traffic import TrafficMemory
from earlystop.controller.traffic.act import TrafficActor
from earlystop.controller.traffic.put_in_force import detach_while_frozen
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.controller.traffic.watch_candidates import SECONDS_BETWEEN, next_watch
from earlystop.delivery.golden_rules import is_golden
from earlystop.delivery.harm import SECONDS_TO_SERVE, SECONDS_UNPROVEN
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.split import TrafficSplit
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import Phase
from tests.turns import Turns
from tests.unit.controller.traffic.gateways import in_force, leads_somebody, watch
from tests.unit.controller.traffic.moves import HALF, Moves
from tests.unit.delivery.cluster import gateway
from tests.unit.delivery.probe_answers import served
from tests.unit.rollout.states import REACHED

IN_FORCE = Observation(ConditionStatus.TRUE, "InForce", "Weights are in force.")
WAITING = Observation(ConditionStatus.UNKNOWN, "NoGatewayAddress", "No probe can prove the weights.")


def suspended(moves: Moves, said: Observation = IN_FORCE) -> Moves:
    """The same policy while it is suspended."""
    tracked = moves.tracked
    tracked.state = replace(tracked.state, phase=Phase.SUSPENDED, suspended_at=int(moves.now), step_started_at=None)
    tracked.observations = replace(tracked.observations, traffic=said)
    return moves


async def frozen(moves: Moves, seconds: float = 0.0, split: TrafficSplit = HALF) -> SplitResult | None:
    moves.now += seconds
    async with aiohttp.ClientSession() as http:
        return await detach_while_frozen(moves.api, http, moves.tracked, split, moves.now)


async def test_a_suspended_policy_whose_candidate_is_not_served_is_taken_off_within_one_spacing() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        suspended(moves)
        assert not await watch(moves) and await frozen(moves) is None and leads_somebody(moves)
        played.broken.add(alias_name("qa"))
        assert await watch(moves)
        off = await frozen(moves)
        assert off is not None and off.observation.reason == "CandidateNotServed" and not leads_somebody(moves)
        moves.api.calls.clear()
        assert await frozen(moves, 3600) is None and moves.api.calls == [], "nobody is led again before it is resumed"


async def test_an_operator_that_starts_while_a_policy_is_suspended_watches_its_candidate_as_the_one_before() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        suspended(moves)
        state, observations = moves.tracked.state, moves.tracked.observations
        moves.tracked = TrackedPolicy.load(moves.api.at(POLICIES, "llm", "qa"), moves.now)
        moves.tracked.state, moves.tracked.observations = state, observations
        assert await frozen(moves) is None and next_watch(moves.tracked, 1) == moves.now + SECONDS_BETWEEN
        played.broken.add(alias_name("qa"))
        assert await watch(moves)
        assert await frozen(moves) is not None and not leads_somebody(moves)


@pytest.mark.slow
@pytest.mark.parametrize("phase", [Phase.OBSERVING, Phase.SUSPENDED])
@pytest.mark.parametrize("both", [False, True], ids=["the candidate", "every variant"])
async def test_what_ceased_to_be_served_while_no_operator_ran_is_taken_off_by_the_next_one(
    phase: Phase, both: bool
) -> None:
    moves = Moves()
    async with in_force(moves) as played:
        played.broken |= {alias_name("qa"), *(["qa"] if both else [])}
        state = moves.tracked.state
        moves.tracked = TrackedPolicy.load(moves.api.at(POLICIES, "llm", "qa"), moves.now)
        moves.tracked.state = state
        if phase is Phase.SUSPENDED:
            suspended(moves)
        began = moves.now
        turns = Turns()
        while leads_somebody(moves) and turns.another():
            await (frozen(moves) if phase is Phase.SUSPENDED else moves.put(HALF, 0))
            assert moves.now - began <= SECONDS_TO_SERVE + SECONDS_BETWEEN
            await watch(moves)


async def test_a_policy_that_is_suspended_before_its_next_step_is_watched_by_the_step_that_leads_users() -> None:
    moves, later = Moves(), replace(HALF, step=3)
    async with in_force(moves) as played:
        suspended(moves)
        assert await frozen(moves, split=later) is None
        played.broken.add(alias_name("qa"))
        assert await watch(moves, later)
        assert await frozen(moves, split=later) is not None and not leads_somebody(moves)


@pytest.mark.parametrize("said", [IN_FORCE, WAITING], ids=["once proven", "waiting"])
async def test_after_a_restart_what_no_probe_can_ask_for_leads_users_no_longer_than_an_unproven_split(
    said: Observation,
) -> None:
    moves, later = Moves(), replace(HALF, step=3)
    async with in_force(moves) as played:
        overlay = moves.api.at(ROUTES, "llm", overlay_name("qa"))
        rules = [each for each in overlay["spec"]["rules"] if not is_golden(each)]
        moves.api.put(ROUTES, {**overlay, "spec": {**overlay["spec"], "rules": rules}})
        state = suspended(moves).tracked.state
        moves.tracked = TrackedPolicy.load(moves.api.at(POLICIES, "llm", "qa"), moves.now)
        moves.tracked.state = state
        suspended(moves, said)
        played.broken.add(alias_name("qa"))
        began = moves.now
        assert await frozen(moves, split=later) is None
        turns = Turns()
        while leads_somebody(moves) and turns.another():
            due = next_watch(moves.tracked, 1)
            assert due is not None, "somebody asks, though nothing else is due"
            moves.now = due
            await frozen(moves, split=later)
    assert moves.now - began <= SECONDS_UNPROVEN + 60


async def test_after_a_restart_a_candidate_of_an_earlier_step_that_is_not_served_is_taken_off_at_once() -> None:
    moves, later = Moves(), replace(HALF, step=3)
    async with in_force(moves) as played:
        state = suspended(moves).tracked.state
        moves.tracked = TrackedPolicy.load(moves.api.at(POLICIES, "llm", "qa"), moves.now)
        moves.tracked.state = state
        suspended(moves)
        played.broken.add(alias_name("qa"))
        assert await frozen(moves, split=later) is not None and not leads_somebody(moves)


EDITS: dict[str, Callable[[Any], Any]] = {
    "its weights": lambda rules: [
        {**rule, "backendRefs": [{**each, "weight": 60} for each in rule["backendRefs"]]}
        if "x-early-stop" not in str(rule["matches"])
        else rule
        for rule in rules
    ],
    "a rule more": lambda rules: [*rules, {**rules[-1], "matches": [{"path": {"type": "Exact", "value": "/more"}}]}],
    "a timeout, as of another release": lambda rules: [{**rule, "timeouts": {"request": "99s"}} for rule in rules],
}


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_after_a_restart_an_overlay_that_is_not_as_desired_stays_as_long_as_it_serves_every_variant(
    edit: Callable[[Any], Any],
) -> None:
    moves = Moves()
    async with in_force(moves) as played:
        overlay = moves.api.at(ROUTES, "llm", overlay_name("qa"))
        moves.api.put(ROUTES, {**overlay, "spec": {**overlay["spec"], "rules": edit(overlay["spec"]["rules"])}})
        state = suspended(moves).tracked.state
        moves.tracked = TrackedPolicy.load(moves.api.at(POLICIES, "llm", "qa"), moves.now)
        moves.tracked.state = state
        suspended(moves)
        for _ in range(int(2 * SECONDS_UNPROVEN / 60)):
            assert await frozen(moves, 60) is None
            assert not await watch(moves)
        assert leads_somebody(moves)
        played.broken.add(alias_name("qa"))
        assert await watch(moves)
        off = await frozen(moves)
        assert off is not None and off.observation.reason == "CandidateNotServed" and not leads_somebody(moves)


async def test_an_unproven_split_leads_users_no_longer_while_suspended_than_under_way() -> None:
    moves = Moves()
    moves.api.put(GATEWAYS, gateway(address=None))
    await moves.in_force(HALF)
    suspended(moves, WAITING)
    began = moves.now
    assert await frozen(moves) is None
    turns = Turns()
    while leads_somebody(moves) and turns.another():
        due = next_watch(moves.tracked, 1)
        assert due is not None, "somebody asks, though nothing else is due"
        moves.now = due
        off = await frozen(moves)
    assert off is not None and off.observation.reason == "SplitUnproven"
    assert SECONDS_UNPROVEN <= moves.now - began <= SECONDS_UNPROVEN + 60


async def test_a_split_that_counts_proved_stays_while_suspended_also_after_a_restart() -> None:
    moves = Moves()
    moves.api.put(GATEWAYS, gateway(address=None))
    await moves.in_force(HALF)
    suspended(moves)
    for _ in range(3):
        assert await frozen(moves, SECONDS_UNPROVEN) is None and leads_somebody(moves)


async def test_a_split_of_servers_that_echo_no_probe_is_known_again_after_a_restart_while_suspended() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    moves = Moves()
    moves.api.put(GATEWAYS, gateway(address=None))
    await moves.in_force(HALF)
    async with served(answer) as url:
        parts = urlsplit(url)
        listener = {"name": "web", "protocol": "HTTP", "port": parts.port}
        moves.api.put(GATEWAYS, gateway(listener, address=parts.hostname))
        suspended(moves).tracked.traffic = TrafficMemory()
        moves.tracked.traffic.resume_in_force(HALF)
        assert await frozen(moves) is None
    assert moves.tracked.traffic.proven == HALF, "so its counts are compared with the weights"


async def test_users_are_safe_too_while_a_decision_waits_for_its_verdict() -> None:
    moves = Moves()
    async with in_force(moves) as played, aiohttp.ClientSession() as http:
        moves.tracked.state = replace(REACHED["promoting"], revision=HALF.revision)
        actor = TrafficActor(moves.api, http, CountBatcher(), lambda: moves.now, CampaignTokens())
        played.broken.add(alias_name("qa"))
        for _ in range(4):
            moves.now += SECONDS_BETWEEN
            moves.api.fail("POST", ClusterError(403, "a webhook denied the request"))
            await actor.act(moves.tracked, 0.0, 1)
        assert not leads_somebody(moves) and moves.tracked.observations.storage is not None
