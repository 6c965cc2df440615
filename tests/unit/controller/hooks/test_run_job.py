"""Each occurrence has one Job and never two, its result is read back, and no rollout waits for it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, POLICIES, ClusterError, Manifest, Resource
from earlystop.controller.hooks.job import job_name
from earlystop.controller.hooks.run_job import CRON_JOBS, JOBS
from tests.turns import Turns
from tests.unit.controller.hooks.cron_jobs import cron_job
from tests.unit.controller.hooks.hook_world import HookWorld, hooked
from tests.unit.controller.reconcile.qualities import SAVING

HOOK = {"name": "retrain", "jobRef": {"name": "retrain"}}


@asynccontextmanager
async def running(template: Manifest | None = None, on: str = "Promoted") -> AsyncIterator[HookWorld]:
    async with hooked(SAVING, [{**HOOK, "on": [on]}]) as made:
        made.world.api.serve(JOBS)
        made.world.api.serve(CRON_JOBS)
        made.world.api.put(CRON_JOBS, template or cron_job())
        yield made


def jobs(made: HookWorld) -> list[Manifest]:
    return [each for path, each in made.world.api.objects.items() if path.startswith(JOBS.path("llm") + "/")]


def created(made: HookWorld) -> int:
    return sum(1 for method, path in made.world.api.calls if method == "POST" and path.startswith(JOBS.path("llm")))


def finish(made: HookWorld, kind: str) -> None:
    (job,) = jobs(made)
    conditions = [{"type": kind, "status": "True", "reason": "BackoffLimitExceeded"}]
    made.world.api.put(JOBS, {**job, "status": {"conditions": conditions}})


def condition(made: HookWorld) -> tuple[str, str]:
    stored: dict[str, Any] = {each["type"]: each for each in made.world.status.get("conditions", [])}
    found = stored.get("JobsSucceeded", {})
    return found.get("status", ""), found.get("reason", "")


def says(made: HookWorld, reason: str) -> Callable[[], bool]:
    return lambda: condition(made)[1] == reason


@pytest.mark.parametrize(
    ("kind", "status", "reason"), [("Complete", "True", "JobSucceeded"), ("Failed", "False", "JobFailed")]
)
async def test_a_job_is_made_once_and_its_result_is_a_condition(kind: str, status: str, reason: str) -> None:
    async with running() as made:
        await made.advance_until(says(made, "JobRunning"))
        await made.advance_until(lambda: made.world.status.get("phase") == "Promoted")
        finish(made, kind)
        await made.advance_until(says(made, reason))
        assert condition(made) == (status, reason) and made.waiting() == 0
        assert created(made) == 1 and {"JobRunning", reason} <= made.world.told()


async def test_a_job_is_made_once_for_a_certificate_that_lapses() -> None:
    async with running(on="Lapsed") as made:
        world = made.world
        await made.advance_until(lambda: "bound" in world.status.get("certified", {}))
        assert created(made) == 0
        target = world.api.at(DEPLOYMENTS, "llm", "qa-server")
        target["spec"]["template"]["metadata"]["labels"][MODEL_LABEL] = "another-model"
        world.api.put(DEPLOYMENTS, target)
        await made.advance_until(says(made, "JobRunning"))
        finish(made, "Complete")
        await made.advance_until(says(made, "JobSucceeded"))
        assert created(made) == 1 and "ModelChanged" in world.told()


async def test_the_result_of_a_job_that_runs_for_hours_outlasts_an_outage_of_the_api_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running() as made:
        await made.advance_until(says(made, "JobRunning"))
        made.world.now += 3 * 3600
        get = made.world.api.get

        async def failing(resource: Resource, namespace: str | None, name: str) -> Manifest | None:
            if resource is JOBS:
                raise ClusterError(503, "the server is overloaded")
            return await get(resource, namespace, name)

        for _ in range(2):
            monkeypatch.setattr(made.world.api, "get", failing)
            begun = made.world.now
            turns = Turns()
            while made.world.now < begun + 600 and turns.another():
                await made.advance()
            assert made.condition()[1] == "JobNotMade" and condition(made)[1] == "JobRunning"
            monkeypatch.undo()
            await made.advance_until(lambda: made.condition()[1] == "HooksWaiting")
            made.world.now += 3600
        finish(made, "Complete")
        await made.advance_until(says(made, "JobSucceeded"))
        assert created(made) == 1 and "HookGivenUp" not in made.world.told()


@pytest.mark.slow
async def test_an_operator_that_is_lost_at_any_moment_makes_no_second_job() -> None:
    async with running() as made:
        await made.advance_until(lambda: "decision" in made.world.status)
        for _ in range(12):
            await made.advance()
            made.restart()
        finish(made, "Complete")
        await made.advance_until(says(made, "JobSucceeded"))
        assert created(made) == len(jobs(made)) == 1


async def test_a_job_that_was_deleted_is_not_made_again() -> None:
    async with running() as made:
        await made.advance_until(says(made, "JobRunning"))
        (job,) = jobs(made)
        del made.world.api.objects[JOBS.path("llm", job["metadata"]["name"])]
        made.restart()
        await made.advance_until(says(made, "JobFailed"))
        assert created(made) == 1 and jobs(made) == []


def forged(made: HookWorld, **metadata: Any) -> Manifest:
    """A Job of anybody's hand with the name of the one that the operator will make, or has made."""
    state = made.world.tracked.state
    assert state.outbox is not None
    (occurrence,) = state.outbox.waiting
    name = job_name(made.world.tracked.identity, "retrain", occurrence)
    labels = {"earlystop.dev/policy-uid": made.world.tracked.uid}
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "llm", "labels": labels, **metadata},
        "spec": {},
        "status": done,
    }


