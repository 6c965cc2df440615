"""Users edit their own Service and route while a policy leads their requests: the overlay follows within seconds.

Two servers run at two ports. Whatever is edited, no request fails that would not have failed without the policy, and
none goes to the server that the user has left.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from earlystop.controller.cluster import ROUTES, SERVICES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.demo import manifests
from tests.cluster.gateway import GATEWAY
from tests.cluster.processes import Child, wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.e2e.whole import abort
from tests.faults.policies import apply_lasting, apply_quick
from tests.faults.reconciling import reconciliations, wait_reconciled

pytestmark = pytest.mark.usefixtures("no_policy_left")

FOLLOWED_WITHIN = 5.0
QUIET_SECONDS, AT_THE_OTHER = 1.5, 50
"""For so long a server gets no request, and the other one so many, until it is said to be left."""
OTHER_PORT = 8082
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module", autouse=True)
def other_server(stage: Stage) -> Iterator[Child]:
    """The same service at another port, and a Service that leads to it."""
    options = [f"--host={stage.server_address}", f"--port={OTHER_PORT}", f"--data={stage.data}", "--drain-seconds=2"]
    options.append("--names-variants")
    server = stage.python("other-server", "earlystop.demo.server", *options)
    server.wait_ready(lambda: questions(stage, OTHER_PORT) >= 0, 30.0)
    stage.access.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "blue", "namespace": stage.namespace},
            "spec": {
                "selector": {"app": "qa-server"},
                "ports": [{"name": "http", "port": 80, "targetPort": OTHER_PORT}],
            },
        }
    )
    yield server
    server.stop(5.0)


@pytest.fixture(autouse=True)
def as_before(stage: Stage) -> Iterator[None]:
    """Users' objects are as they were, before and after."""
    kept = {name: stage.access.get(name, f"--namespace={stage.namespace}") for name in ("service/qa", "httproute/qa")}
    yield
    for made in kept.values():
        metadata = {name: made["metadata"][name] for name in ("name", "namespace")}
        spec = {name: value for name, value in made["spec"].items() if name not in ("clusterIP", "clusterIPs")}
        stage.access.apply({"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": metadata, "spec": spec})


def questions(stage: Stage, port: int) -> float:
    """Requests that the server at a port has begun to answer, -1 without an answer."""
    try:
        with _direct.open(f"http://{stage.server_address}:{port}/metrics", timeout=5) as response:
            lines = response.read().decode().splitlines()
    except OSError:
        return -1.0
    return sum(float(line.split()[-1]) for line in lines if line.startswith("earlystop_requests_started_total"))


def patch(stage: Stage, name: str, *operations: tuple[str, Any]) -> float:
    """Replace parts of a user's object. Returns the moment after it, by the monotonic clock."""
    written = [{"op": "replace", "path": path, "value": value} for path, value in operations]
    stage.access.kubectl(
        "patch", name, f"--namespace={stage.namespace}", "--type=json", f"--patch={json.dumps(written)}"
    )
    return time.monotonic()


def patch_listeners(stage: Stage, listeners: list[dict[str, Any]]) -> None:
    """The owner of the Gateway writes other listeners."""
    written = json.dumps({"spec": {"listeners": listeners}})
    where = f"--namespace={stage.gateway.namespace}"
    stage.access.kubectl("patch", f"gateway/{GATEWAY}", where, "--type=merge", f"--patch={written}")


def listeners_of(stage: Stage) -> set[str]:
    """Names of the listeners that the gateway says it has."""
    gateway = stage.access.get(f"gateway/{GATEWAY}", f"--namespace={stage.gateway.namespace}")
    return {each["name"] for each in gateway.get("status", {}).get("listeners", [])}


@pytest.fixture
def gateway_as_before(stage: Stage) -> Iterator[None]:
    """The Gateway has its listeners again after the test."""
    where = f"--namespace={stage.gateway.namespace}"
    listeners = stage.access.get(f"gateway/{GATEWAY}", where)["spec"]["listeners"]
    yield
    patch_listeners(stage, listeners)


def lead_to(stage: Stage, service: str) -> float:
    """The user points the route at another Service."""
    return patch(stage, "httproute/qa", ("/spec/rules/0/backendRefs/0/name", service))


