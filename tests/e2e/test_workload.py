"""A setting in the environment of real Deployments: a candidate with Pods of its own is tried, promoted and drained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.api.wire import SETTABLE_ANNOTATION, WORKLOAD_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, ROUTES
from earlystop.delivery.names import overlay_name
from tests.cluster.packaging import objects, template
from tests.cluster.processes import wait_until
from tests.e2e.proof import only_verdict
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import condition_is, phase_is

pytestmark = pytest.mark.usefixtures("no_policy_left")

CANDIDATE = "qa-server-es-candidate"
RATE = 200.0
QUICK: dict[str, Any] = {"steps": [{"weight": 50, "minimumSeconds": 2}], "settleSeconds": 1}


@pytest.fixture(scope="module", autouse=True)
def settable(stage: Stage) -> None:
    """The namespace's admin lets the operator run Pods there, and the target's owner lets policies set WINDOW."""
    rendered = objects(template(f"--set=workload.namespaces={{{stage.namespace}}}"))
    rights = [each for each in rendered if each["metadata"].get("namespace") == stage.namespace]
    assert [each["kind"] for each in rights] == ["Role", "RoleBinding"]
    # Elsewhere the operator may run injectors alone.
    injectors = [each for each in rendered if each["metadata"]["name"] == "earlystop-injectors"]
    stage.access.apply(*rights, *injectors)
    set_window(stage, "40")
    annotations = {SETTABLE_ANNOTATION: "server/WINDOW"}
    patch(stage, {"metadata": {"annotations": annotations}})
    wait_rolled_out(stage)


def patch(stage: Stage, changes: dict[str, Any]) -> None:
    where = ("deployment/qa-server", f"--namespace={stage.namespace}", "--type=strategic")
    stage.access.kubectl("patch", *where, f"--patch={json.dumps(changes)}")


def set_window(stage: Stage, value: str) -> None:
    """The target's variable, as its owner writes it."""
    container = {"name": "server", "env": [{"name": "WINDOW", "value": value}]}
    patch(stage, {"spec": {"template": {"spec": {"containers": [container]}}}})


def window_of_target(stage: Stage) -> str:
    found = stage.access.read(DEPLOYMENTS, stage.namespace, "qa-server")
    return str(found["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"])


def apply_policy(stage: Stage, name: str, promote: str = "Manual") -> None:
    """Promoted within some 10 s: a harmless window, judged leniently."""
    workload = {
        "routeRef": {"name": "qa"},
        "container": "server",
        "settings": [{"parameter": "window", "env": "WINDOW"}],
        "drainSeconds": 3,
        "promote": promote,
    }
    delivery = {"delivery": {"mode": "Workload", "workload": workload}}
    stage.apply_policy(name, 10, "0.10", risk="0.05", harm=NEVER, spec=delivery, **QUICK)


def candidate(stage: Stage) -> dict[str, Any] | None:
    found: dict[str, Any] | None = stage.access.find(DEPLOYMENTS, stage.namespace, CANDIDATE)
    return found


def pods_by(stage: Stage, selector: str) -> set[str]:
    found = stage.access.get("pods", f"--namespace={stage.namespace}", f"--selector={selector}")
    return {each["metadata"]["name"] for each in found["items"]}


def wait_rolled_out(stage: Stage) -> None:
    """Wait until the target's Pods are new and ready, none of the old ones is left, and the gateway leads to them.

    Hollow Pods share one address, so that a gateway has none for a moment while one replaces another, with a policy or
    without.
    """
    wait_until(lambda: is_rolled(stage), 60, "the target to be rolled out")
    stage.wait_answering()


