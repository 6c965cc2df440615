"""A verdict counts as stored only if all of it is what the operator decided."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES, VERDICTS
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.record.chain_report import chain_report
from earlystop.rollout.spent_risk import attempts_recorded
from earlystop.rollout.verdict import verdict_object
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import Quality

HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)


async def test_a_record_with_the_right_name_and_the_text_of_the_right_digest_is_not_taken_for_the_verdict() -> None:
    async with World(HARMFUL).open() as world:
        original = world.api._create

        def create(path: str, body: dict[str, object]) -> object:
            if "earlystopverdicts" in path and not world.verdicts():
                made = verdict_object("qa", "llm", world.tracked.uid, world.tracked.state)
                world.api.put(VERDICTS, {**made, "spec": {**made["spec"], "decision": "Promote"}})
            return original(path, body)

        world.api._create = create  # type: ignore[method-assign, assignment]
        await world.reconcile_until("RollingBack")
        for _ in range(5):
            await world.reconcile()
        conditions = {each["type"]: each["reason"] for each in world.status["conditions"]}
    assert world.status["phase"] == "RollingBack" and world.status["weight"] == 0
    assert conditions["Ready"] == "VerdictNotStored"


SHARED = {"objective": {"risk": {"campaigns": 3}}}


@pytest.mark.parametrize(("changes", "attempt"), [(SHARED, 2), ({"objective": {"risk": {"campaigns": 1}}}, 1)])
async def test_a_policy_that_is_deleted_and_made_again_goes_on_from_what_its_verdicts_have_spent(
    changes: dict[str, Any], attempt: int
) -> None:
    async with World(HARMFUL, changes).open() as world:
        await world.reconcile_until("RolledBack")
        owned = [path for path, each in world.api.objects.items() if each["metadata"].get("ownerReferences")]
        for path in owned:  # as garbage collection does
            del world.api.objects[path]
        made = {**world.policy, "metadata": {**world.policy["metadata"], "uid": "another"}}
        made.pop("status")
        world.tracked = TrackedPolicy.load(world.api.put(POLICIES, made), world.now)
        await world.reconcile_until("Applying")
        assert world.tracked.state.pinned_plan.attempt == attempt
        await world.reconcile_until("RolledBack")
    assert world.status["campaign"] == 1
    assert sorted(each["spec"]["risk"]["campaign"] for each in world.verdicts()) == [1, attempt]
    first, second = sorted((each["spec"] for each in world.verdicts()), key=lambda each: str(each["at"]))
    assert second["previous"] == first["digest"] and second["policyUid"] != first["policyUid"]
    report = chain_report("qa", world.verdicts())
    assert report.problems == () == report.notes and report.head == second["digest"]


async def test_verdicts_of_another_policy_and_records_that_nobody_can_read_spend_nothing() -> None:
    async with World(HARMFUL, SHARED).open() as world:
        await world.reconcile_until("RolledBack")
        record = world.verdicts()[0]["spec"]
    assert [each.campaigns for each in attempts_recorded([record], "qa")] == [1]
    assert attempts_recorded([record], "another") == ()
    nothing = {**record, "lookTable": record["lookTable"].split("\n")[0]}
    assert attempts_recorded([nothing, {**record, "plan": "{}"}, {"policy": "qa"}], "qa") == ()


async def test_of_several_campaigns_in_verdicts_the_latest_counts() -> None:
    async with World(HARMFUL, SHARED).open() as world:
        await world.reconcile_until("RolledBack")
        first = world.verdicts()[0]["spec"]
    third = {**first, "plan": json.dumps({**json.loads(first["plan"]), "attempt": 3}), "at": "2030-01-01T00:00:00Z"}
    anew = {**first, "at": "2031-01-01T00:00:00Z"}
    assert [each.campaigns for each in attempts_recorded([first, third], "qa")] == [3]
    assert [each.campaigns for each in attempts_recorded([anew, third, first], "qa")] == [1]
