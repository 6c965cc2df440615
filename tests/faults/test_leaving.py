"""A target passes from a policy that was rolled back to the next one, under load, and pipelines hear of both ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES, ROUTES
from earlystop.rollout.verify.verdict import differences
from tests.cluster.processes import PATIENCE, wait_until
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is
from tests.faults.policies import apply_harmful, apply_lasting, apply_quick

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


@pytest.mark.usefixtures("load", "no_policy_left")
@pytest.mark.parametrize(("name", "operator_is_there"), [("kept", True), ("kept-unseen", False)])
def test_a_deleted_policy_ends_its_campaign_whatever_finalizers_of_others_keep_it(
    stage: Stage, name: str, operator_is_there: bool
) -> None:
    apply_lasting(stage, name)
    where = f"--namespace={stage.namespace}"

    def status() -> dict[str, Any]:
        found: dict[str, Any] = stage.policy(name).get("status", {})
        return found

    def hold(finalizers: list[str]) -> None:
        patch = json.dumps({"metadata": {"finalizers": finalizers}})
        stage.access.kubectl("patch", f"esp/{name}", where, "--type=merge", f"--patch={patch}")

    wait_until(lambda: status().get("weight") == 50 and "evidenceFrom" in status(), SECONDS, "half of all requests")
    hold(["example.com/audit"])
    try:
        if not operator_is_there:
            assert stage.operator is not None
            stage.operator.stop(0.0)
        stage.access.kubectl("delete", f"esp/{name}", where, "--wait=false")
        if not operator_is_there:
            stage.start_operator()
        assert "condition met" in wait_completed(stage, name)
        assert condition_is("Completed", "True", "Aborted")(status()) and status()["weight"] == 0
        wait_until(lambda: condition_is("TrafficApplied", "Unknown", "TargetLeft")(status()), SECONDS, "a free target")
        assert "parentRefs" not in stage.access.read(ROUTES, stage.namespace, f"{name}-early-stop")["spec"]
        assert "the finalizer example.com/audit keeps its object" in stage.told(name, "BeingDeleted")[0]
        # Another policy has the target meanwhile.
        apply_quick(stage, f"after-{name}")
        assert "condition met" in wait_completed(stage, f"after-{name}")
        assert condition_is("Completed", "True", "Promoted")(stage.policy(f"after-{name}")["status"])
    finally:
        hold([])
    wait_until(
        lambda: stage.access.find(POLICIES, stage.namespace, name) is None, SECONDS, "the end of the policy's object"
    )
    (verdict,) = [each["spec"] for each in stage.verdicts() if each["spec"]["policy"] == name]
    assert (verdict["reason"], verdict["requestedBy"]) == ("Aborted", "whoever deleted the policy")
    assert differences(verdict) == []
