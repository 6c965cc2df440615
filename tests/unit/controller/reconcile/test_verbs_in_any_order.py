"""People ask things of one policy in any order: nothing is lost, doubled or stuck, and an abort wins."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import SAME, SAVING
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