@dataclass(frozen=True, slots=True)
class Promised:
    """What an edit promises: that it is followed within some seconds."""

    stage: Stage
    core_waits: CoreWaits

    def left(self, port: int, since: float) -> None:
        """Within the time that is promised the server at a port gets no request any more, while the other one does."""
        seen, moments = [self._both(port)], [time.monotonic()]

        def is_left() -> bool:
            now = self._both(port)
            if now[0] != seen[-1][0]:
                seen.append(now)
                moments.append(time.monotonic())
            return time.monotonic() - moments[-1] > QUIET_SECONDS and now[1] - seen[-1][1] > AT_THE_OTHER

        described = f"no request goes to port {port} any more"
        wait_until(is_left, 20.0, described)
        self.core_waits.assert_within(FOLLOWED_WITHIN, since, described, moments[-1])

    def soon(self, what: Callable[[], bool], since: float, described: str) -> None:
        """Within the time that is promised it is so."""
        wait_until(what, 20.0, described)
        self.core_waits.assert_within(FOLLOWED_WITHIN, since, described)

    def _both(self, port: int) -> tuple[float, float]:
        """Requests at this port and at the other one."""
        return questions(self.stage, port), questions(self.stage, OTHER_PORT if port == 8080 else 8080)


@pytest.fixture
def promised(stage: Stage, core_waits: CoreWaits) -> Promised:
    return Promised(stage, core_waits)


