"""Routes and policies of others, with the operator and a real gateway: every request ends where it ended before."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.delivery.names import overlay_name
from earlystop.demo import manifests
from tests.cluster.echoing import echoing
from tests.cluster.gateway import GATEWAY
from tests.cluster.kit import own_address
from tests.cluster.processes import wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is

PORT = 8125
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
OF_OTHERS = {"x-model": "other"}
A_MODEL = {"name": "x-model", "value": "other"}
PATIENT: dict[str, Any] = {"steps": [{"weight": 50, "minimumSeconds": 3000}], "deadlineSeconds": 6000}
SECONDS_TO_FOLLOW = 15.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def neighbour(stage: Stage) -> Iterator[str]:
    """The namespace of another team, with a server of its own behind Service `qa`."""
    namespace = f"neighbour-{uuid.uuid4().hex[:6]}"
    stage.access.create_namespace(namespace)
    with echoing(own_address(), PORT):
        services = manifests.service(namespace, PORT, replicas=0)
        stage.access.apply(*services, *manifests.endpoints(namespace, own_address(), PORT))
        yield namespace
    stage.access.kubectl("delete", "namespace", namespace, "--wait=false")


def route_of(neighbour: str, stage: Stage, match: dict[str, Any]) -> dict[str, Any]:
    """The other team's route for the stage's host."""
    route = manifests.route(neighbour, stage.host, GATEWAY, stage.gateway.namespace)
    route["spec"]["rules"] = [{**route["spec"]["rules"][0], "matches": [match]}]
    return route


def servers(stage: Stage, path: str, headers: dict[str, str], number: int = 20) -> Counter[str]:
    """Which server answered each of so many requests."""
    question = json.dumps(
        {"model": "m", "prompt": "hello", "messages": [{"role": "user", "content": "hello"}]}
    ).encode()
    sent = {"Host": stage.host, "Content-Type": "application/json", **headers}
    answered: Counter[str] = Counter()
    for _ in range(number):
        request = urllib.request.Request(stage.gateway.url + path, data=question, headers=sent)
        try:
            with _direct.open(request, timeout=10) as answer:
                answered["own" if "choices" in json.loads(answer.read()) else "other"] += 1
        except urllib.error.HTTPError as error:
            # The stage's server says in JSON that it has no recording of this question; the gateway says plainly 404.
            own = b"question_not_found" in error.read()
            answered["own" if own else f"status {error.code}"] += 1
    return answered


def overlay(stage: Stage, policy: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.access.get(f"httproute/{overlay_name(policy)}", f"--namespace={stage.namespace}")
    return found


def test_an_overlay_leaves_a_path_to_the_route_of_another_namespace_that_had_it(
    stage: Stage, neighbour: str, no_policy_left: None
) -> None:
    stage.access.apply(route_of(neighbour, stage, {"path": {"type": "Exact", "value": TEXT}}))
    wait_until(lambda: set(servers(stage, TEXT, {}, 4)) == {"other"}, 30, "the other team's route to serve")
    stage.apply_policy("beside", 5, "0.10", **PATIENT)
    stage.wait_for("beside", phase_is("Settling", "Observing"), 90, "in force")
    paths = {match["path"]["value"] for rule in overlay(stage, "beside")["spec"]["rules"] for match in rule["matches"]}
    assert paths == {CHAT}
    assert servers(stage, TEXT, {}) == {"other": 20}
    assert servers(stage, CHAT, {}) == {"own": 20}
    stage.access.kubectl("delete", "httproute/qa", f"--namespace={neighbour}")


def test_a_route_that_comes_later_gets_its_requests_at_once_and_the_overlay_comes_back_when_it_goes(
    stage: Stage, neighbour: str, no_policy_left: None, core_waits: CoreWaits
) -> None:
    stage.start_load(50)
    stage.apply_policy("later", 5, "0.10", **PATIENT)
    stage.wait_for("later", phase_is("Observing"), 90, "observing")
    rival = {"path": {"type": "PathPrefix", "value": "/v1"}, "headers": [{"name": "x-model", "value": "other"}]}
    stage.access.apply(route_of(neighbour, stage, rival))
    came = time.monotonic()
    wait_until(lambda: "parentRefs" not in overlay(stage, "later")["spec"], SECONDS_TO_FOLLOW, "the overlay to go")
    wait_until(lambda: set(servers(stage, CHAT, OF_OTHERS, 4)) == {"other"}, SECONDS_TO_FOLLOW, "the other's requests")
    core_waits.assert_within(SECONDS_TO_FOLLOW, came, "the other's requests went to it")
    assert servers(stage, CHAT, OF_OTHERS) == {"other": 20} and servers(stage, CHAT, {}) == {"own": 20}
    status = stage.wait_for("later", condition_is("Accepted", "False", "RouteOverlaps"), 30, "refused")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "Accepted"]
    assert f"HTTPRoute {neighbour}/qa" in said
    stage.access.kubectl("delete", "httproute/qa", f"--namespace={neighbour}")
    stage.wait_for("later", condition_is("Accepted", "True"), SECONDS_TO_FOLLOW, "accepted again")
    wait_until(lambda: "parentRefs" in overlay(stage, "later")["spec"], 60, "the overlay to come back")
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, summary["failures"]


def test_a_route_of_a_wider_host_keeps_what_a_gateway_that_compares_paths_first_leads_there(
    stage: Stage, neighbour: str, no_policy_left: None
) -> None:
    """Traefik adds what a hostname is worth to what a path is: an overlay's Exact path would outweigh both."""
    rival = route_of(neighbour, stage, {"path": {"type": "Exact", "value": CHAT}, "headers": [A_MODEL]})
    rival["spec"]["hostnames"] = ["*.example.com"]
    stage.access.apply(rival)
    wait_until(lambda: set(servers(stage, CHAT, OF_OTHERS, 4)) == {"other"}, 30, "the wider host's route to serve")
    stage.apply_policy("wider", 5, "0.10", **PATIENT)
    status = stage.wait_for("wider", condition_is("Accepted", "False", "RouteOverlaps"), 60, "refused")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "Accepted"]
    assert f"HTTPRoute {neighbour}/qa for a host in common" in said
    assert servers(stage, CHAT, OF_OTHERS) == {"other": 20} and servers(stage, CHAT, {}) == {"own": 20}
    stage.access.kubectl("delete", "httproute/qa", f"--namespace={neighbour}")
    stage.wait_for("wider", condition_is("Accepted", "True"), SECONDS_TO_FOLLOW, "accepted once it is gone")


