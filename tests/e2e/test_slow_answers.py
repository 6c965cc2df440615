"""Wrong answers that take long, from a real server: a step waits for them, says so, and ends in the right word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.settling import STARTED_FOR_EACH_IN_FLIGHT
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.e2e.own_stage import own_stage
from tests.e2e.proof import only_verdict
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import phase_is
from tests.e2e.watching import Following, following

RATE, SLOW_SECONDS = 100.0, 2.0
WRONG = 0.18
"""Share of the shipped recordings that are answered wrong, at a window of 40 and at one of 10."""


@pytest.fixture
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[Stage]:
    with own_stage(cluster, gateway) as stage:
        assert stage.server is not None
        stage.server.stop(patience_seconds=0.0)
        stage.start_server(f"--slow-wrong-answers={SLOW_SECONDS}")
        stage.start_operator()
        yield stage


@pytest.fixture
def watched(stage: Stage) -> Iterator[Following]:
    with following(stage) as watches:
        yield watches


def test_a_step_waits_for_slow_wrong_answers_says_for_how_many_and_ends_in_the_right_word(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE, 1, "--concurrency=64")
    steps = [{"weight": 50, "minimumSeconds": 2}]
    stage.apply_policy("slow", 10, "0.10", risk="0.05", harm=NEVER, steps=steps, settleSeconds=0, lookSeconds=1)
    status = watched.wait_status("slow", lambda found: found.get("inFlight", 0) > 0, 60, "waiting for answers")
    (progressing,) = [each for each in status["conditions"] if each["type"] == "Progressing"]
    assert progressing["reason"] == "Settling"
    assert f"{status['inFlight']} of its requests are still in flight" in progressing["message"]
    status = watched.wait_status("slow", phase_is("Promoted"), 60, "promoted")
    waited = from_rfc3339(status["evidenceFrom"]) - from_rfc3339(status["stepStartedAt"])
    assert waited >= STARTED_FOR_EACH_IN_FLIGHT * WRONG * SLOW_SECONDS / 2
    assert "inFlight" not in status
    assert only_verdict(stage, "slow")["spec"]["reason"] == "NonInferiorAndSaving"
