"""Annotations and pauses, from the policy to the record: what is done, who asked, and what is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from earlystop.controller.cluster import EVENTS, ROUTES, ClusterError
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.names import overlay_name
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.verify.verdict import differences
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import (
    ABORT,
    HARMFUL,
    PROMOTE,
    RETRY,
    SAME,
    SAVING,
    by,
    told,
    under_way,
)
from tests.unit.rollout.policies import written


async def test_an_abort_reaches_weight_0_and_its_verdict_says_who_asked() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        world.edit(annotations=by(ABORT, "alice", revision))
        await world.reconcile_until("RolledBack")
        (verdict,) = world.verdicts()
        overlay = world.api.at(ROUTES, "llm", overlay_name("qa"))
    assert world.status["weight"] == 0
    assert weights_in(overlay) == {(100, 0)}
    assert (verdict["spec"]["reason"], verdict["spec"]["requestedBy"]) == ("Aborted", "user alice")
    assert differences(verdict["spec"]) == []
    assert "Asked for by user alice" in told(world, "RolledBack")[0]
    assert world.written("status", "verdict", "route")[-4:] == ["status", "route", "verdict", "status"]


async def test_an_abort_works_while_suspended_and_while_metrics_are_lost() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        world.counts.failure = MetricsFailure(FailureKind.TIMEOUT, "the source hangs")
        for _ in range(3):
            await world.reconcile()
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        world.edit(annotations={ABORT: revision})
        await world.reconcile_until("RolledBack", reconciliations=20)
    assert world.status["weight"] == 0 and world.status["decision"]["reason"] == "Aborted"


@pytest.mark.slow
async def test_an_abort_after_a_promotion_gives_the_traffic_back_as_a_second_verdict() -> None:
    async with World(SAVING).open() as world:
        revision = await under_way(world, "Promoted")
        first = world.status["decision"]
        world.edit(annotations=by(ABORT, "alice", revision))
        await world.reconcile_until("RolledBack", reconciliations=20)
        verdicts = {each["metadata"]["name"]: each["spec"] for each in world.verdicts()}
        assert world.status["weight"] == 0 and "certified" not in world.status
        world.edit(annotations={ABORT: revision, RETRY: "2"})
        await world.reconcile()
        assert world.status["previousDigest"] == verdicts[f"{first['name']}-2"]["digest"]
    assert set(verdicts) == {first["name"], f"{first['name']}-2"}
    assert verdicts[f"{first['name']}-2"]["previous"] == first["digest"] == verdicts[first["name"]]["digest"]
    assert differences(verdicts[f"{first['name']}-2"]) == []


@pytest.mark.slow
async def test_an_abort_does_not_wait_for_a_promotion_whose_verdict_cannot_be_stored() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until("Observing")
        refuse = ClusterError(403, "exceeded quota")
        original = world.api._create

        def create(path: str, body: dict[str, Any]) -> Any:
            if "earlystopverdicts" in path:
                raise refuse
            return original(path, body)

        world.api._create = create  # type: ignore[method-assign]
        await world.reconcile_until("Promoting")
        world.edit(annotations={ABORT: world.status["revision"]})
        for _ in range(5):
            await world.reconcile()
        overlay = world.api.at(ROUTES, "llm", overlay_name("qa"))
        assert world.status["phase"] == "RollingBack" and world.status["weight"] == 0
        assert weights_in(overlay) == {(100, 0)}
        world.api._create = original  # type: ignore[method-assign]
        await world.reconcile_until("RolledBack", reconciliations=30)


async def test_promote_now_gets_all_requests_and_a_verdict_that_says_who_and_what_was_not_proven() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        world.edit(annotations=by(PROMOTE, "alice", f"{revision}/w10"))
        await world.reconcile_until("Promoted", reconciliations=20)
        (verdict,) = world.verdicts()
    assert world.status["weight"] == 100 and "certified" not in world.status
    assert (verdict["spec"]["reason"], verdict["spec"]["requestedBy"]) == ("PromotedByPerson", "user alice")
    assert "Not proven at that moment" in verdict["spec"]["message"] and differences(verdict["spec"]) == []
    assert world.written("status", "verdict", "route")[-4:] == ["status", "verdict", "route", "status"]


@pytest.mark.slow
async def test_a_request_that_is_applied_for_ever_is_done_once_and_is_no_news_to_the_next_campaign() -> None:
    for name, phase in ((ABORT, "RolledBack"), (PROMOTE, "Promoted")):
        async with World(SAME).open() as world:
            revision = await under_way(world)
            world.edit(annotations={name: revision})
            await world.reconcile_until(phase)
            for _ in range(5):
                await world.reconcile()
            assert len(world.verdicts()) == 1
            world.edit(annotations={name: revision, RETRY: "2"})
            await world.reconcile_until("Observing")
            for _ in range(5):
                world.edit(annotations={name: revision, RETRY: "2"})
                await world.reconcile()
            assert world.status["phase"] == "Observing" and world.status["campaign"] == 2
            assert told(world, "RequestIgnored") == told(world, "RequestRefused") == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "phase"), [(ABORT, "RolledBack"), (PROMOTE, "Promoted"), (RETRY, "Observing")])
async def test_no_event_tells_of_a_request_that_was_carried_out_however_often_it_is_applied_again(
    name: str, phase: str
) -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        asked = by(name, "alice", "2" if name == RETRY else revision)
        world.edit(annotations=asked)
        await world.reconcile()
        await world.reconcile_until(phase, reconciliations=20)
        place = EVENTS.path("llm")
        before = {path: each for path, each in copy.deepcopy(world.api.objects).items() if path.startswith(place)}
        for _ in range(3):
            world.restart()
            world.edit(annotations=asked)
            await world.reconcile()
        after = {path: each for path, each in world.api.objects.items() if path.startswith(place)}
        requested = [each["reason"] for each in after.values() if "alice" in each["message"]]
    assert requested or name == RETRY, "none told of it at all"
    new = [each for path, each in after.items() if before.get(path) != each]
    assert all(each["reason"] not in (*requested, "RequestIgnored", "RequestRefused") for each in new), new
    assert len(world.verdicts()) == (0 if name == RETRY else 1) and world.status["phase"] == phase
    assert world.status["campaign"] == (2 if name == RETRY else 1)


@pytest.mark.slow
async def test_a_retry_that_is_removed_or_written_again_begins_nothing_and_is_told_once() -> None:
    """As by `kubectl replace`, a prune, or a controller whose file has an old token."""
    async with World(SAME).open() as world:
        await under_way(world)
        for token, campaign in (("1", 2), ("", 2), ("1", 2), ("2", 3), ("1", 3), ("", 3), ("2", 3), ("3", 4)):
            world.edit(annotations={RETRY: token} if token else {})
            for _ in range(4):
                await world.reconcile()
            assert world.status["campaign"] == campaign, f"after {token!r}"
            world.restart()
        ignored = told(world, "RequestIgnored")
    assert len(ignored) == 3 and all("dealt with before" in note for note in ignored)
    assert "write another text, as 1#2" in ignored[0]


@pytest.mark.slow
async def test_a_request_for_another_campaign_is_told_once_however_often_the_operator_starts() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        for _ in range(5):
            world.edit(annotations={ABORT: "0123456789"})
            await world.reconcile()
            world.tracked = TrackedPolicy.load(world.policy, world.now)
        (note,) = told(world, "RequestIgnored")
        (event,) = [path for path, each in world.api.objects.items() if each.get("reason") == "RequestIgnored"]
    assert "0123456789" in note and revision in note
    assert ("PATCH", event) not in world.api.calls, "it was told again"


@pytest.mark.slow
async def test_a_promotion_is_refused_where_nothing_is_under_way_and_the_refusal_says_who_asked() -> None:
    async with World(HARMFUL).open() as world:
        revision = await under_way(world, "RolledBack")
        world.edit(annotations=by(PROMOTE, "alice", revision))
        for _ in range(5):
            await world.reconcile()
        assert world.status["phase"] == "RolledBack" and len(world.verdicts()) == 1
    (note,) = told(world, "RequestRefused")
    assert "was rolled back" in note and "user alice" in note


async def test_when_both_are_asked_for_the_abort_is_done_and_the_promotion_is_not() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        world.edit(annotations={ABORT: revision, PROMOTE: revision})
        await world.reconcile_until("RolledBack")
        for _ in range(5):
            await world.reconcile()
    assert world.status["phase"] == "RolledBack" and told(world, "RequestRefused") == []


@pytest.mark.slow
async def test_an_abort_that_comes_with_a_new_setting_is_recorded_before_that_one_is_tried() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        world.edit_spec(written({"candidates": [{"name": "w20", "values": [{"name": "window", "value": "20"}]}]}))
        world.edit(annotations={ABORT: revision})
        await world.reconcile_until("Observing")
        for _ in range(30):
            await world.reconcile()
        assert world.status["campaign"] == 2 and world.status["candidate"] == "w20"
        (verdict,) = world.verdicts()
    assert verdict["spec"]["reason"] == "Aborted" and verdict["spec"]["candidate"] == "w10"


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["Observing", "Promoted"])
async def test_the_operator_never_writes_to_the_policys_metadata(phase: str) -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until(phase)
        world.edit(annotations=by(ABORT, "alice", world.status["revision"]))
        before = {key: value for key, value in world.policy["metadata"].items() if key != "resourceVersion"}
        await world.reconcile_until("RolledBack")
        after = {key: value for key, value in world.policy["metadata"].items() if key != "resourceVersion"}
    assert before == after


async def test_an_edit_of_a_paused_policy_is_told_while_it_waits_and_not_once_it_was_taken_back() -> None:
    edited = {"suspend": True, "objective": {"exactMatch": {"margin": "0.015"}}}
    async with World(SAME).open() as world:
        await under_way(world)
        for spec, reason in (({"suspend": True}, "Suspended"), (edited, "EditWaits"), ({"suspend": True}, "Suspended")):
            world.edit_spec(written(spec))
            await world.reconcile_until("Suspended")
            await world.reconcile()
            ready = next(each for each in world.status["conditions"] if each["type"] == "Ready")
            assert ready["reason"] == reason
            assert ("campaign 1 ends without a verdict" in ready["message"]) is (reason == "EditWaits")
        world.edit_spec(written(edited | {"suspend": False}))
        await world.reconcile_until("Observing")
    assert world.status["campaign"] == 2