@pytest.mark.parametrize("seal", ["", "0" * 64, "\u00e9"])
async def test_a_job_of_another_hand_with_the_foretold_name_is_no_result(seal: str) -> None:
    async with running() as made:
        turns = Turns()
        while not made.waiting() and turns.another():
            await made.world.reconcile()
        made.world.api.put(JOBS, forged(made, annotations={"earlystop.dev/job-seal": seal}, uid="another"))
        await made.advance_until(lambda: made.condition()[1] == "JobNotMade")
        assert "has not made; delete it" in made.condition()[2] and "JobSucceeded" not in made.world.told()
        del made.world.api.objects[JOBS.path("llm", jobs(made)[0]["metadata"]["name"])]
        await made.advance_until(says(made, "JobRunning"))


async def test_a_job_that_is_put_in_the_place_of_the_operators_with_its_seal_is_no_result_either() -> None:
    async with running() as made:
        await made.advance_until(says(made, "JobRunning"))
        (job,) = jobs(made)
        made.world.api.put(JOBS, forged(made, annotations=job["metadata"]["annotations"], uid="another"))
        await made.advance_until(says(made, "JobFailed"))
        assert "JobSucceeded" not in made.world.told()


async def test_a_job_that_an_earlier_release_has_made_counts_on_after_an_upgrade() -> None:
    async with running() as made:
        await made.advance_until(says(made, "JobRunning"))
        (job,) = jobs(made)
        policy = copy.deepcopy(made.world.policy)
        del policy["status"]["hooks"]["cursors"][0]["job"]["uid"]
        made.world.api.put(POLICIES, policy)
        made.world.api.put(JOBS, {**job, "metadata": {**job["metadata"], "annotations": {}}})
        made.restart()
        finish(made, "Complete")
        await made.advance_until(says(made, "JobSucceeded"))


async def test_a_template_that_is_refused_is_told_before_there_is_anything_to_run() -> None:
    async with running(cron_job(hostNetwork=True)) as made:
        await made.advance_until(lambda: made.condition()[1] == "JobTemplateRefused")
        assert "hostNetwork" in made.condition()[2] and "decision" not in made.world.status
        made.world.api.put(CRON_JOBS, cron_job())
        await made.advance_until(says(made, "JobRunning"))


async def test_where_the_operator_may_run_no_jobs_it_says_whom_to_ask() -> None:
    async with running() as made:
        await made.advance_until(lambda: made.world.status.get("phase") == "Observing")
        made.restart()
        made.world.api.fail("GET", ClusterError(403, "cronjobs is forbidden"))
        await made.deliverer.attend(("llm", "qa/retrain"))
        await made.advance_until(lambda: made.condition()[1] == "JobNotMade")
        assert "jobs.namespaces" in made.condition()[2]
