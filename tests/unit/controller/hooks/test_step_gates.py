"""A step waits for its gates, while looks and harm go on; each answer is stored, and nothing is asked twice."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from earlystop.controller.cluster import ROUTES, Manifest
from earlystop.controller.hooks.run_job import JOBS
from earlystop.rollout.verify.verdict import object_differences
from tests.turns import Turns
from tests.unit.controller.guarded_world import GOOD, TurningCounts
from tests.unit.controller.hooks.gated_world import GatedWorld, gated
from tests.unit.controller.hooks.receiver import receiving
from tests.unit.controller.killed import Dying, Killed
from tests.unit.rollout.policies import policy

STEPS = {"steps": [{"weight": 5, "minimumSeconds": 0}, {"weight": 50, "minimumSeconds": 0}]}
# Nothing is promoted before the second step, which is otherwise proven in the first.
SLOW = {**STEPS, "minimumHours": 1, "deadlineSeconds": 36_000}
EACH = {"name": "ci", "before": "Step", "targetRef": {"name": "receiver"}}
LATER = {**EACH, "weights": [50]}
JOB = {"name": "evaluate", "before": "Step", "weights": [50], "jobRef": {"name": "retrain"}}


def weight(made: GatedWorld) -> int | None:
    """Percent of users' requests that the candidate has by the overlay; None before there is one."""
    found = [
        each
        for path, each in made.world.api.objects.items()
        if path.startswith(ROUTES.path("llm")) and each["metadata"]["name"] != "qa"
    ]
    backends = {each["name"]: each["weight"] for each in found[0]["spec"]["rules"][-1]["backendRefs"]} if found else {}
    return backends.get("qa-es-candidate")


async def pass_time(made: GatedWorld, seconds: float) -> None:
    until = made.world.now + seconds
    turns = Turns()
    while made.world.now < until and turns.another():
        await made.advance()


async def until_second(made: GatedWorld) -> None:
    """Until the second step watches."""
    for _ in range(80):
        if made.world.status.get("step") == 1 and made.world.status["phase"] == "Observing":
            return
        await made.advance()
    raise AssertionError(f"the second step has not begun: {made.world.status['phase']}, {made.condition()}")


@pytest.mark.slow
async def test_no_candidate_has_a_request_before_the_gate_of_the_first_step_is_open() -> None:
    async with gated(EACH, rollout=STEPS) as made:
        made.receiver.says("not yet")
        await pass_time(made, 120)
        assert not weight(made) and made.world.status["phase"] == "Applying"
        assert made.condition()[:2] == ("Unknown", "GateWaiting") and "before step 1, at 5 %" in made.condition()[2]
        made.receiver.says('{"gate": "Open"}')
        await made.advance_until("Observing", "GateOpen")
        assert weight(made) == 5 and made.world.status["stepGates"]["entered"]
        body = made.receiver.bodies[0]
        assert body["data"]["proposal"] == {
            **{"candidate": "w10", "step": "1", "weight": "5"},
            **{"setting window": "10", "setting patience": "2.5"},
        }
        await made.advance_until("Promoted")
        assert object_differences(made.world.verdicts()[-1]) == []


@pytest.mark.slow
async def test_a_later_step_waits_while_looks_go_on_and_is_entered_once_the_gate_is_open() -> None:
    async with gated(LATER, rollout=SLOW) as made:
        made.receiver.says("not yet")
        await made.advance_until("Observing", "GateWaiting")
        looked = made.world.tracked.state.last_look_at
        await pass_time(made, 100)
        assert weight(made) == 5 and made.world.status["step"] == 0 and "before step 2, at 50 %" in made.condition()[2]
        assert (made.world.tracked.state.last_look_at or 0) > (looked or 0), "no look was taken meanwhile"
        made.receiver.says('{"gate": "Open", "message": "all green"}')
        await until_second(made)
        assert len(set(made.receiver.ids)) == 1
        assert {"GateWaiting", "GateOpen"} <= made.world.told()


