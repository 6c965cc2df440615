"""A target passes from a policy that was rolled back to the next one, under load, and pipelines hear of both ends."""

from __future__ import annotations

import pytest

from earlystop.controller.cluster import ROUTES
from tests.cluster.processes import PATIENCE
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is
from tests.faults.policies import apply_harmful, apply_quick

SECONDS = round(90 * PATIENCE)


def wait_completed(stage: Stage, name: str) -> str:
    """What kubectl says when a policy is completed, within the deadline of its own."""
    wait = (
        "wait",
        f"esp/{name}",
        f"--namespace={stage.namespace}",
        "--for=condition=Completed",
        f"--timeout={SECONDS}s",
    )
    return stage.access.kubectl(*wait, timeout_seconds=SECONDS + 60)


@pytest.mark.usefixtures("load", "no_policy_left")
def test_a_rolled_back_policy_leaves_its_target_to_the_next_one_and_no_request_fails(stage: Stage) -> None:
    apply_harmful(stage, "first")
    assert "condition met" in wait_completed(stage, "first")
    assert condition_is("Completed", "True", "RolledBack")(stage.policy("first")["status"])
    assert stage.access.read(ROUTES, stage.namespace, "first-early-stop")["spec"]["parentRefs"]
    apply_quick(stage, "second")
    assert "condition met" in wait_completed(stage, "second")
    assert condition_is("Completed", "True", "Promoted")(stage.policy("second")["status"])
    left = stage.policy("first")["status"]
    assert condition_is("TrafficApplied", "Unknown", "TargetLeft")(left)
    assert condition_is("Completed", "True", "RolledBack")(left) and condition_is("Accepted", "True")(left)
    assert "parentRefs" not in stage.access.read(ROUTES, stage.namespace, "first-early-stop")["spec"]
    told = {reason for name in ("first", "second") for reason, _ in stage.events(name)}
    assert not told & {"ForeignEditUndone", "DriftCorrected", "RouteOverlaps", "NameTaken"}
