"""Nobody is led by an overlay that the user's route no longer stands for, nor by one that nothing proves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.api.counts import Tally
from earlystop.controller.cluster import DEPLOYMENTS, GATEWAYS, ROUTES, SERVICES
from earlystop.controller.traffic.proof_by_servers import requests_since, variant_is_missing
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.harm import SECONDS_OF_REST, SECONDS_UNPROVEN
from earlystop.delivery.names import overlay_name
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.rollout.state import Phase
from tests.unit.controller.traffic.moves import ALL, HALF, NONE, Moves
from tests.unit.delivery.cluster import backend, gateway, prefix, route, rule, service, split

MODES = ("GatewayHeader", "HeaderCohort", "Shadow")


def overlay(moves: Moves) -> dict[str, Any]:
    found: dict[str, Any] = moves.api.at(ROUTES, "llm", overlay_name("qa"))
    return found


def leads_somebody(moves: Moves) -> bool:
    """Whether any Gateway may lead a request by the overlay."""
    return bool(overlay(moves)["spec"].get("parentRefs"))


def edited(moves: Moves, how: str) -> None:
    """What a user may do to route, target and Service while a campaign is under way."""
    if how == "the route leads to another Service":
        moves.api.put(SERVICES, service("other", app="other"))
        moves.api.put(ROUTES, route(rule(to="other")))
    elif how == "the route is deleted":
        del moves.api.objects[ROUTES.path("llm", "qa")]
    elif how == "the route splits between two Services":
        moves.api.put(ROUTES, route({"matches": [prefix("/")], "backendRefs": [backend(), backend("other")]}))
    elif how == "the Service selects other Pods":
        moves.api.put(SERVICES, service("qa", app="blue"))
    elif how == "the target is deleted":
        del moves.api.objects[DEPLOYMENTS.path("llm", "qa-server")]
    else:
        raise AssertionError(how)


EDITS = (
    "the route leads to another Service",
    "the route is deleted",
    "the route splits between two Services",
    "the Service selects other Pods",
    "the target is deleted",
)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [HALF, ALL, NONE], ids=["under way", "promoted", "aborted"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", EDITS)
async def test_an_overlay_never_outlives_what_it_was_made_from(how: str, mode: str, wanted: Any) -> None:
    moves = Moves(mode)
    wanted = replace(wanted, shadows=split(0, shadows=1).shadows) if mode == "Shadow" else wanted
    await moves.in_force(wanted)
    assert leads_somebody(moves)
    edited(moves, how)
    done = await moves.put(wanted, 0.1)  # it waits for no pacing
    assert not leads_somebody(moves) and done.changed == (f"HTTPRoute {overlay_name('qa')}",)
    assert done.observation.status == ConditionStatus.FALSE
    assert "The candidate gets no requests." in done.observation.message
    moves.api.calls.clear()
    assert (await moves.put(wanted)).changed == () and moves.api.calls == []


@pytest.mark.parametrize("mode", MODES)
async def test_the_overlay_is_back_once_the_route_is_as_it_was(mode: str) -> None:
    moves = Moves(mode)
    await moves.in_force(HALF)
    before = overlay(moves)["spec"]
    edited(moves, "the route is deleted")
    await moves.put(HALF)
    moves.api.put(ROUTES, route())
    await moves.in_force(HALF)
    assert overlay(moves)["spec"] == before


async def test_someone_elses_overlay_is_left_as_it_is() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    overlay(moves)["metadata"]["ownerReferences"][0]["uid"] = "another"
    edited(moves, "the route is deleted")
    await moves.put(HALF)
    assert leads_somebody(moves)


def applying(moves: Moves) -> Moves:
    """The same policy while its weights are not proven, on a Gateway that no probe can reach."""
    moves.tracked.state = replace(moves.tracked.state, phase=Phase.APPLYING)
    moves.api.put(GATEWAYS, gateway(address=None))
    return moves


async def unproven_for(moves: Moves, seconds: float) -> None:
    """Attempts as they follow each other, none of which proves anything."""
    for _ in range(int(seconds // 15)):
        await moves.put(HALF, 15)
    await moves.put(HALF, seconds % 15)


@pytest.mark.slow
async def test_users_are_led_by_an_unproven_split_for_a_stated_time_only_and_then_not_before_a_rest() -> None:
    moves = applying(Moves())
    await moves.in_force(HALF)
    waiting = await moves.put(HALF, 1)
    assert waiting.status == SplitStatus.UNPROVABLE
    await unproven_for(moves, SECONDS_UNPROVEN - 1)
    assert leads_somebody(moves)
    done = await moves.put(HALF, 1)
    assert (done.status, done.observation.reason) == (SplitStatus.NOT_WRITTEN, "SplitUnproven")
    assert not leads_somebody(moves)
    moves.api.calls.clear()
    resting = await moves.put(HALF, SECONDS_OF_REST - 1)
    assert (resting.status, resting.observation.reason) == (SplitStatus.NOT_WRITTEN, "SplitUnproven")
    assert moves.api.calls == []
    await moves.put(HALF, 2)
    assert leads_somebody(moves)


@pytest.mark.slow
@pytest.mark.parametrize("instead", [ALL, NONE, replace(HALF, revision="another")], ids=["promoted", "aborted", "anew"])
async def test_a_rest_holds_up_no_decision_and_no_other_campaign(instead: Any) -> None:
    moves = applying(Moves())
    await moves.in_force(HALF)
    await moves.put(HALF, 1)
    await unproven_for(moves, SECONDS_UNPROVEN)
    assert not leads_somebody(moves)
    await moves.put(instead, 15)
    assert leads_somebody(moves)


async def test_a_time_in_which_nobody_asked_is_no_time_without_proof() -> None:
    moves = applying(Moves())
    await moves.in_force(HALF)
    await moves.put(HALF, 1)
    await moves.put(HALF, 10 * SECONDS_UNPROVEN)
    assert leads_somebody(moves), "the policy was suspended meanwhile"


@pytest.mark.slow
async def test_a_proof_ends_the_time_without_proof() -> None:
    moves = applying(Moves())
    await moves.in_force(HALF)
    await moves.put(HALF, 1)
    await unproven_for(moves, SECONDS_UNPROVEN - 30)
    moves.tracked.traffic.note_proven(HALF, moves.now)
    moves.tracked.traffic.forget_proof()
    await unproven_for(moves, SECONDS_UNPROVEN - 30)
    assert leads_somebody(moves)


def test_what_an_earlier_attempt_was_counted_for_says_nothing_of_a_later_one() -> None:
    memory = Moves().tracked.traffic
    assert memory.requests_since_change({"baseline": 200, "candidate": 0}) == {"baseline": 0, "candidate": 0}
    assert memory.requests_since_change({"baseline": 207, "candidate": 2}) == {"baseline": 7, "candidate": 2}
    memory.note_change(1.0)
    assert memory.requests_since_change({"baseline": 300, "candidate": 2}) == {"baseline": 0, "candidate": 0}


def test_older_requests_prove_nothing_of_a_split_that_was_taken_off_until_it_is_proven_anew() -> None:
    memory = Moves().tracked.traffic
    memory.begin_rest(HALF, 0.0, 60.0, Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.FALSE, "Off", "Off."))
    assert memory.was_taken_off(HALF) and not memory.was_taken_off(ALL)
    memory.note_proven(HALF, 90.0)
    assert not memory.was_taken_off(HALF)


async def test_a_variant_that_gets_none_of_its_requests_is_taken_off_at_once() -> None:
    moves = applying(Moves())
    await moves.in_force(HALF)
    await moves.put(HALF, 1)
    moves.tracked.traffic.note_missing()
    done = await moves.put(HALF, 1)
    assert done.observation.reason == "SplitUnproven" and not leads_somebody(moves)
    assert "a variant has none of those that it should have" in done.observation.message


async def test_a_split_that_was_proven_is_not_taken_off_by_an_operator_that_was_restarted() -> None:
    moves = Moves()
    moves.api.put(GATEWAYS, gateway(address=None))
    await moves.in_force(HALF)
    for _ in range(3):
        await moves.put(HALF, SECONDS_UNPROVEN)
    assert leads_somebody(moves)


async def test_taking_an_unproven_split_off_needs_no_proof_where_no_candidate_has_requests() -> None:
    moves = applying(Moves())
    await moves.in_force(HALF)
    await moves.put(NONE)
    for _ in range(3):
        await moves.put(NONE, SECONDS_UNPROVEN)
    assert leads_somebody(moves)


def counted(**started: int) -> Reading:
    rows = {SeriesKey(2, variant, "default", "p"): Tally(started=count) for variant, count in started.items()}
    return Reading(at=0, observed=rows, newest_sample_at=0.0, rows_refused=0)


@pytest.mark.parametrize(
    ("weights", "started", "missing"),
    [
        ((50,), {"baseline": 10}, True),
        ((50,), {"baseline": 9}, False),
        ((50,), {"baseline": 500, "candidate": 1}, False),
        ((5,), {"baseline": 189}, False),
        ((5,), {"baseline": 190}, True),
        ((50,), {"candidate": 10}, True),
        ((50,), {}, False),
        ((20, 30), {"baseline": 30, "w10": 9}, True),
        ((0, 30), {"baseline": 5, "w5": 3}, False),
    ],
)
def test_a_variant_is_missing_when_it_should_have_had_ten_requests_and_had_none(
    weights: tuple[int, ...], started: dict[str, int], missing: bool
) -> None:
    wanted = split(*weights, step=2)
    assert variant_is_missing(requests_since(counted(**started), wanted, Ledger()), wanted) is missing