def overlay(stage: Stage, policy: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.access.read(ROUTES, stage.namespace, overlay_name(policy))
    return found


def is_back(stage: Stage, policy: str, service: str) -> Callable[[], bool]:
    """Whether the overlay leads users to a Service again."""

    def back() -> bool:
        made = overlay(stage, policy)
        return not serves_no_user(made) and made["spec"]["rules"][-1]["backendRefs"][0]["name"] == service

    return back


@pytest.mark.usefixtures("load")
def test_an_edit_of_service_or_route_under_way_is_followed_and_fails_no_request(
    stage: Stage, watched: Following, promised: Promised
) -> None:
    apply_lasting(stage, "moved")
    watched.wait_status("moved", phase_is("Observing"), 60, "observed")
    edited = patch(stage, "service/qa", ("/spec/ports/0/targetPort", OTHER_PORT))

    def alias_port() -> int:
        alias = stage.access.read(SERVICES, stage.namespace, alias_name("qa"))
        return int(alias["spec"]["ports"][0]["targetPort"])

    promised.soon(lambda: alias_port() == OTHER_PORT, edited, "the alias to follow its Service")
    promised.left(8080, edited)
    stage.told("moved", "EditFollowed")
    assert "ForeignEditUndone" not in [reason for reason, _ in stage.events("moved")]
    patch(stage, "service/qa", ("/spec/ports/0/targetPort", 8080))
    wait_until(lambda: alias_port() == 8080, 20, "the alias to follow its Service back")
    watched.wait_status("moved", phase_is("Observing"), 60, "observed again")
    promised.left(8080, lead_to(stage, "blue"))
    wait_until(is_back(stage, "moved", "blue"), 30, "the overlay of the route as it is now")
    assert stage.operator is not None
    stage.operator.stop(0.0)
    lead_to(stage, "qa")
    stage.start_operator()
    promised.left(OTHER_PORT, time.monotonic())
    wait_until(is_back(stage, "moved", "qa"), 30, "the overlay of the route as it was")
    watched.wait_status("moved", condition_is("TrafficApplied", "True"), 60, "in force")
    assert condition_is("SampleRatioOK", "False")(watched.status("moved")) is False


@pytest.mark.usefixtures("load")
def test_an_edit_after_a_promotion_and_after_an_abort_is_followed_and_fails_no_request(
    stage: Stage, watched: Following, promised: Promised
) -> None:
    apply_quick(stage, "ended")
    watched.wait_status("ended", phase_is("Promoted"), 120, "promoted")
    watched.wait_status("ended", condition_is("TrafficApplied", "True"), 30, "in force")
    promised.left(8080, lead_to(stage, "blue"))
    wait_until(is_back(stage, "ended", "blue"), 30, "the overlay of the route as it is now")
    abort(stage, "ended")
    watched.wait_status("ended", phase_is("RolledBack"), 60, "rolled back")
    promised.left(OTHER_PORT, lead_to(stage, "qa"))


@pytest.fixture
def leftover(stage: Stage) -> Iterator[str]:
    """Another team's route of the same host, to the other server, for whatever the user's own does not take."""
    name, where = "leftover", f"--namespace={stage.namespace}"
    made = manifests.route(stage.namespace, stage.host, GATEWAY, stage.gateway.namespace)
    made["metadata"]["name"] = name
    made["spec"]["rules"][0]["backendRefs"][0]["name"] = "blue"
    stage.access.apply(made)
    yield f"httproute/{name}"
    stage.access.kubectl("delete", f"httproute/{name}", where, "--ignore-not-found")


@pytest.mark.usefixtures("load")
def test_a_hostname_that_another_route_takes_over_takes_the_overlay_off_it_also_while_no_operator_runs(
    stage: Stage, watched: Following, promised: Promised, leftover: str
) -> None:
    patch(stage, "httproute/qa", ("/spec/rules/0/matches/0/path/value", "/v1"))
    apply_lasting(stage, "hosted")
    watched.wait_status("hosted", phase_is("Observing"), 60, "observed")
    left = patch(stage, "httproute/qa", ("/spec/hostnames/0", "moved.example.com"))
    promised.left(8080, left)
    assert overlay(stage, "hosted")["spec"]["hostnames"] == ["moved.example.com"]
    assert stage.operator is not None
    stage.operator.stop(0.0)
    patch(stage, "httproute/qa", ("/spec/hostnames/0", stage.host))
    stage.access.kubectl("delete", leftover, f"--namespace={stage.namespace}")
    stage.start_operator()
    promised.left(OTHER_PORT, time.monotonic())
    wait_until(is_back(stage, "hosted", "qa"), 60, "the overlay of the hostname as it was")


@pytest.mark.usefixtures("load", "gateway_as_before")
def test_an_edit_of_listeners_or_of_a_selector_fails_no_request_also_while_no_operator_runs(
    stage: Stage, watched: Following, promised: Promised
) -> None:
    apply_lasting(stage, "listened")
    watched.wait_status("listened", phase_is("Observing"), 60, "observed")
    where, others = f"--namespace={stage.namespace}", questions(stage, OTHER_PORT)
    gateway = stage.access.get(f"gateway/{GATEWAY}", f"--namespace={stage.gateway.namespace}")
    (listener,) = gateway["spec"]["listeners"]
    narrow = {**listener, "name": "narrow", "hostname": "*.example.com"}
    patch_listeners(stage, [listener, narrow])
    wait_until(lambda: listeners_of(stage) == {listener["name"], "narrow"}, 30, "the gateway to have both listeners")
    wait_reconciled(stage, reconciliations(stage))
    watched.wait_status("listened", condition_is("TrafficApplied", "True"), 30, "in force at both listeners")
    assert stage.operator is not None
    stage.operator.stop(0.0)
    patch_listeners(stage, [{**listener, "hostname": stage.host}])
    stage.start_operator()
    wait_reconciled(stage)
    watched.wait_status("listened", condition_is("TrafficApplied", "True"), 60, "in force at a listener of its host")
    label = "pod-template-hash"
    (pod,) = stage.access.get("pods", where, "--selector=app=qa-server")["items"]
    selector = stage.access.get("service/qa", where)["spec"]["selector"]
    edited = patch(stage, "service/qa", ("/spec/selector", {**selector, label: pod["metadata"]["labels"][label]}))
    # The target's template has no such label, so nobody knows whether the Service still leads to it.
    promised.soon(lambda: serves_no_user(overlay(stage, "listened")), edited, "the overlay to go")
    stage.operator.stop(0.0)
    patch(stage, "service/qa", ("/spec/selector", selector))
    stage.start_operator()
    wait_until(is_back(stage, "listened", "qa"), 60, "the overlay of the Service as it was")
    assert questions(stage, OTHER_PORT) == others, "the other server was never asked"


def test_no_overlay_outlives_its_route_or_service_not_even_of_a_suspended_policy(
    stage: Stage, watched: Following, promised: Promised
) -> None:
    where = f"--namespace={stage.namespace}"
    stage.start_load(50)
    apply_lasting(stage, "outlived")
    watched.wait_status("outlived", phase_is("Observing"), 60, "observed")
    stage.stop_load()
    service = stage.access.get("service/qa", where)
    stage.access.kubectl("delete", "service/qa", where)
    deleted = time.monotonic()
    promised.soon(lambda: serves_no_user(overlay(stage, "outlived")), deleted, "the overlay to go with its Service")
    metadata = {name: service["metadata"][name] for name in ("name", "namespace")}
    spec = {name: service["spec"][name] for name in ("selector", "ports")}
    stage.access.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    wait_until(lambda: not serves_no_user(overlay(stage, "outlived")), 60, "the overlay to come back")
    stage.access.kubectl("patch", "esp/outlived", where, "--type=merge", '--patch={"spec": {"suspend": true}}')
    watched.wait_status("outlived", phase_is("Suspended"), 30, "suspended")
    stage.access.kubectl("delete", "httproute/qa", where)
    deleted = time.monotonic()
    promised.soon(lambda: serves_no_user(overlay(stage, "outlived")), deleted, "the overlay to go with its route")
