"""Putting a share in force, and taking the candidate off when its surroundings no longer fit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.cluster import DEPLOYMENTS, GATEWAYS, POLICIES, ROUTES, SERVICES, Conflict
from earlystop.controller.store.status_writer import StatusConflict
from earlystop.delivery.decide import PACING, SECONDS_BETWEEN_CHANGES
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.harm import SECONDS_TO_SERVE
from earlystop.delivery.headers import headers_set
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.rollout.plan import parse_plan, plan_text
from tests.unit.controller.tracked_policies import manifest
from tests.unit.controller.traffic.moves import ALL, HALF, NONE, Moves
from tests.unit.delivery.cluster import backend, gateway, prefix, route, split
from tests.unit.delivery.probe_answers import served
from tests.unit.rollout.policies import policy
from tests.unit.rollout.states import REACHED


def split_route() -> dict[str, object]:
    """The user's route after an edit that no overlay fits any more."""
    return route({"matches": [prefix("/")], "backendRefs": [backend(), backend("other")]})


async def test_what_is_missing_is_written_and_what_is_there_is_left_alone() -> None:
    moves = Moves()
    first = await moves.put(HALF)
    assert (first.status, first.observation.reason) == (SplitStatus.NOT_WRITTEN, PACING)
    assert moves.api.calls == [("POST", SERVICES.path("llm"))]
    assert (await moves.put(HALF)).changed == (f"HTTPRoute {overlay_name('qa')}",)
    assert moves.overlay_weights() == {(50, 50)}
    owners = moves.api.at(SERVICES, "llm", alias_name("qa"))["metadata"]["ownerReferences"]
    assert [owner["kind"] for owner in owners] == ["EarlyStopPolicy", "Service"]
    moves.api.calls.clear()
    again = await moves.put(HALF)
    assert again.changed == () and moves.api.calls == []


async def test_an_alias_that_another_operator_made_just_now_is_given_time_too() -> None:
    moves = Moves()
    await moves.put(HALF)
    made = moves.api.at(SERVICES, "llm", alias_name("qa"))["metadata"]
    moment = datetime.fromtimestamp(int(moves.now) + 3600, UTC)
    made["creationTimestamp"] = moment.isoformat()
    moves.tracked.traffic.written_at = 0.0
    assert (await moves.put(HALF)).status == SplitStatus.NOT_WRITTEN
    assert (await moves.put(HALF, SECONDS_BETWEEN_CHANGES)).changed == (f"HTTPRoute {overlay_name('qa')}",)


async def test_an_alias_that_a_deleted_policy_left_is_taken_up() -> None:
    moves = Moves()
    await moves.put(HALF)
    left = moves.api.at(SERVICES, "llm", alias_name("qa"))["metadata"]
    left["ownerReferences"] = left["ownerReferences"][1:]
    left["labels"] = {**left["labels"], "earlystop.dev/policy": "gone", "earlystop.dev/policy-uid": "gone"}
    await moves.in_force(HALF)
    assert moves.overlay_weights() == {(50, 50)}
    taken = moves.api.at(SERVICES, "llm", alias_name("qa"))["metadata"]
    assert taken["labels"]["earlystop.dev/policy"] == moves.tracked.name
    assert taken["ownerReferences"][0]["uid"] == moves.tracked.uid


@pytest.mark.slow
async def test_the_users_objects_are_never_written() -> None:
    moves = Moves()
    for each in (HALF, NONE):
        await moves.in_force(each)
    users = {DEPLOYMENTS.path("llm", "qa-server"), SERVICES.path("llm", "qa"), ROUTES.path("llm", "qa")}
    assert not users & {path for _, path in moves.api.calls}


async def test_two_changes_of_the_route_are_kept_apart() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    waiting = await moves.put(ALL, SECONDS_BETWEEN_CHANGES - 0.1)
    assert (waiting.status, waiting.observation.reason) == (SplitStatus.NOT_WRITTEN, PACING)
    assert moves.overlay_weights() == {(50, 50)}
    await moves.put(ALL, 0.1)
    assert moves.overlay_weights() == {(0, 100)}


async def test_the_way_back_to_the_baseline_waits_for_no_other_change_and_what_follows_waits_for_it() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    await moves.put(NONE, 0.1)
    assert moves.overlay_weights() == {(100, 0)}
    assert (await moves.put(HALF, SECONDS_BETWEEN_CHANGES - 0.1)).observation.reason == PACING
    assert moves.overlay_weights() == {(100, 0)}


async def test_a_write_that_meets_a_conflict_is_repeated_on_what_is_there_now() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    moves.api.fail("PUT", Conflict(409, "modified"), Conflict(409, "modified"))
    await moves.put(NONE)
    assert moves.overlay_weights() == {(100, 0)}


async def test_a_share_is_not_put_in_force_where_it_does_not_fit() -> None:
    moves = Moves()
    moves.api.put(ROUTES, split_route())
    refused = await moves.put(HALF)
    assert (refused.status, refused.observation.status) == (SplitStatus.NOT_WRITTEN, ConditionStatus.FALSE)
    assert refused.observation.reason == "RouteSplitsAlready" and moves.api.calls == []


