"""A live Ladder on real parts: the best certified window serves while the next is tried, though the operator dies
again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.demo import manifests
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.own_stage import own_stage
from tests.e2e.proof import share, share_alone, tolerance, weights
from tests.e2e.stage import BUILTIN, Stage
from tests.e2e.stage_objects import phase_is
from tests.e2e.watching import Following

RATE, SEARCH_SECONDS = 400.0, 120
NAME = "tonight"
# All three windows keep Exact Match on these answers. Window 10 is proven first, and what is found will serve for so
# long that window 5 is worth a trial beside it.
SPEC: dict[str, Any] = {
    "search": {
        "strategy": "Ladder",
        "parameters": [{"name": "window", "values": ["20", "10", "5"]}],
        "horizonRequests": 1_000_000_000,
    },
    "rollout": {"lookSeconds": 1, "settleSeconds": 2, "deadlineSeconds": 900, "steps": [{"weight": 50}]},
}


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[Stage]:
    with own_stage(cluster, gateway, BUILTIN) as stage:
        stage.start_operator()
        yield stage


def told(stage: Stage, reason: str) -> int:
    return [each for each, _ in stage.events(NAME)].count(reason)


def policy_that_searches(stage: Stage) -> dict[str, Any]:
    """The policy of the demo with a search instead of a candidate, at a lenient margin."""
    policy = manifests.policy(stage.namespace, NAME, stage.source, 5, "0.05")
    del policy["spec"]["candidates"]
    policy["spec"]["objective"]["risk"] = {"promote": "0.05", "harm": "0.05"}
    policy["spec"].update(SPEC)
    return policy


def is_watched_first(status: dict[str, Any]) -> bool:
    """Whether the first trial has begun, and nothing is certified yet."""
    return status.get("phase") in ("Settling", "Observing") and "incumbent" not in status["search"]


def killed(stage: Stage, told: str) -> None:
    """Kill the operator without a warning, and start it again. told: the event that it has to tell before, since one
    that follows its status would be lost with it."""
    stage.told(NAME, told)
    assert stage.operator is not None
    stage.operator.stop(patience_seconds=0.0)
    stage.start_operator()


def serves_beside_a_trial(status: dict[str, Any]) -> bool:
    """Whether an incumbent serves while another setting is watched."""
    return status.get("phase") == "Observing" and "incumbent" in status.get("search", {})


def beside_a_trial(stage: Stage, watched: Following) -> dict[str, Any]:
    """The newest status in which an incumbent served beside a trial, be it for a moment, once there was one."""
    found: list[dict[str, Any]] = []

    def was_there() -> bool:
        statuses = (each.get("status", {}) for each in watched.policies(NAME))
        found[:] = [each for each in statuses if serves_beside_a_trial(each)]
        return bool(found)

    wait_until(was_there, SEARCH_SECONDS, "a window to be tried beside an incumbent")
    return found[-1]


def test_a_live_ladder_whose_operator_is_killed_three_times_serves_the_best_certified_window_meanwhile_and_in_the_end(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE)
    stage.access.apply(policy_that_searches(stage))
    stage.wait_for(NAME, is_watched_first, SEARCH_SECONDS, "trying its first window")
    killed(stage, "SearchStarted")
    stage.wait_for(NAME, lambda status: "incumbent" in status["search"], SEARCH_SECONDS, "with a certified window")
    killed(stage, "TrialEnded")  # between two trials, or as the second begins
    status = beside_a_trial(stage, watched)
    assert status["search"]["incumbent"]["weight"] == 50 and status["weight"] == 86
    seen = share_alone(stage, "incumbent")
    # On a slow machine the trial may be over by now.
    assert not serves_beside_a_trial(watched.status(NAME)) or seen == pytest.approx(0.5, abs=tolerance(0.5))
    killed(stage, "TrialEnded")
    status = stage.wait_for(NAME, phase_is("Promoted"), SEARCH_SECONDS, "over")
    search, best = status["search"], status["search"]["incumbent"]
    assert best["name"] in ("window-10", "window-5") and best["weight"] == 100
    assert status["certified"]["values"] == [{"name": "window", "value": best["name"].removeprefix("window-")}]
    assert float(search["riskSpent"]) <= float(search["risk"]) == 0.05
    wait_until(lambda: 1.0 in [share(stage, each) for each in ("candidate", "incumbent")], 30, "the best to serve all")
    verdicts = [each for each in stage.verdicts() if each["spec"]["policy"] == NAME]
    assert len(verdicts) == len(search["trials"]) == status["campaign"]
    for verdict in verdicts:
        assert object_differences(verdict) == [] and chain_differences(verdict, verdicts) == []
    moves = [next(iter(weights(overlay))) for overlay in watched.overlays(NAME)]
    assert all(sum(move) == 100 for move in moves) and (14, 50, 36) in moves
    stage.told(NAME, "SearchEnded")
    wait_until(lambda: told(stage, "TrialEnded") == len(search["trials"]), 10, "an event for each trial")
    assert told(stage, "SearchStarted") == told(stage, "SearchEnded") == 1
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