async def test_each_step_is_a_question_of_its_own() -> None:
    async with gated(EACH, rollout=SLOW) as made:
        made.receiver.says('{"gate": "Open"}')
        await until_second(made)
        assert [each["data"]["proposal"]["weight"] for each in made.receiver.bodies] == ["5", "50"]
        assert len(set(made.receiver.ids)) == 2 and weight(made) == 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "reason", "decision"),
    [('{"gate": "Closed", "message": "red"}', "GateClosed", "RollBack"), ("no", "GateTimedOut", "Inconclusive")],
)
@pytest.mark.parametrize("gate", [EACH, LATER])
async def test_a_gate_that_closes_or_does_not_open_in_time_ends_the_campaign(
    gate: dict[str, Any], answer: str, reason: str, decision: str
) -> None:
    async with gated({**gate, "timeoutSeconds": 40}, rollout=SLOW) as made:
        made.receiver.says(answer)
        await made.advance_until("RolledBack", reason)
        (verdict,) = made.world.verdicts()
        assert (verdict["spec"]["reason"], verdict["spec"]["decision"]) == (reason, decision)
        assert object_differences(verdict) == [] and not weight(made)
        assert made.world.told() >= {"GateWaiting", reason, "RolledBack"}


async def test_one_that_waits_on_says_that_its_time_is_over_and_the_step_begins_when_it_opens() -> None:
    async with gated({**EACH, "timeoutSeconds": 30, "onTimeout": "Wait"}, rollout=STEPS) as made:
        made.receiver.says("no")
        await made.advance_until("Applying", "GateTimedOut")
        made.receiver.says('{"gate": "Open"}')
        await made.advance_until("Observing", "GateOpen")
        assert weight(made) == 5


async def test_harm_takes_the_candidate_back_while_a_step_waits() -> None:
    steps = [{"weight": 25, "minimumSeconds": 0}, {"weight": 50, "minimumSeconds": 0}]
    async with receiving() as receiver:
        made = GatedWorld(receiver, [LATER], {**SLOW, "steps": steps})
        turning = TurningCounts(GOOD)
        made.world.counts, turning.weights = turning, (25, 50)
        async with made.world.open():
            made.receiver.says("not yet")
            await made.advance_until("Observing", "GateWaiting")
            turning.turns_at = made.world.now
            await made.advance_until("RolledBack")
        assert made.world.verdicts()[-1]["spec"]["reason"] == "HarmShown"
        assert "stepGates" not in made.world.status


@pytest.mark.parametrize("gate", [EACH, LATER])
async def test_a_gate_that_is_taken_out_holds_no_step_any_more(gate: dict[str, Any]) -> None:
    async with gated(gate, rollout=SLOW) as made:
        made.receiver.says("not yet")
        phase = "Applying" if gate is EACH else "Observing"
        await made.advance_until(phase, "GateWaiting")
        spec = made.world.policy["spec"]
        made.world.edit_spec({**spec, "rollout": {**spec["rollout"], "gates": []}})
        await until_second(made)
        assert made.world.status["campaign"] == 1


async def to_promotion(objects: dict[str, Manifest], now: float, kill_at: int | None, before: bool) -> tuple[int, Any]:
    """The gates' Job has succeeded, and the operator dies at one of its writes; another one follows."""
    async with receiving() as receiver:
        made = GatedWorld(receiver, [JOB], SLOW)
        api = Dying(copy.deepcopy(objects), kill_at, before=before)
        made.world.api, made.world.now = api, now
        made.restart()
        async with made.world.open():
            for _ in range(60):
                try:
                    await made.advance()
                except Killed:
                    made.world.now += 1
                    made.restart()
                for path, job in list(api.objects.items()):
                    if path.startswith(JOBS.path("llm") + "/") and "status" not in job:
                        done = {"conditions": [{"type": "Complete", "status": "True"}]}
                        api.put(JOBS, {**job, "status": done})
                if made.world.status["step"] == 1 and made.world.status["phase"] != "Applying":
                    break
        jobs = [path for path in api.objects if path.startswith(JOBS.path("llm") + "/")]
        status = made.world.status
        return api.writes, (jobs, status["step"], status["stepGates"].get("entered"), len(made.world.verdicts()))


@pytest.mark.slow
async def test_a_step_that_is_interrupted_at_any_write_comes_to_the_same_end_and_runs_one_job() -> None:
    async with gated(JOB, rollout=SLOW) as made:
        await made.advance_until("Observing")
        objects, now = copy.deepcopy(made.world.api.objects), made.world.now
    writes, end = await to_promotion(objects, now, None, False)
    assert len(end[0]) == 1 and end[1:] == (1, True, 0)
    for kill_at in range(writes):
        for before in (False, True):
            assert (await to_promotion(objects, now, kill_at, before))[1] == end, (kill_at, before)


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ({**EACH, "before": "Steps"}, "before"),
        ({**EACH, "weights": []}, "weights"),
        ({**EACH, "weights": [0]}, "weights"),
        ({**EACH, "weights": [101]}, "weights"),
    ],
)
def test_what_names_no_step_is_refused(gate: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        policy({"rollout": {"gates": [gate]}})
