"""What cannot be carried out is refused by name: no traffic moves, and doing what the message says helps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES
from earlystop.demo import manifests
from earlystop.demo.load import LoadPlan, run_load
from earlystop.demo.recordings import load_recordings
from tests.cluster.processes import wait_until
from tests.e2e.stage import Stage
from tests.faults.service_namespaces import POLICY, ServiceNamespace

Manifest = dict[str, Any]


Action = Callable[[ServiceNamespace], None]
Edit = Callable[[Manifest], None]


def apply_plain_policy(tenant: ServiceNamespace) -> None:
    tenant.apply(tenant.policy())


@dataclass(frozen=True, slots=True)
class Case:
    """reason, says: of the condition. left_out: kinds that are not there. prepare: what else is there.
    edit: how the policy differs. fix: what a person then does. serves: whether clients get answers meanwhile."""

    reason: str
    says: str
    fix: Action = apply_plain_policy
    left_out: tuple[str, ...] = ()
    prepare: Action = lambda tenant: None
    edit: Edit = lambda policy: None
    serves: bool = True


def own_route(tenant: ServiceNamespace) -> None:
    """Another controller manages the route."""
    service = tenant.get("service/qa")
    owner = {
        "apiVersion": "v1",
        "kind": "Service",
        "name": "qa",
        "uid": service["metadata"]["uid"],
        "controller": True,
    }
    route = tenant.objects()["HTTPRoute"]
    tenant.apply({**route, "metadata": {**route["metadata"], "ownerReferences": [owner]}})


def attach_to(**changes: str) -> Action:
    """The route asks for another Gateway, or another part of it."""

    def attach(tenant: ServiceNamespace) -> None:
        route = tenant.objects()["HTTPRoute"]
        parents = [{**each, **changes} for each in route["spec"]["parentRefs"]]
        tenant.apply({**route, "spec": {**route["spec"], "parentRefs": parents}})

    return attach


def lead_elsewhere(tenant: ServiceNamespace) -> None:
    route = tenant.objects()["HTTPRoute"]
    backend = {"name": "qa", "namespace": "default", "port": manifests.SERVICE_PORT}
    rules = [{**each, "backendRefs": [backend]} for each in route["spec"]["rules"]]
    tenant.apply({**route, "spec": {**route["spec"], "rules": rules}})


def take_name_of_overlay(tenant: ServiceNamespace) -> None:
    route = tenant.objects()["HTTPRoute"]
    metadata = {**route["metadata"], "name": f"{POLICY}-early-stop"}
    tenant.apply({**route, "metadata": metadata, "spec": {**route["spec"], "hostnames": ["other.example.com"]}})


def take_name_of_alias(tenant: ServiceNamespace) -> None:
    service = tenant.objects()["Service"]
    tenant.apply({**service, "metadata": {**service["metadata"], "name": "qa-es-candidate"}})


def apply_older_policy(tenant: ServiceNamespace) -> None:
    tenant.apply(tenant.policy("older"))
    created = datetime.fromisoformat(tenant.get("esp/older")["metadata"]["creationTimestamp"]).timestamp()
    wait_until(lambda: time.time() > created + 1.5, 10, "the younger policy to be younger by its time stamp")


def source_of(tenant: ServiceNamespace) -> str:
    return f"late-{tenant.namespace}"


def name_absent_source(policy: Manifest) -> None:
    policy["spec"]["metrics"]["sourceRef"]["name"] = f"late-{policy['metadata']['namespace']}"


def create_source(tenant: ServiceNamespace) -> None:
    tenant.apply(manifests.source(source_of(tenant), tenant.stage.prometheus.url))


def refused(reason: str, says: str, **spec: Any) -> Case:
    """A policy with a spec that differs in some fields; one of None is left out."""

    def edit(policy: Manifest) -> None:
        for path, value in spec.items():
            *parents, last = path.split("__")
            part = policy["spec"]
            for parent in parents:
                part = part[parent]
            if value is None:
                del part[last]
            else:
                part[last] = value

    return Case(reason, says, edit=edit)


CANDIDATES = [{"name": f"w{window}", "values": [{"name": "window", "value": window}]} for window in ("5", "10")]
CASES: dict[str, Case] = {
    "target missing": Case(
        "TargetNotFound",
        "Create it or correct spec.targetRef.name",
        left_out=("Deployment",),
        fix=lambda tenant: tenant.apply(tenant.objects()["Deployment"]),
        serves=False,
    ),
    "route missing": Case(
        "RouteNotFound",
        "Create it or correct spec.delivery.gatewayHeader.routeRef.name",
        left_out=("HTTPRoute",),
        fix=lambda tenant: tenant.apply(tenant.objects()["HTTPRoute"]),
        serves=False,
    ),
    "service missing": Case(
        "ServiceNotFound",
        "Create it or correct the route's backendRef",
        left_out=("Service",),
        fix=lambda tenant: tenant.apply(tenant.objects()["Service"]),
        serves=False,
    ),
    "service of another namespace": Case(
        "ServiceElsewhere",
        "Policy, route, Service and target belong in one namespace",
        prepare=lead_elsewhere,
        fix=lambda tenant: tenant.apply(tenant.objects()["HTTPRoute"]),
        serves=False,
    ),
    "gateway missing": Case(
        "GatewayNotFound",
        "Create it or correct the route's parentRefs",
        prepare=attach_to(name="nowhere"),
        fix=lambda tenant: tenant.apply(tenant.objects()["HTTPRoute"]),
        serves=False,
    ),
    "listener missing": Case(
        "NoMatchingListener",
        "Correct sectionName, port and hostnames of the route, or add a listener",
        prepare=attach_to(sectionName="nothing"),
        fix=lambda tenant: tenant.apply(tenant.objects()["HTTPRoute"]),
        serves=False,
    ),
    "route of another controller": Case(
        "RouteManaged",
        "Name a route that no other controller owns",
        prepare=own_route,
        fix=lambda tenant: tenant.apply(tenant.objects()["HTTPRoute"]),
    ),
    "name of the overlay taken": Case(
        "NameTaken",
        f"HTTPRoute {POLICY}-early-stop exists and was made by someone else. Remove or rename it",
        prepare=take_name_of_overlay,
        fix=lambda tenant: tenant.delete(f"httproute/{POLICY}-early-stop"),
    ),
    "name of the alias taken": Case(
        "NameTaken",
        "Service qa-es-candidate exists and was made by someone else. Remove or rename it",
        prepare=take_name_of_alias,
        fix=lambda tenant: tenant.delete("service/qa-es-candidate"),
    ),
    "second policy for a target": Case(
        "TargetTaken",
        "Policy older has the traffic of this target or route. Delete one of the two policies",
        prepare=apply_older_policy,
        fix=lambda tenant: tenant.delete("esp/older"),
    ),
    "source missing": Case(
        "SourceNotFound", "Ask the cluster's admin to create it", edit=name_absent_source, fix=create_source
    ),
    "a shadow stage without its counts": refused(
        "ShadowNeedsPairs", "Write preset EarlyStop", rollout__shadowSeconds=60, metrics__preset="Custom"
    ),
    "a shadow of query classes": refused(
        "ShadowNeedsPairs",
        "delivery.mode Shadow has none. Remove them",
        delivery={"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}},
        rollout__steps=[],
        objective__queryClasses=[{"name": "hard", "margin": "0.03"}],
    ),
    "several candidates by counters of others": refused(
        "VariantsNotTold",
        "Write one candidate",
        candidates=CANDIDATES,
        rollout__strategy="ABTest",
        rollout__steps=[{"weight": 20}],
        metrics__preset="Custom",
    ),
    "no templates": refused("TemplatesUnusable", "write one for each field", metrics__preset="Custom"),
}


@dataclass(slots=True)
class Scenes:
    """All cases at once, each in a namespace of its own. before: names of the objects there, per case."""

    tenants: dict[str, ServiceNamespace] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, Manifest] = field(default_factory=dict)


def accepted(policy: Manifest) -> Manifest:
    """The condition Accepted; empty before there is one that a controller has written."""
    found = [each for each in policy.get("status", {}).get("conditions", []) if each["type"] == "Accepted"]
    return found[0] if found else {}


def objects_in(tenant: ServiceNamespace) -> list[str]:
    """Routes and Services, with the version of their specs where they have one."""
    items = tenant.get("httproutes,services")["items"]
    return [f"{item['kind']} {item['metadata']['name']} {item['metadata'].get('generation')}" for item in items]


def wait_accepted(stage: Stage, cases: Scenes, status: str, deadline_seconds: float) -> dict[str, Manifest]:
    """The policies of all cases once their condition Accepted has this status."""
    found: dict[str, Manifest] = {}

    def all_are() -> bool:
        items = stage.access.items(POLICIES)
        policies = {each["metadata"]["namespace"]: each for each in items if each["metadata"]["name"] == POLICY}
        found.update({name: policies[tenant.namespace] for name, tenant in cases.tenants.items()})
        return all(accepted(policy).get("status") == status for policy in found.values())

    try:
        wait_until(all_are, deadline_seconds, "conditions")
    except RuntimeError as error:
        late = {name: accepted(policy) for name, policy in found.items() if accepted(policy).get("status") != status}
        raise AssertionError(f"{error}: Accepted is not {status}: {late}") from None
    return found


@pytest.fixture(scope="module")
def scenes(stage: Stage) -> Iterator[Scenes]:
    scenes = Scenes()
    for number, (name, case) in enumerate(CASES.items()):
        tenant = ServiceNamespace(stage, f"{stage.namespace}-{number}")
        stage.access.create_namespace(tenant.namespace)
        tenant.apply(*(each for kind, each in tenant.objects().items() if kind not in case.left_out))
        case.prepare(tenant)
        scenes.tenants[name] = tenant
        if "older" not in case.says:
            scenes.before[name] = objects_in(tenant)
        policy = tenant.policy()
        case.edit(policy)
        tenant.apply(policy)
    scenes.refused = wait_accepted(stage, scenes, "False", 60)
    yield scenes
    namespaces = [tenant.namespace for tenant in scenes.tenants.values()]
    stage.access.kubectl("delete", "namespace", *namespaces, "--wait=false")
    stage.access.kubectl("delete", "ess", *map(source_of, scenes.tenants.values()), "--ignore-not-found")


@pytest.fixture(scope="module")
def fixed(stage: Stage, scenes: Scenes) -> dict[str, Manifest]:
    """The policies after people have done what the messages said."""
    for name, case in CASES.items():
        case.fix(scenes.tenants[name])
    # What is refused for other objects is checked again every 20 s.
    return wait_accepted(stage, scenes, "True", 90)


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_its_reason_and_what_to_do(stage: Stage, scenes: Scenes, name: str) -> None:
    condition = accepted(scenes.refused[name])
    assert condition["reason"] == CASES[name].reason
    assert CASES[name].says in condition["message"]
    ready = next(each for each in scenes.refused[name]["status"]["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", CASES[name].reason)


@pytest.mark.parametrize("name", [name for name in CASES if name != "second policy for a target"])
def test_a_refused_policy_makes_no_object_and_moves_no_traffic(stage: Stage, scenes: Scenes, name: str) -> None:
    tenant = scenes.tenants[name]
    assert objects_in(tenant) == scenes.before[name]
    if CASES[name].serves:
        wait_until(tenant.answers, 90, "the Pods to be ready, and the gateway to lead to them")
        questions = [recording.question for recording in load_recordings(stage.data)]
        plan = LoadPlan(stage.gateway.url, rate=400, requests=40, headers={"Host": tenant.host})
        answered = asyncio.run(run_load(plan, questions))
        assert answered.variants == {"unassigned": 40}, answered.failures


def test_an_older_policy_goes_on_beside_one_that_is_refused(stage: Stage, scenes: Scenes) -> None:
    tenant = scenes.tenants["second policy for a target"]
    wait_until(lambda: accepted(tenant.get("esp/older")).get("status") == "True", 30, "the older policy to be accepted")
    assert {each.split()[1] for each in objects_in(tenant)} <= {"qa", "qa-es-candidate", "older-early-stop"}


@pytest.mark.parametrize("name", CASES)
def test_once_fixed_it_is_accepted_by_itself(fixed: dict[str, Manifest], name: str) -> None:
    assert accepted(fixed[name])["reason"] == "Accepted"
    assert fixed[name]["status"]["campaign"] == 1
