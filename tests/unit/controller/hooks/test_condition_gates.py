"""A promotion waits for a condition of an object; none but one that is of now lets it go on."""

from __future__ import annotations

import pytest

from earlystop.api.times import rfc3339
from earlystop.controller.cluster import DEPLOYMENTS
from earlystop.controller.hooks.run_job import JOBS
from tests.unit.controller.hooks.gated_world import gated
from tests.unit.delivery.cluster import deployment

READY = {"name": "ready", "condition": {"kind": "Deployment", "name": "qa-server", "type": "Available"}}
OF_A_JOB = {"name": "trained", "condition": {"kind": "Job", "name": "train", "type": "Complete"}}


async def test_a_condition_of_an_object_of_the_namespace_opens_a_gate() -> None:
    async with gated(READY) as made:
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
        assert "Available=nothing" in made.condition()[2] and "decision" not in made.world.status
        available = {"conditions": [{"type": "Available", "status": "True"}]}
        made.world.api.put(DEPLOYMENTS, {**deployment(), "status": available})
        await made.advance_until("Promoted", "GateOpen")


@pytest.mark.parametrize(
    ("conditions", "phase", "reason"),
    [
        ({"FailureTarget": "True", "Failed": "True"}, "RolledBack", "GateClosed"),
        ({"SuccessCriteriaMet": "True", "Complete": "True"}, "Promoted", "GateOpen"),
    ],
)
async def test_a_condition_of_a_job_that_is_over_decides_at_once(
    conditions: dict[str, str], phase: str, reason: str
) -> None:
    """A Job that has failed never completes: the campaign does not wait for the gate's whole time."""
    async with gated(OF_A_JOB) as made:
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "namespace": "llm"}}
        suspended = {"conditions": [{"type": "Suspended", "status": "True"}]}
        made.world.api.put(JOBS, {**job, "spec": {"suspend": True}, "status": suspended})
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
        assert "Job train says Complete=nothing, and is suspended" in made.condition()[2]
        status = {"conditions": [{"type": name, "status": value} for name, value in conditions.items()]}
        made.world.api.put(JOBS, {**job, "spec": {"suspend": False}, "status": status})
        await made.advance_until(phase, reason)


async def test_a_job_that_failed_before_it_was_asked_for_closes_nothing() -> None:
    """It may be run anew, as by a pipeline that deletes it first."""
    async with gated(OF_A_JOB) as made:
        failed = {"type": "Failed", "status": "True", "lastTransitionTime": "2024-01-01T00:00:00Z"}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "namespace": "llm"}}
        made.world.api.put(JOBS, {**job, "spec": {}, "status": {"conditions": [failed]}})
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
        assert "ended before this was asked; run it anew" in made.condition()[2] and "decision" not in made.world.status
        late = {**failed, "lastTransitionTime": rfc3339(int(made.world.now))}
        made.world.api.put(JOBS, {**job, "spec": {}, "status": {"conditions": [late]}})
        await made.advance_until("RolledBack", "GateClosed")


async def test_a_condition_of_an_earlier_generation_opens_no_gate() -> None:
    """It was edited just now, and what its status says is about the spec before."""
    async with gated(READY) as made:
        stale = {"observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]}
        edited = deployment()
        edited["metadata"]["generation"] = 2
        made.world.api.put(DEPLOYMENTS, {**edited, "status": stale})
        await made.advance_until("Observing", "GateWaiting")
        for _ in range(3):
            await made.advance()
        assert "does not know of that yet" in made.condition()[2] and "decision" not in made.world.status
        made.world.api.put(DEPLOYMENTS, {**edited, "status": {**stale, "observedGeneration": 2}})
        await made.advance_until("Promoted", "GateOpen")
