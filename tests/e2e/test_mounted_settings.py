"""Delivery without a route: servers read a mounted ConfigMap, and a process that is behind holds the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.mounted_stage import OTHER_KEY, POLICY, MountedStage
from tests.e2e.own_stage import stage_of
from tests.e2e.proof import only_verdict
from tests.e2e.stage import NEVER
from tests.e2e.stage_objects import phase_is
from tests.unit.exporter.mounts import KEY


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[MountedStage]:
    with stage_of(MountedStage, cluster, gateway) as stage:
        yield stage
        stage.end()


def weights(stage: MountedStage) -> tuple[int, ...]:
    found = stage.settings
    return () if found is None else tuple(weight for _, weight in found.weights)


def is_behind(words: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a status says that processes are behind that have read no settings, in these words."""

    def holds(status: dict[str, Any]) -> bool:
        said = [each for each in status.get("conditions", []) if each["reason"] == "ProcessesBehind"]
        return any(words in each["message"] and "has read no settings" in each["message"] for each in said)

    return holds


def test_a_verdict_is_reached_once_every_process_has_switched_and_no_request_fails(stage: MountedStage) -> None:
    stage.start_load(150)
    with stage.held_back("second"):
        stage.apply_mounted(5, "0.05", harm=NEVER, steps=[{"weight": 50, "minimumSeconds": 3}])
        status = stage.wait_for(POLICY, is_behind("1 of 2 processes"), 90, "held by the process that is behind")
        assert status["phase"] == "Applying" and weights(stage) == (50, 50)
    stage.wait_for(POLICY, phase_is("Promoted"), 120, "Promoted")
    assert only_verdict(stage, POLICY)["spec"]["reason"] == "NonInferiorAndSaving"
    assert weights(stage) == (0, 100)
    stage.delete_policy(POLICY)
    wait_until(lambda: weights(stage) == (100, 0), 60, "the baseline for everybody after the policy's end")
    assert {key: text for key, text in stage.data_of_settings.items() if key != KEY} == OTHER_KEY
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, summary["examples"]
