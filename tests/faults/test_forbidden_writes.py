"""Others forbid the operator's objects, and nobody else's: before a rollout, between two of its writes, or under way.

No request fails for it, the policy says what forbids which object, and all goes on once that is allowed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES, ROUTES, SERVICES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import alias_name, overlay_name
from tests.cluster.errors import ClusterError
from tests.cluster.processes import wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.proof import only_verdict
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.forbidding import Forbid, quota, webhook_that_hangs, webhook_that_is_down
from tests.faults.many_hosts import asked
from tests.faults.policies import apply_lasting, apply_quick, lasting_in
from tests.faults.reconciling import reconciliations, wait_reconciled
from tests.faults.service_namespaces import Manifest, ServiceNamespace

POLICY = "forbidden"
FOLLOWED_WITHIN = 5.0
RATE = 50.0
Condition = Callable[[Manifest], bool]
REFUSED = condition_is("TrafficApplied", "False", "WriteRefused")
FORBIDDEN: dict[str, tuple[Forbid, str]] = {
    "its Service by a quota": (quota("services"), f"Service {alias_name('qa')}: "),
    "its route by a quota": (quota("httproutes.gateway.networking.k8s.io"), f"HTTPRoute {overlay_name(POLICY)}: "),
    "both by a webhook that is down": (webhook_that_is_down, "rules.example.com"),
    "both by a webhook that hangs": (webhook_that_hangs, "no answer within 15 s"),
}


def goes_on(status: dict[str, Any]) -> bool:
    """Whether a rollout is observed with its weights in force."""
    return phase_is("Observing")(status) and condition_is("TrafficApplied", "True")(status)


def traffic_message(status: dict[str, Any]) -> str:
    """What the policy says of its traffic."""
    return next(str(each["message"]) for each in status["conditions"] if each["type"] == "TrafficApplied")


def leads_no_user(stage: Stage, namespace: str | None = None) -> bool:
    """Whether no overlay takes a request away from the user's own route: that of the stage, or of another namespace."""
    found = stage.access.find(ROUTES, namespace or stage.namespace, overlay_name(POLICY))
    return found is None or bool(serves_no_user(found))


@pytest.fixture
def steady_load(stage: Stage, no_policy_left: None) -> Iterator[None]:
    """A load from before the policy."""
    stage.wait_answering()
    stage.start_load(RATE)
    yield
    if stage.load is not None and stage.load.alive:
        stage.stop_load()


def assert_none_failed(stage: Stage) -> None:
    """Not one request of the load has failed, which ends."""
    summary = stage.stop_load()
    assert summary["sent"] > 0 and not summary["failed"], (summary["failures"], summary["examples"])


@dataclass(frozen=True, slots=True)
class Course:
    """What became of one rollout: its status while its objects were forbidden, whether no user was led by an overlay
    then, and its status once they were allowed."""

    forbidden: Manifest
    led_nobody: bool
    allowed: Manifest


def wait_all(tenants: Mapping[str, ServiceNamespace], what: Condition, described: str) -> dict[str, Manifest]:
    """The status of each policy, once all are as wanted."""
    found: dict[str, Manifest] = {}

    def all_are() -> bool:
        for name, tenant in tenants.items():
            found[name] = tenant.stage.access.read(POLICIES, tenant.namespace, POLICY).get("status", {})
        return all(map(what, found.values()))

    try:
        wait_until(all_are, 90, f"all to be {described}")
    except ClusterError as error:
        late = {name: status.get("conditions") for name, status in found.items() if not what(status)}
        raise AssertionError(f"{error}; not so: {late}") from None
    return dict(found)


@pytest.fixture(scope="module")
def courses(stage: Stage) -> dict[str, Course]:
    """All ways to forbid at the same time, each in a namespace of its own, under a load that loses no request."""
    tenants = {name: ServiceNamespace(stage, f"{stage.namespace}-{n}") for n, name in enumerate(FORBIDDEN)}
    namespaces = [tenant.namespace for tenant in tenants.values()]
    for tenant in tenants.values():
        stage.access.create_namespace(tenant.namespace)
        tenant.apply(*tenant.objects().values())
    wait_until(lambda: all(tenant.answers() for tenant in tenants.values()), 60, "all services to answer")
    stage.wait_answering()
    with asked(stage, [tenant.host for tenant in tenants.values()], RATE):
        with ExitStack() as stack:
            for name, tenant in tenants.items():
                stack.enter_context(FORBIDDEN[name][0](stage, tenant.namespace))
            for tenant in tenants.values():
                tenant.apply(lasting_in(tenant, POLICY))
            forbidden = wait_all(tenants, REFUSED, "told what is forbidden")
            led_nobody = {name: leads_no_user(stage, tenant.namespace) for name, tenant in tenants.items()}
        allowed = wait_all(tenants, goes_on, "observed")
    stage.access.kubectl("delete", "namespace", *namespaces, "--wait=false")
    return {name: Course(forbidden[name], led_nobody[name], allowed[name]) for name in FORBIDDEN}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_rollout_whose_objects_are_forbidden_says_by_what_and_begins_once_they_are_not(
    courses: dict[str, Course], name: str
) -> None:
    course, (_, says) = courses[name], FORBIDDEN[name]
    assert says in traffic_message(course.forbidden), course.forbidden
    assert course.led_nobody
    assert goes_on(course.allowed)


