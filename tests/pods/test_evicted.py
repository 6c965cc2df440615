"""Pods are evicted in mid-rollout, as where their node is drained: the operator's, a server's and a gateway's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.controller.cluster import DEPLOYMENTS, PODS
from tests.cluster.processes import wait_until
from tests.pods.installation import INFRASTRUCTURE, RELEASE_NAMESPACE, TEAM, VERDICT_SECONDS, Installation

NAME = "drained"
SERVER, GATEWAY = "qa-server", "traefik"


def evict(installation: Installation, namespace: str, name: str) -> None:
    """Ask the API server for an eviction, as `kubectl drain` does. Raises ClusterError where a budget forbids it."""
    metadata = {"name": name, "namespace": namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    installation.plane.kubectl("create", f"--raw={path}", "--filename=-", input=json.dumps(eviction))


def all_pods(installation: Installation, namespace: str) -> set[str]:
    """Names of all Pods of a namespace, also of those that are being ended."""
    return {each["metadata"]["name"] for each in installation.plane.items(PODS, namespace)}


def pods_of(installation: Installation, namespace: str, app: str) -> list[str]:
    """Names of all Pods with that label, also of those that are being ended."""
    found = [each["metadata"] for each in installation.plane.items(PODS, namespace)]
    return [each["name"] for each in found if each["labels"].get("app") == app]


def is_whole(installation: Installation, namespace: str, deployment: str, replicas: int = 2) -> bool:
    """Whether a Deployment has all of its Pods, all are ready, and none is still being ended."""
    status = installation.plane.read(DEPLOYMENTS, namespace, deployment)["status"]
    return bool(
        status.get("readyReplicas", 0) == status.get("replicas", 0) == replicas
        and len(pods_of(installation, namespace, deployment)) == replicas
    )


@pytest.fixture
def two_gateways(installation: Installation) -> Iterator[None]:
    """The gateway has two Pods, since nobody can be drained without a loss who has one."""

    def scale(replicas: int) -> None:
        where = (f"deployment/{GATEWAY}", f"--namespace={INFRASTRUCTURE}", f"--replicas={replicas}")
        installation.plane.kubectl("scale", *where)
        wait_until(lambda: is_whole(installation, INFRASTRUCTURE, GATEWAY, replicas), 60, f"{replicas} gateways")

    scale(2)
    yield
    scale(1)


@pytest.mark.usefixtures("two_gateways")
def test_evictions_in_mid_rollout_cost_no_request_and_the_rollout_goes_on(installation: Installation) -> None:
    installation.apply_policy(NAME, 5, "0.02", (25, 50))
    summaries: dict[str, dict[str, Any]] = {}
    with installation.load() as summaries["operator"]:
        installation.wait_for(NAME, lambda status: status.get("weight", 0) >= 25, VERDICT_SECONDS, "25 %")
        before = installation.operator_pods()
        for name in before:
            evict(installation, RELEASE_NAMESPACE, name)
        wait_until(lambda: before.keys().isdisjoint(all_pods(installation, RELEASE_NAMESPACE)), 60, "it to end")
        wait_until(lambda: installation.operator_is_ready(beside=before), 60, "another Pod of the operator")
    for namespace, app in ((TEAM, SERVER), (INFRASTRUCTURE, GATEWAY)):
        with installation.load() as summaries[app]:
            evicted = pods_of(installation, namespace, app)[0]
            evict(installation, namespace, evicted)
            wait_until(lambda e=evicted, n=namespace, a=app: e not in pods_of(installation, n, a), 60, "it to end")  # type: ignore[misc]
            wait_until(lambda n=namespace, a=app: is_whole(installation, n, a), 60, "another to be ready")  # type: ignore[misc]
    with installation.load() as summaries["verdict"]:
        installation.wait_for(NAME, lambda status: status.get("phase") == "Promoted", VERDICT_SECONDS, "promoted")
    print(json.dumps(summaries), *installation.events(NAME), sep="\n")
    installation.delete_policy(NAME)
    installation.delete_verdicts(NAME)
    lost = {name: each for name, each in summaries.items() if each["failed"] or not each["ok"]}
    assert not lost