def is_rolled(stage: Stage) -> bool:
    found = stage.access.read(DEPLOYMENTS, stage.namespace, "qa-server")
    status = found["status"]
    counts = {status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return seen and counts == {1} and len(pods_by(stage, "app=qa-server")) == 1


def end_load(stage: Stage) -> None:
    """Not one request has failed."""
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, (summary["failures"], summary["examples"])


def test_a_candidates_own_pods_are_tried_and_end_drained_once_the_target_has_what_was_promoted(stage: Stage) -> None:
    stage.start_load(RATE)
    apply_policy(stage, "by-hand")
    stage.wait_for("by-hand", phase_is("Promoted"), 120, "promoted")
    made = candidate(stage)
    assert made is not None
    variables = made["spec"]["template"]["spec"]["containers"][0]["env"]
    assert variables == [{"name": "WINDOW", "value": "10"}] and window_of_target(stage) == "40"
    mine = pods_by(stage, f"{WORKLOAD_LABEL}={CANDIDATE}")
    assert len(mine) == 1 and not mine & pods_by(stage, "app=qa-server"), "the user's Service selects none of them"
    status = stage.wait_for("by-hand", condition_is("TrafficApplied", "True"), 30, "in force")
    message = next(each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied")
    assert "WINDOW from 40 to 10" in message
    assert only_verdict(stage, "by-hand")["spec"]["decision"] == "Promote"
    end_load(stage)

    set_window(stage, "10")
    wait_rolled_out(stage)
    stage.start_load(RATE)
    over = condition_is("TrafficApplied", "True", "PromotedInTarget")
    stage.wait_for("by-hand", over, 60, "promoted in the target")
    overlay = stage.access.read(ROUTES, stage.namespace, overlay_name("by-hand"))
    assert "parentRefs" not in overlay["spec"]
    wait_until(lambda: (candidate(stage) or {"spec": {}})["spec"].get("replicas") == 0, 60, "the candidate to end")
    end_load(stage)


def test_what_another_manager_wrote_is_never_overwritten_and_what_nobody_wrote_is_applied(stage: Stage) -> None:
    set_window(stage, "40")
    wait_rolled_out(stage)
    stage.start_load(RATE)
    apply_policy(stage, "applied", "Apply")
    refused = condition_is("TrafficApplied", "False", "PromotionConflict")
    status = stage.wait_for("applied", refused, 120, "refused by the API server")
    message = next(each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied")
    assert 'conflict with "kubectl-patch"' in message and "WINDOW from 40 to 10" in message
    stage.wait_for("applied", phase_is("Promoted"), 30, "promoted")
    assert window_of_target(stage) == "40"
    assert stage.access.read(DEPLOYMENTS, stage.namespace, CANDIDATE)["spec"]["replicas"] == 1, "it keeps its share"
    end_load(stage)

    # The owner gives the variable up.
    where = ("deployment/qa-server", f"--namespace={stage.namespace}", "--type=json")
    path = "/spec/template/spec/containers/0/env"
    stage.access.kubectl("patch", *where, f"--patch={json.dumps([{'op': 'remove', 'path': path}])}")
    stage.wait_for("applied", condition_is("TrafficApplied", "True", "PromotedInTarget"), 90, "promoted in the target")
    assert window_of_target(stage) == "10"


def test_a_candidate_whose_pods_are_forbidden_says_by_what_and_is_tried_once_they_are_not(stage: Stage) -> None:
    where = f"--namespace={stage.namespace}"
    limits = {"limits": [{"type": "Pod", "min": {"cpu": "4"}}]}
    metadata = {"name": "rules-of-others", "namespace": stage.namespace}
    stage.access.kubectl("delete", f"deployment/{CANDIDATE}", where, "--ignore-not-found")
    set_window(stage, "40")
    wait_rolled_out(stage)
    stage.access.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": limits})
    stage.start_load(RATE)
    apply_policy(stage, "forbidden")
    refused = condition_is("TrafficApplied", "False", "CandidateUnschedulable")
    status = stage.wait_for("forbidden", refused, 60, "told what forbids its Pods")
    message = next(each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied")
    assert "minimum cpu usage per Pod is 4" in message and "Change what refuses it, as a LimitRange" in message
    stage.access.kubectl("delete", "limitrange/rules-of-others", where)
    stage.wait_for("forbidden", phase_is("Promoted"), 180, "promoted")  # its controller has waited ever longer
    end_load(stage)
