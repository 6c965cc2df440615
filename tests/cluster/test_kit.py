"""The cluster kit keeps its promises: what the other tests stand on is real."""

from __future__ import annotations

import asyncio
import collections
import subprocess
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, start_http_server

from earlystop.controller.cluster import CONFIG_MAPS
from tests.cluster.access import Access
from tests.cluster.commands import NODE
from tests.cluster.errors import ClusterError
from tests.cluster.gateway import GATEWAY, Gateway
from tests.cluster.kit import Cluster, use_or_start
from tests.cluster.network import NODE_ADDRESS, POD_ADDRESS
from tests.cluster.processes import PATIENCE, wait_until
from tests.cluster.prometheus import Prometheus
from tests.turns import Turns

NODE_UID = ("get", "nodes", "--output=jsonpath={.items[*].metadata.uid}")

PORT = 8080
EXACT_IN_A_ROW, MOST_DEALS = 4, 40
NEW_KIND = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.dev"},
    "spec": {
        "group": "example.dev",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}


def deployment(namespace: str, replicas: int) -> dict[str, Any]:
    labels = {"app": "server"}
    container = {"name": "server", "image": "nothing-is-run", "ports": [{"containerPort": PORT}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def service(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": PORT}]},
    }


def weighted_route(namespace: str, weights: dict[str, int]) -> dict[str, Any]:
    def backend(name: str, weight: int) -> dict[str, Any]:
        modifier = {"set": [{"name": "x-variant", "value": name}]}
        filters = [{"type": "RequestHeaderModifier", "requestHeaderModifier": modifier}]
        return {"name": name, "port": 80, "weight": weight, "filters": filters}

    rule = {"backendRefs": [backend(name, weight) for name, weight in weights.items()]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "server", "namespace": namespace},
        "spec": {"parentRefs": [{"name": GATEWAY, "namespace": "default"}], "rules": [rule]},
    }


def addresses(cluster: Cluster, namespace: str, name: str) -> list[str]:
    """The ready addresses that the EndpointSlices of a Service hold."""
    selector = f"--selector=kubernetes.io/service-name={name}"
    slices = cluster.access.get("endpointslices", f"--namespace={namespace}", selector)["items"]
    endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or []]
    return [address for each in endpoints if each["conditions"]["ready"] for address in each["addresses"]]


def test_a_deployment_becomes_ready_at_the_address_of_hollow_pods(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(deployment(namespace, replicas=2), service(namespace, "server"))
    wait_until(lambda: len(addresses(cluster, namespace, "server")) == 2, 30, "two endpoints")
    assert addresses(cluster, namespace, "server") == [POD_ADDRESS, POD_ADDRESS]

    def ready() -> int:
        found = cluster.access.get("deployment/server", f"--namespace={namespace}")["status"]
        return int(found.get("readyReplicas", 0))

    # Controllers of their own write the endpoints and the status.
    wait_until(lambda: ready() == 2, 30, "the Deployment to say so")


async def test_weights_give_exact_shares_each_with_its_own_header(
    cluster: Cluster, gateway: Gateway, namespace: str
) -> None:
    weights = {"baseline": 90, "candidate": 10}
    cluster.access.apply(deployment(namespace, replicas=2), *(service(namespace, name) for name in weights))
    wait_until(lambda: all(len(addresses(cluster, namespace, name)) == 2 for name in weights), 30, "endpoints")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.headers.get("x-variant", "none"))

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, POD_ADDRESS, PORT).start()
    try:
        cluster.access.apply(weighted_route(namespace, weights))
        # Traefik begins its cycle anew when another namespace's objects change, as those of an earlier test's do.
        # By lot one is exact in 1 of 11 times, and so many in a row are among all of these in fewer than 1 of 300 runs.
        turns, in_a_row = Turns(MOST_DEALS), 0
        while in_a_row < EXACT_IN_A_ROW and turns.another():
            seen = await shares(gateway.url, requests=200)
            in_a_row = in_a_row + 1 if seen == {"baseline": 180, "candidate": 20} else 0
    finally:
        await runner.cleanup()
    assert in_a_row == EXACT_IN_A_ROW


async def shares(url: str, requests: int) -> collections.Counter[str]:
    """Which variant answered how often, counted from the first request that finds the route in force."""
    forged = {"x-variant": "forged"}
    async with aiohttp.ClientSession(headers=forged) as session:
        deadline = time.monotonic() + 30 * PATIENCE
        while True:
            async with session.get(url) as response:
                if response.status == 200:
                    break
            assert time.monotonic() < deadline, "the route has not come into force"
            await asyncio.sleep(0.05)
        seen: collections.Counter[str] = collections.Counter()
        for _ in range(requests):
            async with session.get(url) as response:
                response.raise_for_status()
                seen[await response.text()] += 1
    return seen


