"""Users rename their Service's port under way, replace the Service by one of another kind, or roll their Deployment:
requests go where they went without the policy, a condition says what is to be done, and then the rollout goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.controller.cluster import ROUTES, SERVICES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import alias_name, overlay_name
from tests.cluster.processes import wait_until
from tests.e2e.proof import ask, share
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.policies import apply_lasting
from tests.faults.reconciling import reconciliations, wait_reconciled

POLICY, HEADLESS = "replaced", "None"
GATEWAY_LOSES = {"503"}
"""What the gateway itself answers, with a policy or without one, until it has followed endpoints of another name."""


def replace_service(stage: Stage, **changes: Any) -> None:
    """The user deletes the Service and makes one of that name anew. changes: fields of its spec beside those it had."""
    stage.access.kubectl("delete", "service/qa", f"--namespace={stage.namespace}")
    ports = [{"name": "http", "port": 80, "targetPort": stage.server_port}]
    spec = {"selector": {"app": "qa-server"}, "ports": ports, **changes}
    metadata = {"name": "qa", "namespace": stage.namespace}
    stage.access.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def patch(stage: Stage, name: str, path: str, value: Any) -> None:
    """Add or replace one part of a user's object."""
    written = json.dumps([{"op": "add", "path": path, "value": value}])
    stage.access.kubectl("patch", name, f"--namespace={stage.namespace}", "--type=json", f"--patch={written}")


def leads_no_user(stage: Stage) -> bool:
    """Whether the overlay takes no request away from the user's own route."""
    return bool(serves_no_user(stage.access.read(ROUTES, stage.namespace, overlay_name(POLICY))))


def goes_on(status: dict[str, Any]) -> bool:
    """Whether a rollout is observed with its weights in force."""
    return phase_is("Observing")(status) and condition_is("TrafficApplied", "True")(status)


@pytest.fixture
def under_way(stage: Stage, watched: Following, no_policy_left: None) -> Iterator[None]:
    """A rollout that no verdict ends, under load. Afterwards the Service is as it was."""
    stage.wait_answering()
    stage.start_load(50)
    apply_lasting(stage, POLICY)
    watched.wait_status(POLICY, goes_on, 60, "observed")
    yield
    if stage.load is not None and stage.load.alive:
        stage.stop_load()
    replace_service(stage)


def all_go_by_the_users_route(stage: Stage) -> bool:
    """Whether that answers whatever a client asks. For a moment it may not: the Service that it leads to was gone."""
    summary = ask(stage, 50)
    return summary.failed == 0 and summary.variants.get("unassigned", 0) == summary.ok


def assert_nobody_fails(stage: Stage) -> None:
    """A load that begins now loses no request, and comes to both variants."""
    stage.wait_answering()
    stage.start_load(50)
    wait_until(lambda: share(stage, "candidate", 50) > 0, 30, "requests to come to the candidate")
    summary = stage.stop_load()
    assert summary["sent"] > 0 and not summary["failed"], (summary["failures"], summary["examples"])


@pytest.mark.usefixtures("under_way")
def test_a_port_that_is_renamed_is_followed_and_takes_no_weights_back(stage: Stage, watched: Following) -> None:
    def alias_port() -> str:
        return str(stage.access.read(SERVICES, stage.namespace, alias_name("qa"))["spec"]["ports"][0]["name"])

    for name in ("web", "http"):
        patch(stage, "service/qa", "/spec/ports/0/name", name)
        wait_until(lambda name=name: alias_port() == name, 20, "the alias to follow its Service")  # type: ignore[misc]
        wait_reconciled(stage, reconciliations(stage))
        assert not leads_no_user(stage)
        watched.wait_status(POLICY, goes_on, 60, "observed")
    summary = stage.stop_load()
    assert set(summary["failures"]) <= GATEWAY_LOSES, summary
    assert_nobody_fails(stage)


@pytest.mark.usefixtures("under_way")
def test_a_service_that_was_made_anew_as_headless_has_a_headless_alias_after_a_while_and_nobody_does_anything(
    stage: Stage, watched: Following
) -> None:
    replace_service(stage, clusterIP=HEADLESS)
    status = watched.wait_status(POLICY, condition_is("Ready", "False", "AliasOutdated"), 30, "told of the alias")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "Accepted"]
    assert f"The operator has Service {alias_name('qa')} taken away" in said
    assert leads_no_user(stage), "the candidate's Service would lead elsewhere"
    wait_until(lambda: all_go_by_the_users_route(stage), 30, "requests to go to the user's own route")
    before = stage.stop_load()
    stage.start_load(50)  # from here on no request fails, also while the alias goes and comes again
    watched.wait_status(POLICY, goes_on, 120, "observed again")
    assert stage.access.read(SERVICES, stage.namespace, alias_name("qa"))["spec"]["clusterIP"] == HEADLESS
    summary = stage.stop_load()
    assert before["sent"] and summary["sent"] and not summary["failed"], summary
    assert_nobody_fails(stage)


@pytest.mark.usefixtures("under_way")
def test_a_service_that_becomes_another_name_for_a_host_has_its_route_back_until_it_is_a_service_again(
    stage: Stage, watched: Following
) -> None:
    gone = dict.fromkeys(
        ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy", "selector")
    )
    written = json.dumps({"spec": {**gone, "type": "ExternalName", "externalName": "elsewhere.example.com"}})
    where = f"--namespace={stage.namespace}"
    stage.access.kubectl("patch", "service/qa", where, "--type=merge", f"--patch={written}")
    status = watched.wait_status(POLICY, condition_is("Accepted", "False", "RouteMissesTarget"), 30, "refused")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "Accepted"]
    assert "is of type ExternalName: another name for a host" in said
    assert leads_no_user(stage)
    stage.stop_load()
    replace_service(stage)
    watched.wait_status(POLICY, goes_on, 90, "observed again")
    assert_nobody_fails(stage)


@pytest.mark.usefixtures("under_way")
def test_a_deployment_that_is_rolled_or_scaled_to_none_and_back_is_no_matter_of_weights(
    stage: Stage, watched: Following
) -> None:
    patch(stage, "deployment/qa-server", "/spec/template/metadata/annotations", {"example.com/rolled": "yes"})
    rolled = ("rollout", "status", "deployment/qa-server", f"--namespace={stage.namespace}", "--timeout=60s")
    stage.access.kubectl(*rolled)
    wait_reconciled(stage, reconciliations(stage))
    assert not leads_no_user(stage)
    summary = stage.stop_load()
    assert set(summary["failures"]) <= GATEWAY_LOSES, summary
    for replicas in (0, 1):
        stage.access.kubectl(
            "scale", "deployment/qa-server", f"--namespace={stage.namespace}", f"--replicas={replicas}"
        )
        wait_reconciled(stage, reconciliations(stage))
        assert not leads_no_user(stage)
    stage.access.kubectl(*rolled)
    watched.wait_status(POLICY, goes_on, 60, "observed")
    assert_nobody_fails(stage)