async def test_the_candidate_is_taken_off_even_when_the_route_no_longer_fits() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    moves.api.put(ROUTES, split_route())
    done = await moves.put(NONE)
    assert done.status == SplitStatus.UNPROVABLE and done.changed == (f"HTTPRoute {overlay_name('qa')}",)
    assert (
        done.observation.status == ConditionStatus.FALSE
        and "The candidate gets no requests." in done.observation.message
    )
    assert moves.overlay_weights() == {(100, 0)}
    moves.api.calls.clear()
    assert (await moves.put(NONE)).changed == () and moves.api.calls == []


async def test_the_candidate_is_taken_off_when_the_target_and_the_users_route_are_gone() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    for path in (ROUTES.path("llm", "qa"), DEPLOYMENTS.path("llm", "qa-server")):
        del moves.api.objects[path]
    assert (await moves.put(NONE)).status == SplitStatus.UNPROVABLE
    assert moves.overlay_weights() == {(100, 0)}


async def test_someone_elses_route_is_not_touched_to_take_the_candidate_off() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    overlay = moves.api.at(ROUTES, "llm", overlay_name("qa"))
    overlay["metadata"]["ownerReferences"][0]["uid"] = "another"
    moves.api.calls.clear()
    done = await moves.put(NONE)
    assert done.observation.reason == "NameTaken" and moves.api.calls == []


async def test_an_operator_that_was_left_behind_does_not_write_what_is_no_longer_wanted() -> None:
    for users in (None, split_route()):
        moves = Moves()
        await moves.in_force(HALF)
        moves.api.put(POLICIES, manifest(REACHED["promoted"]))
        if users is not None:
            moves.api.put(ROUTES, users)
        with pytest.raises(StatusConflict):
            await moves.put(NONE)
        assert moves.overlay_weights() == {(50, 50)} and moves.tracked.state == REACHED["promoted"]


async def test_where_nothing_was_put_in_force_there_is_nothing_to_take_off() -> None:
    moves = Moves()
    moves.api.put(ROUTES, split_route())
    done = await moves.put(NONE)
    assert done.status == SplitStatus.UNPROVABLE and moves.api.calls == []


CORE_MODES = ("HeaderCohort", "Shadow")


@pytest.mark.parametrize("mode", CORE_MODES)
async def test_a_mode_without_aliases_writes_its_overlay_at_once_and_nothing_else(mode: str) -> None:
    moves = Moves(mode)
    done = await moves.put(HALF)
    assert done.changed == (f"HTTPRoute {overlay_name('qa')}",)
    assert moves.api.calls == [("POST", ROUTES.path("llm"))]
    moves.api.calls.clear()
    assert (await moves.put(HALF)).changed == () and moves.api.calls == []


@pytest.mark.parametrize("mode", CORE_MODES)
async def test_in_every_mode_the_candidate_is_taken_off_even_when_the_route_no_longer_fits(mode: str) -> None:
    moves = Moves(mode)
    await moves.put(replace(HALF, shadows=split(0, shadows=1).shadows))
    moves.api.put(ROUTES, split_route())
    done = await moves.put(NONE)
    assert done.status == SplitStatus.UNPROVABLE and done.changed == (f"HTTPRoute {overlay_name('qa')}",)
    overlay = moves.api.at(ROUTES, "llm", overlay_name("qa"))
    told = [headers for each in overlay["spec"]["rules"] for headers in headers_set(each)]
    assert {(each["x-early-stop-variant"], each["x-early-stop-param-window"]) for each in told} == {("baseline", "40")}
    assert not any("x-early-stop-shadow" in each for each in told)
    moves.api.calls.clear()
    assert (await moves.put(NONE)).changed == () and moves.api.calls == []


async def test_an_overlay_that_comes_to_lead_to_an_alias_waits_for_it() -> None:
    moves = Moves("HeaderCohort")
    await moves.put(HALF)
    moves.tracked.state = replace(
        moves.tracked.state, plan=parse_plan(plan_text(policy()))
    )  # a campaign in another mode
    moves.api.calls.clear()
    first = await moves.put(HALF)
    assert (first.status, first.observation.reason) == (SplitStatus.NOT_WRITTEN, PACING)
    assert moves.api.calls == [("POST", SERVICES.path("llm"))]
    await moves.put(HALF)
    assert moves.overlay_weights() == {(50, 50)}


async def test_taking_candidates_off_waits_for_no_service() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    del moves.api.objects[SERVICES.path("llm", alias_name("qa"))]
    await moves.put(NONE)
    assert moves.overlay_weights() == {(100, 0)}


@asynccontextmanager
async def gateway_without_servers(moves: Moves) -> AsyncIterator[None]:
    """A gateway that finds no server behind the overlay."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with served(answer) as url:
        address = urlsplit(url)
        made = gateway({"name": "web", "protocol": "HTTP", "port": address.port}, address=address.hostname)
        moves.api.put(GATEWAYS, made)
        yield


async def test_a_share_that_a_gateway_never_serves_is_told_and_proves_nothing() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    async with gateway_without_servers(moves):
        moves.tracked.traffic.proven = None
        waiting = await moves.put(HALF, SECONDS_TO_SERVE - 1)
        assert (waiting.status, waiting.observation.status) == (SplitStatus.WRITTEN, ConditionStatus.UNKNOWN)
        told = await moves.put(HALF, 2)
    assert (told.status, told.observation.status, told.observation.reason) == (
        SplitStatus.WRITTEN,
        ConditionStatus.FALSE,
        "ShareNotServed",
    )
    assert "Look at the gateway" in told.observation.message and moves.tracked.traffic.proven is None