def test_restarted_controllers_collect_what_an_object_of_a_new_kind_owns(cluster: Cluster, namespace: str) -> None:
    where = f"--namespace={namespace}"
    cluster.access.apply(NEW_KIND)
    cluster.access.kubectl("wait", "--for=condition=Established", "crd/things.example.dev")
    cluster.control_plane.restart_controllers()
    thing = {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": "owner", "namespace": namespace}}
    cluster.access.apply(thing)
    uid = cluster.access.get("thing/owner", where)["metadata"]["uid"]
    owner = {"apiVersion": "example.dev/v1", "kind": "Thing", "name": "owner", "uid": uid}
    metadata = {"name": "owned", "namespace": namespace, "ownerReferences": [owner]}
    cluster.access.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    cluster.access.kubectl("delete", "thing/owner", where)
    # Well below the 30 s after which the controllers would have learned of the kind by themselves.
    wait_until(lambda: cluster.access.find(CONFIG_MAPS, namespace, "owned") is None, 20, "the collection")
    cluster.access.kubectl("delete", "crd/things.example.dev")


@pytest.mark.parametrize("abruptly", [False, True])
def test_objects_survive_a_restart_of_the_api_server(cluster: Cluster, namespace: str, abruptly: bool) -> None:
    where = f"--namespace={namespace}"
    cluster.access.kubectl("create", "configmap", "kept", where, "--from-literal=key=value")
    cluster.control_plane.stop_api_server(abruptly=abruptly)
    with pytest.raises(ClusterError, match="refused"):
        cluster.access.get("configmap/kept", where)
    cluster.control_plane.start_api_server()
    assert cluster.access.get("configmap/kept", where)["data"] == {"key": "value"}


def test_a_service_account_may_do_only_what_its_role_grants(cluster: Cluster, namespace: str) -> None:
    where = f"--namespace={namespace}"
    cluster.access.kubectl("create", "serviceaccount", "reader", where)
    cluster.access.kubectl("create", "role", "reader", where, "--verb=get", "--resource=configmaps")
    bound = f"--serviceaccount={namespace}:reader"
    cluster.access.kubectl("create", "rolebinding", "reader", where, "--role=reader", bound)
    reader = Access(cluster.access.service_account_kubeconfig(namespace, "reader"), cluster.access.directory)
    cluster.access.kubectl("create", "configmap", "readable", where)

    def may_read() -> bool:
        try:
            return "readable" in reader.kubectl("get", "configmap/readable")
        except ClusterError:
            return False  # the authorizer learns of a role a moment after it was made

    wait_until(may_read, 30, "the role")
    for refused in (("delete", "configmap/kube-root-ca.crt"), ("get", "secrets")):
        with pytest.raises(ClusterError, match="forbidden"):
            reader.kubectl(*refused)


def test_prometheus_keeps_its_data_over_an_outage_and_follows_its_targets(prometheus: Prometheus) -> None:
    registry = CollectorRegistry()
    Counter("answers", "Answers.", registry=registry).inc(42)
    servers = [start_http_server(port, NODE_ADDRESS, registry) for port in (9500, 9501)]
    try:
        labels = {"first": {"namespace": "llm"}}
        prometheus.start({"first": [f"{NODE_ADDRESS}:9500"]}, "200ms", labels=labels)
        (series,) = prometheus.query("answers_total")
        assert series["metric"]["job"] == "first"
        assert series["metric"]["namespace"] == "llm"
        assert series["value"][1] == "42"
        before = time.time()
        prometheus.stop()
        prometheus.start({"second": [f"{NODE_ADDRESS}:9501"]})
        assert [each["metric"]["job"] for each in prometheus.query("answers_total", at=before)] == ["first"]
        prometheus.set_targets({"third": [f"{NODE_ADDRESS}:9500"]})
        prometheus.wait_up()
        assert "third" in {each["metric"]["job"] for each in prometheus.query("answers_total")}
    finally:
        for server, thread in servers:
            server.shutdown()
            server.server_close()
            thread.join()


def test_the_api_server_that_kubeconfig_names_is_used_instead_of_an_own(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.access.kubeconfig))
    with use_or_start() as other:
        assert other.access.url == cluster.access.url
        assert other.access.kubectl(*NODE_UID) == cluster.access.kubectl(*NODE_UID)
        with pytest.raises(ClusterError, match="unset KUBECONFIG"):
            _ = other.control_plane


def test_the_shell_command_leads_another_terminal_into_the_cluster(cluster: Cluster) -> None:
    # This process already is in the user namespace, if there is one, that another terminal would have to enter.
    command = cluster.shell_command().replace("--user --preserve-credentials ", "")
    shell = subprocess.run(
        ["bash", "-c", command], input="kubectl get nodes --output=name", capture_output=True, text=True, check=True
    )
    assert shell.stdout == f"node/{NODE}\n"
