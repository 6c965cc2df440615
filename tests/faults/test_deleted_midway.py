"""A policy, or its whole namespace, is deleted in the middle of something, in each way in which Kubernetes deletes: its
users go by their own route, no request fails, and nothing that the operator made stays."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from earlystop.api.wire import MANAGED_BY_LABEL, MANAGER, SETTABLE_ANNOTATION
from earlystop.controller.cluster import NAMESPACES, POLICIES, VERDICTS
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.cluster.packaging import objects, template
from tests.cluster.processes import wait_until
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.faults.many_hosts import asked
from tests.faults.policies import ONE_STEP, apply_lasting, lasting_in
from tests.faults.service_namespaces import POLICY, Manifest, ServiceNamespace

MADE = "httproutes,services,deployments,configmaps,secrets,roles,rolebindings,networkpolicies"
RATE = 60.0
Condition = Callable[[Manifest], bool]


def guarded(tenant: ServiceNamespace) -> Manifest:
    """Promoted within some 10 s, and watched from then on."""
    policy = tenant.policy()
    policy["spec"]["rollout"].update(ONE_STEP)
    policy["spec"]["objective"]["risk"] = {"promote": "0.05", "harm": NEVER}
    policy["spec"]["guard"] = {"holdbackWeight": 20, "windowSeconds": 3600}
    return policy


def searching(tenant: ServiceNamespace) -> Manifest:
    """A search whose first setting is soon certified and serves, while the next one is tried."""
    policy = guarded(tenant)
    del policy["spec"]["candidates"], policy["spec"]["guard"]
    policy["spec"]["search"] = {
        "strategy": "Ladder",
        "parameters": [{"name": "window", "values": ["20", "10", "5"]}],
        "horizonRequests": 1_000_000_000,
    }
    return policy


def with_pods(tenant: ServiceNamespace) -> Manifest:
    """A candidate with Pods of its own, which is tried until its deadline."""
    policy = lasting_in(tenant, POLICY)
    policy["spec"]["delivery"] = {
        "mode": "Workload",
        "workload": {
            "routeRef": {"name": "qa"},
            "container": "server",
            "settings": [{"parameter": "window", "env": "WINDOW"}],
            "drainSeconds": 3,
            "promote": "Manual",
        },
    }
    return policy


def serves_what_it_found(status: Manifest) -> bool:
    return "incumbent" in status.get("search", {})


def has_half(status: Manifest) -> bool:
    return status.get("weight") == 50 and condition_is("TrafficApplied", "True")(status)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is deleted, in the middle of what, and in which way of Kubernetes."""

    policy: Callable[[ServiceNamespace], Manifest]
    midway: Condition
    cascade: str


DELETIONS = {
    "guard-background": Deletion(guarded, condition_is("Guarded", "True", "Watching"), "background"),
    "guard-foreground": Deletion(guarded, condition_is("Guarded", "True", "Watching"), "foreground"),
    "guard-orphan": Deletion(guarded, condition_is("Guarded", "True", "Watching"), "orphan"),
    "search-foreground": Deletion(searching, serves_what_it_found, "foreground"),
    "search-orphan": Deletion(searching, serves_what_it_found, "orphan"),
    "pods-foreground": Deletion(with_pods, has_half, "foreground"),
    "pods-orphan": Deletion(with_pods, has_half, "orphan"),
}


def left_by_the_operator(tenant: ServiceNamespace) -> list[str]:
    """What is there of all that the operator may make."""
    selector = f"--selector={MANAGED_BY_LABEL}={MANAGER}"
    found = tenant.stage.access.kubectl("get", MADE, tenant.where, selector, "--output=name")
    return found.split()


def status_in(tenant: ServiceNamespace) -> Manifest:
    found: Manifest = tenant.stage.access.read(POLICIES, tenant.namespace, POLICY).get("status", {})
    return found


def said_of(tenant: ServiceNamespace) -> list[str]:
    """What its policy says that is not as it should be."""
    conditions = status_in(tenant).get("conditions", ())
    return [f"{each['type']}: {each['reason']}: {each['message']}" for each in conditions if each["status"] != "True"]


