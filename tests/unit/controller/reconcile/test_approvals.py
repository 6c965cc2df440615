"""A decision waits for people, for all to see, and an answer is followed once, whichever operator is killed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from earlystop.controller.approvals import SECONDS_TO_LIST
from earlystop.controller.cluster import APPROVALS, Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.waiting.approval import Asked
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.controller.invariants import snapshot
from tests.unit.controller.killed import Checked, Killed
from tests.unit.controller.reconcile.qualities import SAVING

ONE_STEP = {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 900}
ASKING: dict[str, Any] = {"rollout": ONE_STEP, "approval": {"mode": "BeforePromotion", "expiresSeconds": 600}}
BRIEFLY: dict[str, Any] = {"rollout": ONE_STEP, "approval": {"mode": "BeforePromotion", "expiresSeconds": 60}}
BY_ANOTHER = {"rollout": ONE_STEP, "approval": {"mode": "BeforePromotion", "notByAuthor": True}}


async def until_it_waits(world: World) -> None:
    for _ in range(200):
        if "awaiting" in world.status:
            return
        await world.reconcile()
    raise AssertionError("no decision waits")


def condition(manifest: Manifest, type_: str) -> Manifest:
    return next(each for each in manifest["status"]["conditions"] if each["type"] == type_)


@pytest.mark.slow
async def test_a_decision_that_waits_is_told_by_condition_event_and_status_and_followed_once_approved() -> None:
    async with World(SAVING, ASKING).open() as world:
        await until_it_waits(world)
        for _ in range(5):
            await world.reconcile()
        progressing = condition(world.policy, "Progressing")
        assert (world.status["phase"], world.status["weight"], world.verdicts()) == ("Observing", 50, [])
        assert (progressing["status"], progressing["reason"]) == ("True", "AwaitingApproval")
        assert "Proposed: all requests get window=10" in progressing["message"] and "AwaitingApproval" in world.told()
        world.answer("Approve")
        await world.reconcile_until("Promoted")
        await world.approvals.write_due()
    (verdict,) = world.verdicts()
    assert verdict["spec"]["approvedBy"] == ["user bob"] and differences(verdict["spec"]) == []
    assert condition(world.api.at(APPROVALS, "llm", "bob-approve"), "Counted")["reason"] == "Counted"


async def test_a_rejection_gives_all_requests_to_the_baseline_and_its_verdict_says_whose_it_was() -> None:
    async with World(SAVING, ASKING).open() as world:
        await until_it_waits(world)
        world.answer("Reject", comment="not before the holidays")
        await world.reconcile_until("RolledBack")
        await world.approvals.write_due()
    (verdict,) = world.verdicts()
    assert verdict["spec"]["rejectedBy"] == "user bob" and "not before the holidays" in verdict["spec"]["message"]
    assert condition(world.api.at(APPROVALS, "llm", "bob-reject"), "Counted")["status"] == "True"


@pytest.mark.slow
async def test_where_the_author_is_not_known_the_policy_says_that_no_approval_counts_until_somebody_signs() -> None:
    async with World(SAVING, BY_ANOTHER).open() as world:
        await until_it_waits(world)
        world.answer("Approve")
        for _ in range(3):
            await world.reconcile()
            await world.approvals.write_due()
        assert condition(world.policy, "Progressing")["reason"] == "AuthorUnknown"
        assert condition(world.api.at(APPROVALS, "llm", "bob-approve"), "Counted")["reason"] == "AuthorUnknown"
        world.edit(annotations={"earlystop.dev/changed-by": "alice"})
        await world.reconcile_until("Promoted")
        await world.approvals.write_due()
    assert condition(world.api.at(APPROVALS, "llm", "bob-approve"), "Counted")["reason"] == "Counted"


async def test_what_became_of_an_approval_is_said_once_and_stays() -> None:
    async with World(SAVING, ASKING).open() as world:
        await until_it_waits(world)
        world.answer("Approve", by="mallory", policyUid="another")
        world.answer("Approve")
        await world.reconcile_until("Promoted")
        await world.approvals.write_due()
        world.edit(annotations={"earlystop.dev/retry": "again"})
        await world.reconcile_until("Observing")
        world.restart()
        world.api.calls.clear()
        await world.approvals.write_due()
    told = {
        name: condition(world.api.at(APPROVALS, "llm", name), "Counted") for name in ("bob-approve", "mallory-approve")
    }
    assert {name: each["reason"] for name, each in told.items()} == {
        "bob-approve": "Counted",
        "mallory-approve": "OtherPolicy",
    }
    assert world.api.calls == []


async def test_an_approval_of_a_policy_that_is_none_is_told_so_once_policies_are_listed() -> None:
    async with World(SAVING, ASKING).open() as world:
        await until_it_waits(world)
        found: list[Asked | None] = [None]
        world.approvals._asks = lambda _: found[0]
        world.answer("Approve")
        await world.approvals.write_due()
        assert "status" not in world.api.at(APPROVALS, "llm", "bob-approve")
        world.now += SECONDS_TO_LIST
        await world.approvals.write_due()
    assert condition(world.api.at(APPROVALS, "llm", "bob-approve"), "Counted")["reason"] == "NoSuchPolicy"


async def test_an_approval_that_is_taken_back_in_time_is_not_followed() -> None:
    async with World(SAVING, ASKING).open() as world:
        await until_it_waits(world)
        world.approvals.deleted(world.answer("Approve"))
        for _ in range(5):
            await world.reconcile()
        assert world.status["phase"] == "Observing" and "awaiting" in world.status


async def test_an_approval_that_was_deleted_while_no_watch_looked_is_not_followed() -> None:
    async with World(SAVING, ASKING).open() as world:
        await until_it_waits(world)
        world.answer("Approve")
        del world.api.objects[APPROVALS.path("llm", "bob-approve")]
        for _ in range(5):
            await world.reconcile()
        assert world.status["phase"] == "Observing" and "awaiting" in world.status


class Play:
    """A campaign from before its decision is proposed, as often as it is asked for."""

    def __init__(self, answer: str, objects: dict[str, Manifest], now: float) -> None:
        self.answer, self.objects, self.now = answer, objects, now

    async def to_the_end(self, kill_at: int | None = None, before: bool = False) -> tuple[Checked, World]:
        """Play on to the end of the campaign; a killed operator is followed by another one."""
        world = World(SAVING, BRIEFLY)
        api = Checked(copy.deepcopy(self.objects), {50})
        api.kill_at, api.before = kill_at, before
        world.api, world.now = api, self.now
        world.restart()
        has_answered = not self.answer
        async with world.open():
            for _ in range(200):
                if not has_answered and "awaiting" in world.status:
                    world.answer(self.answer)
                    has_answered = True
                try:
                    await world.reconcile()
                    await world.approvals.write_due()
                except Killed:
                    world.now += 1
                    world.restart()
                if world.status["phase"] in ("Promoted", "RolledBack"):
                    await world.approvals.write_due()
                    break
        return api, world


async def before_it_waits(answer: str) -> Play:
    async with World(SAVING, BRIEFLY).open() as world:
        turns = Turns()
        while True:
            turns.another()
            before = copy.deepcopy(world.api.objects), world.now
            await world.reconcile()
            if "awaiting" in world.status:
                return Play(answer, *before)


ENDS = {"Approve": ("Promoted", "Promote"), "Reject": ("RolledBack", "RollBack"), "": ("RolledBack", "Inconclusive")}


@pytest.mark.slow
@pytest.mark.parametrize("answer", ENDS)
async def test_a_killed_operator_comes_to_the_same_end_at_every_write_and_nothing_is_doubled(answer: str) -> None:
    play, (phase, decision) = await before_it_waits(answer), ENDS[answer]
    whole, last = await play.to_the_end()
    assert last.status["phase"] == phase and whole.writes >= 5
    for kill_at in range(whole.writes):
        for before in (False, True):
            api, world = await play.to_the_end(kill_at, before)
            assert (world.status["phase"], snapshot(api).in_force) == (phase, 100 if phase == "Promoted" else 0)
            (verdict,) = world.verdicts()
            assert verdict["spec"]["decision"] == decision and differences(verdict["spec"]) == []
            told = [each for path, each in api.objects.items() if path.startswith(APPROVALS.path("llm"))]
            assert [condition(each, "Counted")["reason"] for each in told] == ["Counted"] * bool(answer)
            assert TrackedPolicy.load(world.policy, world.now).state.awaiting is None
