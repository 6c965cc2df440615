"""The definition of HTTPRoutes is removed and installed again in mid-rollout, as by an upgrade of Gateway API."""

from __future__ import annotations

import json
import time

import pytest

from earlystop.controller.cluster import ROUTES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import overlay_name
from earlystop.demo import manifests
from tests.cluster.gateway import GATEWAY, GATEWAY_API
from tests.cluster.processes import wait_until
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.faults.policies import apply_lasting

DEFINITION = "httproutes.gateway.networking.k8s.io"
FOLLOWED_AGAIN_SECONDS = 75.0
"""The operator ends when it finds that nothing watches a kind that is served, and is started again."""


def keep_running(stage: Stage) -> None:
    """Start the operator again where it has ended, as Kubernetes does."""
    assert stage.operator is not None
    if not stage.operator.alive:
        stage.start_operator()


@pytest.mark.usefixtures("no_policy_left")
def test_routes_whose_definition_was_removed_and_installed_again_are_followed_as_before(stage: Stage) -> None:
    apply_lasting(stage, "redefined")
    stage.start_load(50)
    stage.wait_for("redefined", phase_is("Observing"), 90, "observed")
    assert stage.stop_load()["failed"] == 0

    stage.access.kubectl("delete", f"crd/{DEFINITION}", "--wait=true")
    stage.wait_for("redefined", condition_is("Accepted", "False", "RouteNotFound"), 30, "without a route")
    stage.access.install_crds(GATEWAY_API)
    route = manifests.route(stage.namespace, stage.host, GATEWAY, stage.gateway.namespace)
    stage.access.apply(route)
    stage.wait_answering()
    stage.start_load(50, 2)

    def is_led() -> bool:
        keep_running(stage)
        found = stage.access.find(ROUTES, stage.namespace, overlay_name("redefined"))
        return found is not None and not serves_no_user(found)

    wait_until(is_led, 90, "the overlay to lead users again")
    hosts = [stage.host, f"second.{stage.host}"]
    change = json.dumps({"spec": {"hostnames": hosts}})
    where = f"--namespace={stage.namespace}"
    stage.access.kubectl("patch", "httproute/qa", where, "--type=merge", f"--patch={change}")
    edited = time.monotonic()

    def is_followed() -> bool:
        keep_running(stage)
        found = stage.access.find(ROUTES, stage.namespace, overlay_name("redefined"))
        return found is not None and found["spec"]["hostnames"] == hosts

    wait_until(is_followed, FOLLOWED_AGAIN_SECONDS, "the overlay to follow an edit of its route")
    print(f"the edit was followed after {time.monotonic() - edited:.1f} s")
    stage.wait_for("redefined", phase_is("Observing"), 90, "observed again")
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary
    stage.access.apply(route)
