"""A promotion waits for a receiver, a Job or a condition; each answer is stored, and none but "Open" lets it go on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from aiohttp import web

from earlystop.api.gates import Gate
from earlystop.controller.cluster import DEPLOYMENTS, ClusterError, Manifest, Resource
from earlystop.controller.hooks.ask_gate import LONGEST_ANSWER, _read, name_of_asker, question
from earlystop.controller.hooks.job import job_name
from earlystop.controller.hooks.run_job import CRON_JOBS, JOBS
from earlystop.rollout.waiting.gates import GateAnswer, GateState, GateSubject
from tests.turns import Turns
from tests.unit.controller.hooks.cron_jobs import cron_job
from tests.unit.controller.hooks.gated_world import GatedWorld, gated
from tests.unit.delivery.cluster import deployment

WEBHOOK = {"name": "ci", "targetRef": {"name": "receiver"}}
JOB = {"name": "evaluate", "jobRef": {"name": "retrain"}}
GATE_OF_JOB = Gate.model_validate(JOB)
READY = {"name": "ready", "condition": {"kind": "Deployment", "name": "qa-server", "type": "Available"}}


def jobs(made: GatedWorld) -> list[str]:
    return [each for each in made.world.api.objects if each.startswith(JOBS.path("llm") + "/")]


async def test_a_receiver_is_asked_until_it_says_open() -> None:
    async with gated(WEBHOOK) as made:
        made.receiver.says('{"gate": "Waiting"}', "not yet", '{"gate": "Open", "message": "all green"}')
        await made.advance_until("Promoted")
        assert made.condition()[:2] == ("True", "GateOpen") and "all green" in made.condition()[2]
        assert len(made.receiver.bodies) == 3 and len(set(made.receiver.ids)) == 1
        body = made.receiver.bodies[0]
        assert body["type"] == "dev.earlystop.gate.question" and body["data"]["gate"] == "ci"
        assert body["data"]["proposal"] == {"candidate": "w10", "setting window": "10", "setting patience": "2.5"}
        assert {"GateWaiting", "GateOpen", "Promoted"} <= made.world.told()


def test_an_answer_that_says_two_things_or_is_longer_than_an_answer_says_nothing() -> None:
    waiting = GateAnswer("ci", GateState.WAITING, 0)
    for answer in (
        b'{"gate": "Closed", "gate": "Open"}',
        b'{"gate": "Open", "gate": "Open"}',
        b'{"gate": "Closed", "g\\u0061te": "Open"}',
        b'{"gate": "Open", "details": {"job": 1, "job": 2}}',
        b'{"gate": "Open"}' + b" " * LONGEST_ANSWER,
        b'{"gate": "Open"}{"gate": "Closed"}',
        b'[{"gate": "Open"}]',
        b'{"gate": ["Open"]}',
        b'{"Gate": "Open"}',
    ):
        assert _read(waiting, answer).state is GateState.WAITING, answer
    exact = b'{"gate": "Open"}'.ljust(LONGEST_ANSWER)
    assert _read(waiting, exact).state is GateState.OPEN


@pytest.mark.slow
@pytest.mark.parametrize("answer", ['{"gate": "open"}', '{"gate": true}', "[]", "Open", "", "x" * 10_000, "[" * 4_000])
async def test_an_answer_in_other_words_opens_nothing(answer: str) -> None:
    async with gated({**WEBHOOK, "timeoutSeconds": 60}) as made:
        made.receiver.says(answer)
        await made.advance_until("RolledBack")
        (verdict,) = made.world.verdicts()
        assert (verdict["spec"]["decision"], verdict["spec"]["reason"]) == ("Inconclusive", "GateTimedOut")


@pytest.mark.slow
async def test_a_receiver_that_redirects_or_fails_opens_nothing() -> None:
    async with gated({**WEBHOOK, "timeoutSeconds": 60}) as made:
        made.receiver.answer = lambda number: web.Response(
            status=(302, 500)[number % 2], text='{"gate": "Open"}', headers={"location": "/elsewhere"}
        )
        await made.advance_until("RolledBack", "GateTimedOut")


async def test_a_receiver_that_asks_to_wait_for_longer_than_the_gate_does_is_asked_before_its_time_is_over() -> None:
    async with gated({**WEBHOOK, "timeoutSeconds": 300}) as made:
        busy = web.Response(status=429, headers={"retry-after": "900"})
        made.receiver.answer = lambda number: web.Response(text='{"gate": "Open"}') if number else busy
        await made.advance_until("Promoted", "GateOpen")
        assert len(made.receiver.bodies) == 2


async def test_a_closed_gate_takes_the_candidate_back_with_what_it_said() -> None:
    async with gated(WEBHOOK, READY) as made:
        made.receiver.says('{"gate": "Closed", "message": "3 tests\\u0007 failed"}')
        await made.advance_until("RolledBack", "GateClosed")
        (verdict,) = made.world.verdicts()
        assert verdict["spec"]["reason"] == "GateClosed" and "3 tests" in verdict["spec"]["message"]
        assert "\u0007" not in verdict["spec"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ended", "phase", "reason"), [("Complete", "Promoted", "GateOpen"), ("Failed", "RolledBack", "GateClosed")]
)
async def test_a_job_is_run_once_over_restarts_and_its_result_decides(ended: str, phase: str, reason: str) -> None:
    async with gated(JOB) as made:
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
            made.restart()
        (path,) = jobs(made)
        job = made.world.api.objects[path]
        made.world.api.put(JOBS, {**job, "status": {"conditions": [{"type": ended, "status": "True"}]}})
        await made.advance_until(phase, reason)
        assert jobs(made) == [path]


@pytest.mark.slow
@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_job_of_another_hand_opens_no_gate(is_replaced: bool) -> None:
    async with gated({**JOB, "timeoutSeconds": 120}) as made:
        turns = Turns()
        while "awaiting" not in made.world.status and turns.another():
            await made.world.reconcile()
        state = made.world.tracked.state
        assert state.awaiting is not None
        subject = GateSubject(state.awaiting.since, state.awaiting.candidate)
        about = question(state, "evaluate", subject)
        name = job_name(made.world.tracked.identity, name_of_asker(GATE_OF_JOB, None), about)
        annotations: dict[str, str] = {}
        if is_replaced:
            turns = Turns()
            while not jobs(made) and turns.another():
                await made.advance()
            await made.advance()
            annotations = made.world.api.objects[jobs(made)[0]]["metadata"]["annotations"]
        labels = {"earlystop.dev/policy-uid": made.world.tracked.uid}
        metadata = {"name": name, "namespace": "llm", "labels": labels, "annotations": annotations, "uid": "another"}
        status = {"conditions": [{"type": "Complete", "status": "True"}]}
        made.world.api.put(JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "status": status})
        await made.advance_until("RolledBack", "GateClosed" if is_replaced else "GateTimedOut")
        assert "GateOpen" not in made.world.told()


@pytest.mark.slow
async def test_a_gates_job_that_was_deleted_is_not_made_again_and_closes_the_gate() -> None:
    async with gated(JOB) as made:
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
        (path,) = jobs(made)
        del made.world.api.objects[path]
        await made.advance_until("RolledBack", "GateClosed")
        assert jobs(made) == []


@pytest.mark.slow
async def test_a_gates_job_that_was_deleted_while_the_api_server_failed_is_not_made_again_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with gated(JOB) as made:
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
        (path,) = jobs(made)
        get = made.world.api.get

        async def failing(resource: Resource, namespace: str | None, name: str) -> Manifest | None:
            if resource is JOBS:
                raise ClusterError(503, "the server is overloaded")
            return await get(resource, namespace, name)

        monkeypatch.setattr(made.world.api, "get", failing)
        turns = Turns()
        while "overloaded" not in made.condition()[2] and turns.another():
            await made.advance()
        del made.world.api.objects[path]
        monkeypatch.undo()
        await made.advance_until("RolledBack", "GateClosed")
        assert jobs(made) == []


@pytest.mark.slow
@pytest.mark.parametrize(("ended", "reason"), [(True, "GateOpen"), (False, "GateTimedOut")])
async def test_a_gate_whose_time_ended_while_no_operator_ran_is_asked_before_it_is_said_to_be_late(
    ended: bool, reason: str
) -> None:
    async with gated({**JOB, "timeoutSeconds": 600}) as made:
        await made.advance_until("Observing", "GateWaiting")
        turns = Turns()
        while not jobs(made) and turns.another():
            await made.advance()
        await made.advance()
        (path,) = jobs(made)
        if ended:
            done = {"conditions": [{"type": "Complete", "status": "True"}]}
            made.world.api.put(JOBS, {**made.world.api.objects[path], "status": done})
        made.world.now += 1200
        made.restart()
        await made.advance_until("Promoted" if ended else "RolledBack", reason)
        assert jobs(made) == [path]


def edit_gate(made: GatedWorld, *gates: Mapping[str, object]) -> None:
    spec = made.world.policy["spec"]
    made.world.edit_spec({**spec, "rollout": {**spec["rollout"], "gates": list(gates)}})


@pytest.mark.slow
async def test_a_gate_whose_job_is_another_one_by_now_runs_that_and_goes_by_its_result() -> None:
    async with gated(JOB, READY) as made:
        await made.advance_until("Observing", "GateWaiting")
        turns = Turns()
        while not jobs(made) and turns.another():
            await made.advance()
        (first,) = jobs(made)
        done = {"conditions": [{"type": "Complete", "status": "True"}]}
        made.world.api.put(JOBS, {**made.world.api.objects[first], "status": done})
        turns = Turns()
        while "is open" not in made.condition()[2] and turns.another():
            await made.advance()
        thorough = cron_job()
        thorough["metadata"]["name"] = "thorough"
        made.world.api.put(CRON_JOBS, thorough)
        edit_gate(made, {**JOB, "jobRef": {"name": "thorough"}}, READY)
        available = {"conditions": [{"type": "Available", "status": "True"}]}
        made.world.api.put(DEPLOYMENTS, {**deployment(), "status": available})
        turns = Turns()
        while (len(jobs(made)) < 2 or "Gate ready is open" not in made.condition()[2]) and turns.another():
            await made.advance()
        assert "decision" not in made.world.status
        (second,) = (each for each in jobs(made) if each != first)
        made.restart()
        made.world.api.put(JOBS, {**made.world.api.objects[second], "status": done})
        await made.advance_until("Promoted", "GateOpen")
        assert made.world.status["campaign"] == 1 and len(jobs(made)) == 2


async def test_what_a_receiver_says_while_the_gate_is_given_to_another_one_does_not_count() -> None:
    async with gated(WEBHOOK) as made:
        made.receiver.says("not yet")
        await made.advance_until("Observing", "GateWaiting")

        def edited_meanwhile(_: int) -> web.Response:
            edit_gate(made, {**WEBHOOK, "targetRef": {"name": "auditor"}})
            return web.Response(text='{"gate": "Open"}')

        made.receiver.answer = edited_meanwhile
        asked = len(made.receiver.bodies)
        turns = Turns()
        while len(made.receiver.bodies) == asked and turns.another():
            await made.advance()
        for _ in range(5):
            await made.advance()
        assert "decision" not in made.world.status
        assert made.condition()[1] == "GateWaiting" and "HookTarget auditor" in made.condition()[2]


@pytest.mark.slow
async def test_gates_that_are_taken_out_hold_nothing_any_more() -> None:
    async with gated(READY) as made:
        await made.advance_until("Observing", "GateWaiting")
        spec = made.world.policy["spec"]
        rollout = {name: value for name, value in spec["rollout"].items() if name != "gates"}
        made.world.edit_spec({**spec, "rollout": rollout})
        await made.advance_until("Promoted")
        assert made.world.status["campaign"] == 1


@pytest.mark.slow
async def test_an_answer_of_long_ago_lets_nothing_go_on_when_the_last_gate_opens_late() -> None:
    """The receiver said open, and would say closed by now; the other gate may take as long as it likes."""
    late = {**READY, "onTimeout": "Wait", "timeoutSeconds": 60}
    async with gated({**WEBHOOK, "timeoutSeconds": 3600}, late) as made:
        made.world.edit_spec({**made.world.policy["spec"], "approval": {"mode": "Never", "expiresSeconds": 600}})
        made.receiver.says('{"gate": "Open"}', '{"gate": "Closed", "message": "a test fails by now"}')
        await made.advance_until("Observing", "GateWaiting")
        turns = Turns()
        while len(made.receiver.bodies) < 1 and turns.another():
            await made.advance()
        asked_at = made.world.now
        turns = Turns()
        while made.world.now < asked_at + 560 and turns.another():
            await made.advance()
        assert len(made.receiver.bodies) == 1, "it was asked although its answer holds"
        made.restart()
        await made.advance_until("RolledBack", "GateClosed")
        assert len(made.receiver.bodies) == 2 and made.world.now >= asked_at + 590
