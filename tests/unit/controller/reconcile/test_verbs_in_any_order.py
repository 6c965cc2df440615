"""People ask things of one policy in any order: nothing is lost, doubled or stuck, and an abort wins."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import SAME, SAVING
from tests.unit.controller.reconcile.signers import NAMES, REQUESTS, WAYS, Asked, Signers
from tests.unit.controller.reconcile.verbs import VERBS, People
from tests.unit.rollout.traffic import Quality

ROLLOUT = {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 900}
KINDS: dict[str, tuple[Quality, dict[str, Any]]] = {
    "undecided": (SAME, {"rollout": ROLLOUT}),
    "proven": (SAVING, {"rollout": ROLLOUT}),
    "asks people": (SAVING, {"rollout": ROLLOUT, "approval": {"mode": "BeforePromotion", "expiresSeconds": 600}}),
    "guarded": (SAVING, {"rollout": ROLLOUT, "guard": {"holdbackWeight": 10}}),
}


async def played(kind: str, verbs: list[str]) -> None:
    quality, changes = KINDS[kind]
    async with World(quality, changes).open() as world:
        people = People(world)
        await world.reconcile_until("Observing")
        for verb in verbs:
            await people.ask(verb)
        await people.come_to_an_end()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(verbs=st.lists(st.sampled_from(VERBS), min_size=2, max_size=6))
async def test_whatever_people_ask_in_any_order_comes_to_an_end_and_an_abort_wins(kind: str, verbs: list[str]) -> None:
    await played(kind, verbs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "verbs"),
    [
        ("proven", ["pause", "promote", "resume", "prune", "promote", "abort", "write again"]),
        ("proven", ["promote", "wait", "abort", "old promote", "prune", "write again"]),
        ("asks people", ["wait", "promote", "abort", "approve", "promote", "approve"]),
        ("asks people", ["promote", "pause", "approve", "abort", "resume"]),
        ("guarded", ["wait", "wait", "promote", "abort", "restart", "write again"]),
        ("undecided", ["retry", "abort", "old retry", "prune", "old abort", "retry"]),
    ],
)
async def test_an_abort_among_other_requests_takes_the_candidate_off_and_keeps_it_off(
    kind: str, verbs: list[str]
) -> None:
    await played(kind, verbs)


async def played_by(kind: str, turns: list[Asked]) -> None:
    quality, changes = KINDS[kind]
    async with World(quality, changes).open() as world:
        people = Signers(world)
        await world.reconcile_until("Observing")
        for turn in turns:
            await people.ask_as(turn)
        people.turn = Asked("wait", "alice", "command")
        await people.come_to_an_end()


TURNS = st.builds(Asked, st.sampled_from(REQUESTS), st.sampled_from(NAMES), st.sampled_from(WAYS))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(turns=st.lists(TURNS, min_size=3, max_size=9))
async def test_of_three_people_who_ask_in_any_order_by_any_way_each_is_named_for_the_own_requests_alone(
    kind: str, turns: list[Asked]
) -> None:
    await played_by(kind, turns)


@pytest.mark.slow
@pytest.mark.parametrize(
    "told",
    [
        "pause alice kubectl, resume bob unsigned, pause carol unsigned, resume carol apply",
        "pause alice kubectl, resume alice kubectl, pause bob unsigned, abort carol apply",
        "abort alice command, retry bob unsigned, wait bob apply, abort carol unsigned",
        "promote alice apply, abort bob unsigned, retry carol kubectl, promote bob unsigned",
        "retry alice kubectl, retry bob unsigned, edit carol apply, retry carol command, abort bob kubectl",
        "pause alice apply, edit bob apply, retry carol kubectl, resume bob unsigned, abort alice unsigned",
    ],
)
async def test_who_writes_beside_another_persons_signature_is_not_taken_for_them(told: str) -> None:
    await played_by("undecided", [Asked(*each.split(" ")) for each in told.split(", ")])
