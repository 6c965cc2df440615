"""A real gateway brings a server the same paths by an overlay as by the user's own rule that rewrites them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from functools import partial
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.delivery.gateway_header import render
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.demo import manifests
from tests.cluster.echoing import PATH, echoing
from tests.cluster.gateway import GATEWAY, Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.processes import wait_until
from tests.unit.delivery.cluster import objects

PORT = 8127
VARIANT = "x-early-stop-variant"
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
SHARE = TrafficSplit(
    "5f3a9c",
    1,
    (VariantWeight("baseline", 50, (("window", "40"),)), VariantWeight("candidate", 50, (("window", "1"),))),
)
FORMS: dict[str, tuple[str, dict[str, str], tuple[str, ...], tuple[str, ...]]] = {
    "root": (
        "/qa",
        {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"},
        (f"/qa{CHAT}", f"/qa{TEXT}"),
        ("/qa", "/qa/", "/qa/v1/models"),
    ),
    "slash": (
        "/smart/",
        {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"},
        (f"/smart{CHAT}", f"/smart{TEXT}?a=1"),
        ("/smart/v1/models",),
    ),
    "version": (
        "/qa",
        {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1"},
        ("/qa/chat/completions", "/qa/completions?a=b&c=%20d"),
        ("/qa/models",),
    ),
    "longer": (
        "/",
        {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/engine/"},
        (CHAT, TEXT),
        ("/v1/models",),
    ),
    "one": (
        "/ask",
        {"type": "ReplacePrefixMatch", "replacePrefixMatch": CHAT},
        ("/ask", "/ask?a=1"),
        ("/ask/more",),
    ),
    "full": (
        "/tell",
        {"type": "ReplaceFullPath", "replaceFullPath": CHAT},
        ("/tell", f"/tell{CHAT}"),
        ("/tell/anything",),
    ),
}
"""By name: a prefix and what is made of it, requests that are the overlay's, and requests past it."""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def seen(gateway: Gateway, host: str, path: str) -> dict[str, str]:
    """What the server was sent for a POST, {} while the gateway does not serve the host."""
    headers = {"Host": host, "Content-Type": "application/json"}
    try:
        with _direct.open(urllib.request.Request(gateway.url + path, b"{}", headers), timeout=10) as answer:
            found: dict[str, str] = json.loads(answer.read())
    except urllib.error.HTTPError:
        return {}
    return found


def tells(gateway: Gateway, host: str, path: str, what: str) -> bool:
    """Whether the server was sent this."""
    return what in seen(gateway, host, path)


def objects_of(namespace: str, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The user's route of a form, and what the operator would write for a policy on it, without an owner."""
    prefix, rewrite, _, _ = FORMS[name]
    deployment, service = manifests.service(namespace, PORT, replicas=0)
    route = manifests.route(namespace, f"{name}.rewritten.example.com", GATEWAY, "default")
    route["metadata"]["name"] = name
    (rule,) = route["spec"]["rules"]
    rule["matches"] = [{"path": {"type": "PathPrefix", "value": prefix}}]
    rule["filters"] = [{"type": "URLRewrite", "urlRewrite": {"path": rewrite}}]
    spec = manifests.policy(namespace, name, "none", 1, "0.02")["spec"]
    spec["delivery"]["gatewayHeader"]["routeRef"]["name"] = name
    known = {**service, "metadata": {**service["metadata"], "uid": "none"}}
    found = objects(namespace=namespace, deployment=deployment, route=route, services={"qa": known})
    written = render(ClusterInputs(namespace, name, "none", PolicySpec.model_validate(spec), found), SHARE).objects
    for each in written:
        del each["metadata"]["ownerReferences"]
    return route, list(written)


def test_paths_come_to_the_server_as_by_the_users_own_rule(cluster: Cluster, gateway: Gateway, namespace: str) -> None:
    made = {name: objects_of(namespace, name) for name in FORMS}
    service = manifests.service(namespace, PORT, replicas=0)
    endpoints = manifests.endpoints(namespace, own_address(), PORT)
    with echoing(own_address(), PORT):
        cluster.access.apply(*service, *endpoints, *(route for route, _ in made.values()))
        before: dict[tuple[str, str], str] = {}
        for name, (_, _, of_overlay, past) in FORMS.items():
            host = f"{name}.rewritten.example.com"
            wait_until(partial(tells, gateway, host, of_overlay[0], PATH), 60, f"{name} to serve")
            before |= {(name, path): seen(gateway, host, path)[PATH] for path in (*of_overlay, *past)}
        written = {each["metadata"]["name"]: each for _, found in made.values() for each in found}
        cluster.access.apply(*written.values())
        for name, (_, _, of_overlay, past) in FORMS.items():
            host = f"{name}.rewritten.example.com"
            for path in of_overlay:
                wait_until(partial(tells, gateway, host, path, VARIANT), 60, f"the overlay for {name}")
                variants = set()
                for _ in range(20):
                    found = seen(gateway, host, path)
                    variants.add(found[VARIANT])
                    assert found[PATH] == before[name, path], (name, path)
                assert variants == {"baseline", "candidate"}, (name, path)
            for path in past:
                found = seen(gateway, host, path)
                assert VARIANT not in found and found[PATH] == before[name, path], (name, path)