@pytest.mark.usefixtures("steady_load")
def test_an_alias_that_somebody_deletes_while_a_quota_forbids_another_has_users_back_on_their_own_route_in_seconds(
    stage: Stage, watched: Following, core_waits: CoreWaits
) -> None:
    apply_lasting(stage, POLICY)
    stage.wait_for(POLICY, goes_on, 60, "observed")
    with quota("services")(stage, stage.namespace):
        stage.access.kubectl("delete", f"service/{alias_name('qa')}", f"--namespace={stage.namespace}")
        deleted = time.monotonic()
        wait_until(lambda: leads_no_user(stage), 20, "users to go by their own route")
        core_waits.assert_within(FOLLOWED_WITHIN, deleted, "users go by their own route")
        status = watched.wait_status(POLICY, REFUSED, 30, "told what is forbidden")
        assert "all requests go by your own route" in traffic_message(status), status
        stage.wait_answering()
        stage.stop_load()  # until the gateway had followed, the Service that somebody had deleted was missing
        stage.start_load(RATE)
        wait_reconciled(stage, reconciliations(stage) + 1)
        assert stage.access.find(SERVICES, stage.namespace, alias_name("qa")) is None and leads_no_user(stage)
    watched.wait_status(POLICY, goes_on, 90, "observed again")
    assert_none_failed(stage)


@pytest.mark.usefixtures("steady_load")
def test_a_promotion_that_a_webhook_forbids_under_way_leaves_users_as_they_are_led_and_is_done_once_it_is_allowed(
    stage: Stage, watched: Following
) -> None:
    apply_quick(stage, POLICY, steps=[{"weight": 50, "minimumSeconds": 8}])
    stage.wait_for(POLICY, goes_on, 60, "observed")
    with webhook_that_is_down(stage, stage.namespace):
        status = watched.wait_status(
            POLICY, lambda each: phase_is("Promoting")(each) and REFUSED(each), 90, "told what is forbidden"
        )
        assert "requests are led as before" in traffic_message(status), status
        assert not leads_no_user(stage)
    watched.wait_status(POLICY, phase_is("Promoted"), 90, "promoted")
    assert only_verdict(stage, POLICY)["spec"]["decision"] == "Promote"
    assert_none_failed(stage)


KEPT = '{"metadata": {"finalizers": ["example.com/kept"]}}'
LET_GO = '{"metadata": {"finalizers": null}}'


@pytest.fixture
def ending(stage: Stage) -> Iterator[ServiceNamespace]:
    """A namespace with a service and a rollout of its own, of which others keep policy, route and overlay while it
    ends. Afterwards they let it go."""
    tenant = ServiceNamespace(stage, f"ends-{uuid.uuid4().hex[:6]}")
    stage.access.create_namespace(tenant.namespace)
    tenant.apply(*tenant.objects().values())
    wait_until(tenant.answers, 60, "the service to answer")
    tenant.apply(tenant.policy(POLICY))
    applied = condition_is("TrafficApplied", "True")
    wait_until(lambda: applied(tenant.get(f"esp/{POLICY}").get("status", {})), 60, "its weights to be in force")
    objects = (f"esp/{POLICY}", "httproute/qa", f"httproute/{overlay_name(POLICY)}")
    for each in objects:
        stage.access.kubectl("patch", each, tenant.where, "--type=merge", f"--patch={KEPT}")
    yield tenant
    for each in objects:
        stage.access.kubectl("patch", each, tenant.where, "--type=merge", f"--patch={LET_GO}")
    stage.access.kubectl("wait", f"namespace/{tenant.namespace}", "--for=delete", "--timeout=120s")


@pytest.mark.usefixtures("steady_load")
def test_a_namespace_that_ends_in_mid_rollout_leads_nobody_to_what_may_not_be_made_again_and_disturbs_no_other(
    stage: Stage, watched: Following, ending: ServiceNamespace
) -> None:
    apply_lasting(stage, POLICY)
    stage.wait_for(POLICY, goes_on, 60, "observed")
    stage.access.kubectl("delete", f"namespace/{ending.namespace}", "--wait=false")

    def leads_nobody() -> bool:
        found = stage.access.find(SERVICES, ending.namespace, alias_name("qa"))
        return found is None and bool(serves_no_user(ending.get(f"httproute/{overlay_name(POLICY)}")))

    wait_until(leads_nobody, 60, "the overlay of the namespace that ends to lead nobody")
    assert stage.operator is not None and stage.operator.alive
    assert "the reconciliation failed" not in stage.operator.log.read_text()
    wait_reconciled(stage, reconciliations(stage))
    assert goes_on(watched.status(POLICY))
    assert_none_failed(stage)
