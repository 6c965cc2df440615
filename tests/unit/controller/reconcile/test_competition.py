"""Who has a target: a campaign that is over leaves it to others, one whose candidate has requests keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.controller.cluster import POLICIES, ROUTES, SERVICES, Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.competition import competition_refusal, is_over, leaving_for, successor_of
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import Phase
from tests.unit.controller.embedded_world import World
from tests.unit.controller.tracked_policies import manifest, tracked
from tests.unit.every_row import every_row
from tests.unit.rollout.states import REACHED
from tests.unit.rollout.traffic import HARMFUL, SAVING

RETRY = '"retry"'
LEFT = frozenset({Phase.ROLLED_BACK, Phase.REPORTED})
OTHER: dict[str, Any] = {"name": "other", "uid": "2222-other", "created": "2026-02-01T00:00:00Z"}
UNEDITED = [name for name, state in REACHED.items() if state.plan and RETRY not in state.plan.text]
ONE_A_PHASE = sorted({state.phase: name for name, state in REACHED.items()}.values())


def other(state: str = "pending", **more: Any) -> TrackedPolicy:
    return tracked(None if state == "pending" else REACHED[state], **{**OTHER, **more})


@pytest.mark.slow
@every_row("name", UNEDITED)
def test_a_policy_keeps_its_target_in_every_phase_but_those_that_end_on_the_baseline(name: str) -> None:
    first = tracked(REACHED[name])
    assert is_over(first) == (first.state.phase in LEFT)
    wanting = other()
    first.spec = wanting.spec = first.plan.spec
    refusal = competition_refusal(wanting, [first, wanting])
    assert refusal is not None and refusal.reason == "TargetTaken"
    if first.state.phase in LEFT:
        assert "goes on by itself" in refusal.message and successor_of(first, [first, wanting]) == "other"
        assert leaving_for(wanting, [first, wanting]) == [first]
        first.traffic.handover.note_left()
        assert competition_refusal(wanting, [first, wanting]) is None
    else:
        assert "Policy qa has the traffic of this target or route. Delete one" in refusal.message
        assert successor_of(first, [first, wanting]) == "" and leaving_for(wanting, [first, wanting]) == []


@pytest.mark.slow
@pytest.mark.parametrize("one", ONE_A_PHASE)
def test_of_two_policies_for_one_target_just_one_is_accepted_with_objects_on_the_route(one: str) -> None:
    """Checked one after the other until nothing changes, as the operator does."""
    for two in ONE_A_PHASE:
        both = [tracked(None if one == "pending" else REACHED[one]), other(two)]
        for each in both:
            if each.state.plan is not None:
                each.spec = each.plan.spec
        accepted: dict[str, bool] = {}
        for _ in range(4):
            for each in both:
                each.traffic.handover.leave_to(successor_of(each, both))
                if each.traffic.handover.successor:
                    each.traffic.handover.note_left()
                accepted[each.name] = competition_refusal(each, both) is None
        on_the_route = [each for each in both if accepted[each.name] and not each.traffic.handover.successor]
        assert len(on_the_route) == 1, (one, two)
        if is_over(both[0]) != is_over(both[1]):
            assert not is_over(on_the_route[0]) or on_the_route[0].is_edited(on_the_route[0].state), (one, two)


def test_a_policy_that_was_left_behind_and_is_edited_wants_the_target_again_and_waits() -> None:
    edited = tracked(REACHED["rolled back"])
    edited.spec = other(changes={"objective": {"exactMatch": {"margin": "0.09"}}}).spec
    running = other("observing")
    refusal = competition_refusal(edited, [edited, running])
    assert refusal is not None and "abort the campaign of that one" in refusal.message
    assert successor_of(edited, [edited, running]) == "other"
    assert competition_refusal(running, [edited, running]) is None


def test_a_policy_that_is_refused_for_another_reason_succeeds_nobody() -> None:
    over, wanting = tracked(REACHED["rolled back"]), other()
    wanting.observations = Observations(refusal=Refusal("SourceNotFound", "There is none."))
    assert successor_of(over, [over, wanting]) == ""


def test_a_target_that_was_left_is_not_taken_up_again_while_the_other_one_wants_it() -> None:
    over, wanting = tracked(REACHED["rolled back"]), other()
    over.traffic.handover.leave_to(successor_of(over, [over, wanting]))
    over.traffic.handover.note_left()
    wanting.observations = Observations(refusal=Refusal("RouteOverlaps", "It does."))
    assert successor_of(over, [over, wanting]) == "other"
    assert successor_of(over, [over]) == ""


def objects(world: World) -> tuple[Manifest, Manifest]:
    (overlay,) = [each for each in found(world, ROUTES.path("llm")) if each["metadata"]["name"] == "qa-early-stop"]
    (alias,) = [each for each in found(world, SERVICES.path("llm")) if "-es-" in each["metadata"]["name"]]
    return overlay, alias


def found(world: World, path: str) -> list[Manifest]:
    return [each for name, each in world.api.objects.items() if name.startswith(path)]


def conditions(policy: Manifest) -> dict[str, Manifest]:
    return {each["type"]: each for each in policy["status"]["conditions"]}


async def joined(world: World, rounds: int = 6) -> TrackedPolicy:
    """Another policy for the same target comes, and both are reconciled in turn."""
    joining = TrackedPolicy.load(world.api.put(POLICIES, manifest(**OTHER)), world.now)
    world.beside = [joining]
    assert world.reconciler is not None
    for _ in range(rounds):
        await world.reconciler.reconcile(joining)
        await world.reconcile()
        world.now += 21
    return joining


async def test_a_rolled_back_policy_leaves_its_target_to_another_one_which_begins_by_itself() -> None:
    async with World(HARMFUL).open() as world:
        await world.reconcile_until("RolledBack")
        joining = await joined(world)
        overlay, alias = objects(world)
        assert "parentRefs" not in overlay["spec"]
        assert [each["name"] for each in alias["metadata"]["ownerReferences"]] == ["other", "qa"]
        assert joining.state.campaign == 1
        said = conditions(world.policy)
        assert (said["Accepted"]["status"], said["TrafficApplied"]["reason"]) == ("True", "TargetLeft")
        assert (said["Completed"]["status"], said["Completed"]["reason"]) == ("True", "RolledBack")
        told = {each["reason"] for each in found(world, "/api/v1/namespaces/llm/events")}
        assert not told & {"ForeignEditUndone", "DriftCorrected", "EditFollowed"}


async def test_a_promoted_policy_keeps_its_target() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until("Promoted")
        joining = await joined(world, rounds=2)
        overlay, _ = objects(world)
        assert overlay["spec"]["parentRefs"] and joining.state.phase is Phase.PENDING
        refusal = joining.observations.refusal
        assert refusal is not None and refusal.reason == "TargetTaken" and "qa has the traffic" in refusal.message


def leading(world: World) -> set[str]:
    """Names of the policies whose overlays lead requests."""
    routes = [each for each in found(world, ROUTES.path("llm")) if each["spec"].get("parentRefs")]
    names = {each["metadata"]["name"] for each in routes}
    return {name.removesuffix("-early-stop") for name in names if name.endswith("-early-stop")}


async def succeeded(world: World, phase: Phase) -> None:
    """A policy whose campaign ended in a phase has left its target to another one, which leads requests now."""
    state = next(each for each in REACHED.values() if each.phase is phase)
    made = manifest(state)
    made["spec"] = state.pinned_plan.spec.wire()
    world.tracked = TrackedPolicy.load(world.api.put(POLICIES, made), world.now)
    await world.reconcile()
    await joined(world, rounds=8)
    assert leading(world) == {"other"}
    assert conditions(world.policy)["TrafficApplied"]["reason"] == "TargetLeft"


@pytest.mark.slow
@pytest.mark.parametrize("phase", sorted(LEFT))
@pytest.mark.parametrize("listed", ["before it", "after it"])
async def test_no_restart_puts_an_overlay_that_left_the_target_beside_that_of_its_successor(
    phase: Phase, listed: str
) -> None:
    world = World(SAVING)
    async with world.open():
        await succeeded(world, phase)
        world.restart()
        world.beside = []
        if listed == "before it":
            world.beside = [TrackedPolicy.load(world.api.at(POLICIES, "llm", "other"), world.now)]
        assert world.tracked.traffic.handover.is_left and world.tracked.traffic.handover.successor == "other"
        world.api.calls.clear()
        for must_check in (False, True, False):
            if must_check:
                world.tracked.acceptance.require_check()
            world.tracked.traffic.require_recheck()
            await world.reconcile()
            assert leading(world) == {"other"}
        assert world.written("route") == []


@pytest.mark.slow
async def test_a_successor_that_was_deleted_while_no_operator_ran_is_left_nothing_after_the_first_check() -> None:
    world = World(SAVING)
    async with world.open():
        await succeeded(world, Phase.REPORTED)
        world.restart()
        world.beside = []
        del world.api.objects[POLICIES.path("llm", "other")]
        world.tracked.acceptance.require_check()
        await world.reconcile()
        assert world.tracked.traffic.handover.successor == "" and not world.tracked.traffic.handover.is_left


@pytest.mark.slow
async def test_what_another_writer_says_was_left_stays_left() -> None:
    world = World(SAVING)
    async with world.open():
        await succeeded(world, Phase.REPORTED)
        behind = tracked(REACHED["rolled back"])
        behind.resume_from(TrackedPolicy.load(world.policy, world.now))
        assert behind.traffic.handover.is_left and behind.traffic.handover.successor == "other"
