"""Candidates with Pods of their own, through whole rollouts: no Pod serves unready, none ends undrained."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.controller.cluster import DEPLOYMENTS, PODS, ROUTES, Conflict, Manifest
from earlystop.delivery.names import overlay_name
from earlystop.rollout.verify.verdict import differences
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.delivery.cluster import KNOBS, running, settable_deployment
from tests.unit.rollout.traffic import Quality

SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)
NAME = "qa-server-es-candidate"
WORKLOAD = {"routeRef": {"name": "qa"}, "container": "server", "settings": list(KNOBS), "drainSeconds": 60}
CHANGES: dict[str, Any] = {"delivery": {"mode": "Workload", "gatewayHeader": None, "workload": WORKLOAD}}


class WorkloadWorld(World):
    """A world in which a Deployment's Pods are ready at once, unless `stuck`. workload: more settings of the mode."""

    stuck: dict[str, Any] | None = None

    def __init__(self, quality: Quality, **workload: Any) -> None:
        settings = {**CHANGES["delivery"], "workload": {**WORKLOAD, **workload}}
        super().__init__(quality, {"delivery": settings})
        self.api.serve(PODS)
        self.api.put(DEPLOYMENTS, settable_deployment())

    async def reconcile(self) -> None:
        await super().reconcile()
        found = self.candidate
        if found is not None:
            self.api.put(DEPLOYMENTS, running(found) if self.stuck is None else {**found, "status": self.stuck})

    @property
    def candidate(self) -> Manifest | None:
        return self.api.objects.get(DEPLOYMENTS.path("llm", NAME))

    @property
    def replicas(self) -> int:
        assert self.candidate is not None
        return int(self.candidate["spec"]["replicas"])

    @property
    def overlay(self) -> Manifest | None:
        return self.api.objects.get(ROUTES.path("llm", overlay_name("qa")))

    def traffic(self) -> tuple[str, str, str]:
        found = next(each for each in self.status["conditions"] if each["type"] == "TrafficApplied")
        return found["status"], found["reason"], found["message"]

    async def reconcile_for(self, seconds: float) -> None:
        """Go on for so long, as if a watch reported an edit each time."""
        end = self.now + seconds
        turns = Turns()
        while self.now < end and turns.another():
            self.tracked.traffic.require_recheck()
            await self.reconcile()

    async def reconcile_until_ended(self) -> float:
        """Go on until the candidate's Pods end, while no watch reports anything. Returns the seconds until then."""
        began = visited = self.now
        turns = Turns()
        while self.replicas and visited < began + 1000 and turns.another():
            visited = self.now
            await self.reconcile()
        return visited - began


