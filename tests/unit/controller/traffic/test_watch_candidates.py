"""While users get a candidate, the operator asks now and then whether the gateway serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from earlystop.controller.cluster import GATEWAYS
from earlystop.controller.memory.variant_watch import SECONDS_BLIND
from earlystop.controller.traffic.turns import POLICIES_AT_ONCE, TrafficTurns
from earlystop.controller.traffic.watch_candidates import (
    POLICIES_A_SECOND,
    SECONDS_BETWEEN,
    next_watch,
    watch_candidates,
)
from earlystop.controller.traffic.watch_counts import next_counts
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.harm import SECONDS_OF_FIRST_REST
from earlystop.delivery.names import alias_name
from earlystop.rollout.state import Phase
from tests.turns import Turns
from tests.unit.controller.memory import Memory
from tests.unit.controller.traffic.gateways import in_force, leads_somebody, watch
from tests.unit.controller.traffic.moves import HALF, NONE, Moves
from tests.unit.delivery.cluster import gateway
from tests.unit.delivery.probe_answers import served


async def test_as_long_as_all_is_well_one_probe_of_each_candidate_is_sent_at_a_stated_spacing() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        assert not await watch(moves, seconds=SECONDS_BETWEEN - 1) and played.asked == 0
        assert not await watch(moves, seconds=1) and played.asked == 1
        assert not await watch(moves, seconds=1) and played.asked == 1


async def test_a_candidate_that_fails_under_way_is_off_within_one_spacing_and_tried_again_on_probes_alone() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        played.broken.add(alias_name("qa"))
        assert await watch(moves)
        off = await moves.put(HALF, 0)
        assert (off.status, off.observation.reason) == (SplitStatus.NOT_WRITTEN, "CandidateNotServed")
        assert "502" in off.observation.message and not leads_somebody(moves)
        moves.api.calls.clear()
        assert (await moves.put(HALF, SECONDS_OF_FIRST_REST - 1)).observation.reason == "CandidateNotServed"
        assert moves.api.calls == []
        for _ in range(4):
            still = await moves.put(HALF, 5)
            assert still.status is SplitStatus.NOT_WRITTEN and "502" in still.observation.message
            assert (50, 50) not in moves.overlay_weights()
        played.broken.clear()
        assert (await moves.put(HALF, 5)).status is SplitStatus.PROVEN and leads_somebody(moves)


async def test_a_baseline_that_fails_as_well_takes_no_candidate_off_before_a_stated_time() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        played.broken |= {alias_name("qa"), "qa"}
        assert await watch(moves)
        assert (await moves.put(HALF, 0)).status is SplitStatus.PROVEN and leads_somebody(moves)
        played.broken.clear()
        await watch(moves)
        assert moves.tracked.traffic.fault is None


async def test_a_gateway_that_serves_the_overlay_no_more_is_found_and_the_split_proven_anew() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        played.api = Memory()  # another gateway has taken its place, which knows nothing of the overlay
        assert await watch(moves)
        assert moves.tracked.traffic.proven is None
        assert (await moves.put(HALF, 0)).observation.reason == "WaitingForGateway"


async def test_a_server_that_echoes_no_probe_is_not_asked_again_and_again() -> None:
    async def no_echo(_: web.Request) -> web.Response:
        return web.Response(status=400)

    moves = Moves()
    async with served(no_echo) as url:
        parts = urlsplit(url)
        listener = {"name": "web", "protocol": "HTTP", "port": parts.port}
        moves.api.put(GATEWAYS, gateway(listener, address=parts.hostname))
        await moves.in_force(HALF)
        assert (await moves.put(HALF)).status is SplitStatus.UNPROVABLE
        moves.tracked.traffic.note_proven(HALF, moves.now)
        assert (await moves.put(HALF)).status is SplitStatus.PROVEN
        assert next_watch(moves.tracked, 1) is None


@pytest.mark.slow
async def test_an_operator_that_is_cut_off_from_the_gateway_says_so_and_compares_counts_until_probes_tell_again() -> (
    None
):
    moves = Moves()
    async with in_force(moves) as played:
        played.hangs_up = True
        for _ in range(int(SECONDS_BLIND / SECONDS_BETWEEN)):
            assert not await watch(moves)
            assert next_counts(moves.tracked, HALF, 1) is None
        assert await watch(moves), "what is said changes"
        blind = await moves.put(HALF, 0)
        assert blind.status is SplitStatus.PROVEN and leads_somebody(moves)
        assert "no probe tells. The gateway did not answer a probe" in blind.observation.message
        assert next_counts(moves.tracked, HALF, 1) is not None
        moves.tracked.traffic.begin_check()
        assert not await watch(moves), "it is said once"
        played.hangs_up = False
        assert await watch(moves)
        assert "no probe tells" not in (await moves.put(HALF, 0)).observation.message
        assert next_counts(moves.tracked, HALF, 1) is None


@pytest.mark.slow
async def test_what_probes_of_one_split_met_is_not_said_of_the_next_one() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        played.hangs_up = True
        turns = Turns()
        while not await watch(moves) and turns.another():
            pass
        is_blind = [moves.tracked.traffic.variants.blind is not None]
        await watch(moves, replace(HALF, step=3))
        assert [*is_blind, moves.tracked.traffic.variants.blind is not None] == [True, False]


async def test_nobody_is_asked_for_where_no_candidate_has_requests() -> None:
    moves = Moves()
    async with in_force(moves):
        await moves.put(NONE)
        assert next_watch(moves.tracked, 1) is None


async def test_a_large_fleet_sends_no_more_probes_than_a_stated_rate() -> None:
    moves = Moves()
    async with in_force(moves):
        for policies in (1, 100, 1000, 10_000):
            due = next_watch(moves.tracked, policies)
            assert due is not None
            spacing = due - moves.tracked.traffic.variants.asked_at
            assert spacing >= SECONDS_BETWEEN and policies / spacing <= POLICIES_A_SECOND


async def test_nothing_is_due_while_weights_are_put_in_force_and_for_a_split_that_is_no_longer_desired() -> None:
    moves = Moves()
    async with in_force(moves) as played:
        observing = moves.tracked.state
        for phase in (Phase.APPLYING, Phase.PROMOTING, Phase.ROLLING_BACK):
            moves.tracked.state = replace(observing, phase=phase)
            assert next_watch(moves.tracked, 1) is None
        moves.tracked.state = observing
        async with aiohttp.ClientSession() as http:
            moves.now += SECONDS_BETWEEN
            await watch_candidates(http, moves.tracked, replace(HALF, step=3), 1, moves.now, TrafficTurns())
        assert played.asked == 0 and next_watch(moves.tracked, 1) is None


async def test_policies_of_one_namespace_take_turns_and_hold_up_no_other_namespace() -> None:
    turns = TrafficTurns()
    async with held(turns, "slow", POLICIES_AT_ONCE):
        async with turns.for_probes("quick", 0.01) as free:
            assert free
        async with turns.for_probes("slow", 0.01) as free:
            assert not free
    async with turns.for_probes("slow", 0.01) as free:
        assert free


async def test_a_policy_that_gets_no_turn_goes_on_and_is_due_again_after_the_spacing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("earlystop.controller.traffic.watch_candidates.LONGEST_WAIT_SECONDS", 0.01)
    moves, turns = Moves(), TrafficTurns()
    async with in_force(moves) as played, held(turns, "llm", POLICIES_AT_ONCE):
        moves.now += SECONDS_BETWEEN
        async with aiohttp.ClientSession() as http:
            await watch_candidates(http, moves.tracked, HALF, 1, moves.now, turns)
        assert played.asked == 0 and next_watch(moves.tracked, 1) == moves.now + SECONDS_BETWEEN


@asynccontextmanager
async def held(turns: TrafficTurns, namespace: str, policies: int) -> AsyncIterator[None]:
    """So many turns of a namespace are held."""
    if not policies:
        yield
        return
    async with turns.for_probes(namespace), held(turns, namespace, policies - 1):
        yield
