"""A verdict counts as stored only if all of it is what the operator decided."""

from __future__ import annotations

from earlystop.controller.cluster import VERDICTS
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