@pytest.fixture
def narrower(stage: Stage) -> Iterator[None]:
    """The stage's own route takes a longer prefix than /v1 meanwhile."""
    own = f"httproute/qa --namespace={stage.namespace} --type=json --patch".split()
    before = stage.access.get("httproute/qa", f"--namespace={stage.namespace}")["spec"]["rules"][0]["matches"]
    place = {"op": "replace", "path": "/spec/rules/0/matches"}
    longer = [{"path": {"type": "PathPrefix", "value": "/v1/chat"}}]
    stage.access.kubectl("patch", *own, json.dumps([{**place, "value": longer}]))
    yield
    stage.access.kubectl("patch", *own, json.dumps([{**place, "value": before}]))


def test_a_shorter_prefix_with_a_method_keeps_what_a_gateway_that_adds_up_points_leads_there(
    stage: Stage, neighbour: str, narrower: None, no_policy_left: None
) -> None:
    """Gateway API prefers the longer prefix; Traefik gives a method the points of ten characters."""
    wait_until(lambda: set(servers(stage, CHAT, {}, 4)) == {"own"}, 30, "the longer prefix to serve")
    stage.access.apply(route_of(neighbour, stage, {"path": {"type": "PathPrefix", "value": "/v1"}, "method": "POST"}))
    wait_until(lambda: set(servers(stage, CHAT, {}, 4)) == {"other"}, 30, "the shorter prefix to have more points")
    stage.apply_policy("points", 5, "0.10", **PATIENT)
    status = stage.wait_for("points", condition_is("Accepted", "False", "RouteOverlaps"), 60, "refused")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "Accepted"]
    assert f"HTTPRoute {neighbour}/qa" in said
    assert servers(stage, CHAT, {}) == {"other": 20}
    stage.access.kubectl("delete", "httproute/qa", f"--namespace={neighbour}")
    stage.wait_for("points", condition_is("Accepted", "True"), SECONDS_TO_FOLLOW, "accepted once it is gone")


def test_a_policy_that_hangs_on_the_users_service_is_named_before_anything_is_written(
    stage: Stage, no_policy_left: None
) -> None:
    attached = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "BackendTLSPolicy",
        "metadata": {"name": "tls", "namespace": stage.namespace},
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": "qa", "sectionName": "unused"}],
            "validation": {"hostname": "qa.example.com", "wellKnownCACertificates": "System"},
        },
    }
    stage.access.apply(attached)
    stage.apply_policy("attached", 5, "0.10", **PATIENT)
    status = stage.wait_for("attached", condition_is("Accepted", "False", "RouteHasPolicies"), 60, "refused")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "Accepted"]
    assert f"BackendTLSPolicy {stage.namespace}/tls" in said and "name: qa-es-candidate" in said
    named = (f"httproute/{overlay_name('attached')}", f"--namespace={stage.namespace}", "--ignore-not-found")
    assert not stage.access.kubectl("get", *named).strip()
    stage.access.kubectl("delete", "backendtlspolicy/tls", f"--namespace={stage.namespace}")