@pytest.mark.slow
async def test_a_promotion_waits_for_the_target_and_then_users_go_by_their_own_route_and_pods_end() -> None:
    async with WorkloadWorld(SAVING).open() as world:
        assert isinstance(world, WorkloadWorld)
        await world.reconcile()
        await world.reconcile()
        assert world.overlay is None and world.candidate is not None, "Pods come before the route"
        await world.reconcile_until("Promoted")
        assert world.status["weight"] not in (0, 100) and world.replicas == 2
        await world.reconcile_for(120)
        assert world.replicas == 2, "it serves until the target has what was promoted"
        assert "WINDOW from 40 to 10" in world.traffic()[2]
        target = world.api.at(DEPLOYMENTS, "llm", "qa-server")
        target["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "10"
        world.api.put(DEPLOYMENTS, target)
        world.tracked.acceptance.require_check()
        world.tracked.traffic.require_recheck()
        await world.reconcile()
        assert world.traffic()[:2] == ("True", "PromotedInTarget")
        assert world.overlay is not None and "parentRefs" not in world.overlay["spec"]
        assert world.replicas == 2, "its last requests have their time"
        assert 60 <= await world.reconcile_until_ended() < 120
        assert world.status["phase"] == "Promoted"
        assert "ForeignEditUndone" not in world.told(), "nobody has edited the overlay"
        accepted = next(each for each in world.status["conditions"] if each["type"] == "Accepted")
        assert accepted["status"] == "True"


@pytest.mark.slow
async def test_a_harmful_candidate_loses_its_requests_at_once_and_its_pods_when_they_are_drained() -> None:
    async with WorkloadWorld(HARMFUL).open() as world:
        assert isinstance(world, WorkloadWorld)
        await world.reconcile_until("RolledBack")
        assert world.replicas == 2
        assert 60 <= await world.reconcile_until_ended() < 400


async def test_pods_that_are_not_ready_in_time_end_the_campaign_with_a_verdict() -> None:
    world = WorkloadWorld(SAVING)
    exceeded = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    world.stuck = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2}
    async with world.open():
        for _ in range(6):
            await world.reconcile()
        assert world.status["phase"] == "Applying" and world.traffic()[1] == "CandidateStarting"
        world.stuck = {**world.stuck, "conditions": [exceeded]}
        await world.reconcile_until("RolledBack", 30)
        assert world.overlay is not None
        weights = [each["weight"] for each in world.overlay["spec"]["rules"][0]["backendRefs"]]
        assert weights == [100, 0]
    (verdict,) = world.verdicts()
    assert (verdict["spec"]["decision"], verdict["spec"]["reason"]) == ("RollBack", "CandidateNeverReady")
    assert differences(verdict["spec"]) == []


@pytest.mark.slow
async def test_pods_that_cease_to_be_ready_under_way_lose_their_requests_and_get_them_back() -> None:
    world = WorkloadWorld(SAVING)
    async with world.open():
        await world.reconcile_until("Observing")
        world.stuck = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 0}
        await world.reconcile_for(40)
        assert world.overlay is not None and "parentRefs" not in world.overlay["spec"]
        world.stuck = None
        await world.reconcile_for(60)
        assert world.overlay is not None and "parentRefs" in world.overlay["spec"]


async def test_the_target_itself_is_never_written() -> None:
    async with WorkloadWorld(SAVING).open() as world:
        await world.reconcile_until("Promoted")
        target = DEPLOYMENTS.path("llm", "qa-server")
        assert not [path for method, path in world.api.calls if path == target]


CONFLICT = Conflict(409, 'Apply failed with 1 conflict: conflict with "argocd-controller": .env[name="WINDOW"].value')


@pytest.mark.slow
async def test_a_promotion_by_apply_changes_one_value_of_the_target_and_nothing_else() -> None:
    world = WorkloadWorld(SAVING, promote="Apply")
    async with world.open():
        before = settable_deployment()
        await world.reconcile_until("Promoted")
        await world.reconcile_for(120)
        after = world.api.at(DEPLOYMENTS, "llm", "qa-server")
        before["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "10"
        assert after["spec"] == before["spec"]
        assert world.traffic()[:2] == ("True", "PromotedInTarget") and world.replicas == 0
        calls = [method for method, path in world.api.calls if path == DEPLOYMENTS.path("llm", "qa-server")]
        assert calls == ["PATCH"]


@pytest.mark.slow
async def test_a_promotion_by_apply_that_another_manager_opposes_changes_nothing_and_says_whose_it_is() -> None:
    world = WorkloadWorld(SAVING, promote="Apply")
    async with world.open():
        await world.reconcile_until("Observing")
        world.api.fail("APPLY", *[CONFLICT] * 50)
        await world.reconcile_until("Promoted")
        await world.reconcile_for(30)
        status, reason, message = world.traffic()
        assert (status, reason) == ("False", "PromotionConflict")
        assert "argocd-controller" in message and "WINDOW from 40 to 10" in message
        assert world.api.at(DEPLOYMENTS, "llm", "qa-server")["spec"] == settable_deployment()["spec"]
        assert world.replicas == 2, "the candidate keeps its share"