def prepare(tenant: ServiceNamespace) -> None:
    """A service whose owner lets policies set WINDOW, in a namespace of its own."""
    tenant.stage.access.create_namespace(tenant.namespace)
    made = tenant.objects()
    made["Deployment"]["metadata"].setdefault("annotations", {})[SETTABLE_ANNOTATION] = "server/WINDOW"
    (container,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    container["env"] = [*container.get("env", ()), {"name": "WINDOW", "value": "40"}]
    tenant.apply(*made.values())


def let_run_pods(stage: Stage, namespaces: set[str]) -> None:
    """The cluster's admin lets the operator run candidates' Pods in these namespaces, and injectors alone elsewhere."""
    rendered = objects(template(f"--set=workload.namespaces={{{','.join(sorted(namespaces))}}}"))
    rights = [each for each in rendered if each["metadata"].get("namespace") in namespaces]
    assert len(rights) == 2 * len(namespaces)
    stage.access.apply(*rights, *(each for each in rendered if each["metadata"]["name"] == "earlystop-injectors"))


@pytest.fixture
def tenants(stage: Stage) -> Iterator[dict[str, ServiceNamespace]]:
    """A namespace for each deletion, so that all are played at once."""
    of_all = {name: ServiceNamespace(stage, f"{name}-{uuid.uuid4().hex[:6]}") for name in DELETIONS}
    for tenant in of_all.values():
        prepare(tenant)
    let_run_pods(stage, {each.namespace for name, each in of_all.items() if DELETIONS[name].policy is with_pods})
    wait_until(lambda: all(tenant.answers() for tenant in of_all.values()), 60, "all services to answer")
    stage.wait_answering()
    yield of_all
    namespaces = [tenant.namespace for tenant in of_all.values()]
    stage.access.kubectl("delete", "namespace", *namespaces, "--wait=false")


def assert_sound(stage: Stage) -> None:
    assert stage.operator is not None and stage.operator.alive
    assert "Traceback" not in stage.operator.log.read_text()


def test_a_policy_that_is_deleted_midway_in_whatever_way_leaves_nothing_and_loses_no_request(
    stage: Stage, tenants: dict[str, ServiceNamespace]
) -> None:
    with asked(stage, [tenant.host for tenant in tenants.values()], RATE):
        for name, tenant in tenants.items():
            tenant.apply(DELETIONS[name].policy(tenant))
        waiting = dict(tenants)

        def all_deleted() -> bool:
            for name, tenant in list(waiting.items()):
                if DELETIONS[name].midway(status_in(tenant)):
                    cascade = f"--cascade={DELETIONS[name].cascade}"
                    stage.access.kubectl("delete", f"esp/{POLICY}", tenant.where, cascade, "--wait=false")
                    del waiting[name]
            return not waiting

        try:
            wait_until(all_deleted, 60, "each policy to be midway")
        finally:
            assert not waiting, {name: said_of(tenant) for name, tenant in waiting.items()}
        left = dict(tenants)

        def all_gone() -> bool:
            for name, tenant in list(left.items()):
                gone = stage.access.find(POLICIES, tenant.namespace, POLICY) is None
                if gone and not left_by_the_operator(tenant):
                    del left[name]
            return not left

        try:
            wait_until(all_gone, 60, "nothing of the operator's to be left")
        finally:
            assert not left, {name: left_by_the_operator(tenant) for name, tenant in left.items()}
    for tenant in tenants.values():
        verdicts = stage.access.items(VERDICTS, tenant.namespace)
        for verdict in verdicts:
            assert object_differences(verdict) == [] and chain_differences(verdict, verdicts) == []
    assert_sound(stage)


@pytest.mark.usefixtures("load", "no_policy_left")
def test_a_namespace_that_ends_in_the_middle_takes_its_policy_along_and_nobody_elses(stage: Stage) -> None:
    """Whatever finalizers of others hold the policy, and so the namespace, where nothing may be made any more."""
    leaving = ServiceNamespace(stage, f"leaving-{uuid.uuid4().hex[:6]}")
    stage.access.create_namespace(leaving.namespace)
    leaving.apply(*leaving.objects().values(), leaving.policy())

    def hold(finalizers: list[str]) -> None:
        patch = json.dumps({"metadata": {"finalizers": finalizers}})
        stage.access.kubectl("patch", f"esp/{POLICY}", leaving.where, "--type=merge", f"--patch={patch}")

    wait_until(lambda: condition_is("TrafficApplied", "True")(status_in(leaving)), 90, "its traffic to be applied")
    apply_lasting(stage, "neighbour")
    stage.wait_for("neighbour", phase_is("Observing"), 60, "observed")
    hold(["example.com/audit"])
    try:
        stage.access.kubectl("delete", f"namespace/{leaving.namespace}", "--wait=false")
        wait_until(lambda: not left_by_the_operator(leaving), 120, "its objects to be gone")
        taken = stage.policy("neighbour")["status"]["evidence"]["looks"]
        after = stage.wait_for("neighbour", lambda status: status["evidence"]["looks"] > taken + 5, 60, "looked at")
        assert after["weight"] == 50
        # Whoever put the finalizer there may wait for the end, of which no verdict can be stored any more.
        wait_until(lambda: condition_is("Completed", "True", "Aborted")(status_in(leaving)), 60, "an end")
        wait_until(lambda: condition_is("TrafficApplied", "Unknown", "TargetLeft")(status_in(leaving)), 60, "no target")
        ended: dict[str, Any] = status_in(leaving)
        assert ended["weight"] == 0 and left_by_the_operator(leaving) == []
        asks = [each["message"] for each in ended["conditions"] if "Create it" in each["message"]]
        assert asks == [], "a namespace that ends is asked for objects"
    finally:
        hold([])
    wait_until(lambda: stage.access.find(NAMESPACES, name=leaving.namespace) is None, 120, "the namespace to be gone")
    assert_sound(stage)
    assert stage.operator is not None
    lines = stage.operator.log.read_text().splitlines()
    assert sum(leaving.namespace in line for line in lines) < 100, "it says the same again and again"
