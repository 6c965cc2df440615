"""Who asked: a request is told and recorded in the name of who signed it, and in nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.controller.memory.annotations import SUSPEND_FIELD, field_of, requests_in
from earlystop.controller.memory.tracked import TrackedPolicy
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import (
    ABORT,
    PROMOTE,
    RETRY,
    SAME,
    SUSPEND_BY,
    by,
    told,
    under_way,
)
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.policies import written


async def test_a_pause_its_end_and_a_retry_are_told_with_who_asked() -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.edit(annotations={SUSPEND_BY: "alice for true"})
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        world.edit(annotations={SUSPEND_BY: "bob for false at 2026-11-27T05:00:00Z"})
        world.edit_spec(written())
        await world.reconcile_until("Observing")
        world.edit(annotations=by(RETRY, "carol\x1b[2J", "2"))
        await world.reconcile()
    assert told(world, "Suspended")[0].startswith("Asked for by user alice: ")
    assert told(world, "Resumed")[0].startswith("Asked for by user bob: ")
    assert told(world, "CampaignStarted")[-1].startswith("Asked for by user carol?[2J: ")
    assert "Asked for" not in told(world, "CampaignStarted")[0]


@pytest.mark.slow
async def test_the_end_of_a_pause_by_an_edit_that_starts_a_campaign_is_not_told_as_that_of_who_paused() -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.edit(annotations={SUSPEND_BY: "alice for true"})
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        world.edit_spec(written({"rollout": {"steps": [{"weight": 10}, {"weight": 20}]}}))
        await world.reconcile()
    assert told(world, "CampaignStarted")[-1].startswith("Campaign 2 ")
    (resumed,) = told(world, "Resumed")
    assert "user alice" not in resumed


async def test_a_campaign_that_an_edit_starts_is_not_said_to_be_asked_for_by_who_signed_before() -> None:
    async with World(SAME).open() as world:
        world.edit(annotations=by(RETRY, "alice", "1"))
        await under_way(world)
        world.edit_spec(written({"candidates": [{"name": "w20", "values": [{"name": "window", "value": "20"}]}]}))
        for _ in range(2):
            await world.reconcile()
    assert len(told(world, "CampaignStarted")) == 2
    assert all("alice" not in note for note in told(world, "CampaignStarted"))


def field_of_manager(manager: str, field: tuple[str, ...], time: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in reversed(field):
        fields = {name: fields}
    return {"manager": manager, "time": time, "fieldsV1": fields}


def test_without_a_signature_the_newest_field_manager_of_the_verb_is_named_and_said_to_be_unverified() -> None:
    policy = manifest()
    policy["metadata"]["managedFields"] = [
        field_of_manager("argocd-controller", field_of(ABORT), "2026-01-02T00:00:00Z"),
        field_of_manager("kubectl-edit", field_of(ABORT), "2026-01-01T00:00:00Z"),
        field_of_manager("helm\x07", SUSPEND_FIELD, "2026-01-03T00:00:00Z"),
    ]
    policy["metadata"]["annotations"] = {ABORT: "x", PROMOTE: "x"}
    requests = requests_in(policy)
    assert requests.abort.by == "field manager argocd-controller, name not verified"
    assert requests.suspend.by == "field manager helm?, name not verified"
    assert requests.promote.by == "someone unnamed"


def test_a_name_is_bounded_and_has_nothing_that_a_terminal_acts_on() -> None:
    policy = manifest()
    policy["metadata"]["annotations"] = {SUSPEND_BY: "\x1b]0;\u202e" + "x" * 1000 + " for false"}
    named = requests_in(policy).suspend.by
    assert named.isprintable() and len(named) == len("user ") + 253 and named.endswith("…")


@pytest.mark.slow
async def test_a_promotion_that_was_planted_while_paused_is_not_carried_out_in_the_name_of_who_resumes() -> None:
    async with World(SAME).open() as world:
        revision = await under_way(world)
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        world.edit(annotations={PROMOTE: revision})
        await world.reconcile()
        world.edit(annotations={PROMOTE: revision, SUSPEND_BY: "alice for false"})
        world.edit_spec(written())
        world.tracked = TrackedPolicy.load(world.policy, world.now)
        await world.reconcile_until("Observing")
        for _ in range(5):
            await world.reconcile()
    assert world.status["phase"] in ("Settling", "Observing") and world.verdicts() == []
    assert told(world, "Resumed")[0].startswith("Asked for by user alice: ")
    (note,) = told(world, "RequestRefused")
    assert "alice" not in note and "suspended" in note


async def test_an_old_signature_beside_a_new_abort_names_nobody() -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.edit(annotations=by(ABORT, "alice", "0000000000"))
        await world.reconcile()
        planted = {**by(ABORT, "alice", "0000000000"), ABORT: world.status["revision"]}
        world.edit(annotations=planted)
        await world.reconcile_until("RolledBack")
        (verdict,) = world.verdicts()
    assert "alice" not in verdict["spec"]["requestedBy"]
    assert verdict["spec"]["requestedBy"].endswith("the signature there is not for this request")


async def test_a_retry_that_waits_for_the_end_of_a_pause_stays_that_of_who_asked_for_it() -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        world.edit(annotations=by(RETRY, "mallory", "2"))
        await world.reconcile()
        world.edit(annotations={**by(RETRY, "mallory", "2"), SUSPEND_BY: "alice for false"})
        world.edit_spec(written())
        await world.reconcile_until("Observing")
    assert told(world, "CampaignStarted")[-1].startswith("Asked for by user mallory: ")
