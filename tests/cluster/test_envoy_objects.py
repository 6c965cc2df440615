"""What the operator makes for an Envoy AI Gateway is taken by a real API server, by the definitions that it and Envoy
Gateway publish, and the operator's token makes nothing else of these kinds: by the admission policies that the chart
ships with gatewayBody.enabled."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.body_knobs import KNOBS, Engine, Knob
from earlystop.api.conditions import Refusal
from earlystop.delivery.drift import matches_desired
from earlystop.delivery.envoy_ai_gateway import AI_BACKEND, BACKEND, ROUTE
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import preflight
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.rollout.unsupported import unwritable_fields
from tests.cluster.errors import ClusterError
from tests.cluster.gateways_objects import NUMBER, OPERATOR, TRIED, TYPES, admitted, take
from tests.cluster.kinds_of_others import kinds_of_envoy
from tests.cluster.kit import Cluster
from tests.cluster.packaging import objects, template
from tests.cluster.processes import wait_until
from tests.unit.delivery.body_policies import behind_envoy
from tests.unit.delivery.cluster import exact, gateway, rule
from tests.unit.rollout.policies import policy

PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
KINDS = (BACKEND, AI_BACKEND, ROUTE)
REFUSED: dict[str, tuple[str, tuple[str, ...], Any]] = {
    "an injector's Backend to elsewhere": (
        "Backend qa-es-injector",
        ("spec", "endpoints"),
        [{"fqdn": {"hostname": "database.llm.svc", "port": 80}}],
    ),
    "a Backend by a socket": (
        "Backend qa-es-w10-body",
        ("spec", "endpoints"),
        [{"unix": {"path": "/var/run/some.sock"}}],
    ),
    "several endpoints": (
        "Backend qa-es-w10-body",
        ("spec", "endpoints"),
        [{"ip": {"address": "10.0.0.1", "port": 80}}, {"ip": {"address": "10.0.0.2", "port": 80}}],
    ),
    "a backend to no injector": ("AIServiceBackend qa-es-w10-body", ("spec", "backendRef", "name"), "theirs"),
    "a header": (
        "AIServiceBackend qa-es-w10-body",
        ("spec", "headerMutation"),
        {"set": [{"name": "authorization", "value": "Bearer stolen"}]},
    ),
    "users' hosts": ("AIGatewayRoute qa-es-w10-body", ("spec", "hostnames"), ["qa.example.com"]),
    "requests without the mark": (
        "AIGatewayRoute qa-es-w10-body",
        ("spec", "rules"),
        [
            {
                "matches": [{"headers": [{"name": "x-ai-eg-model", "value": "m"}]}],
                "backendRefs": [{"name": "qa-es-w10-body"}],
            }
        ],
    ),
    "another's backend": (
        "AIGatewayRoute qa-es-w10-body",
        ("spec", "rules"),
        [
            {
                "matches": [{"headers": [{"name": "x-early-stop-inner", "value": "m"}]}],
                "backendRefs": [{"name": "theirs"}],
            }
        ],
    ),
    "no mark": ("AIGatewayRoute qa-es-w10-body", ("metadata", "labels"), {}),
    "no mark on a Backend": ("Backend qa-es-injector", ("metadata", "labels"), {}),
}


def rendered(engine: Engine, knob: Knob, path: str, **more: Any) -> list[dict[str, Any]]:
    """The objects for a policy with this knob, none where the gateway cannot write it."""
    own = {"routeRef": {"name": "qa"}, "gateway": "EnvoyAIGateway", "engine": engine.value}
    value = TRIED.get(knob, "128")
    body = {"knob": knob.value, "apply": "Always"}
    found = policy(
        {
            "parameters": [{"name": "it", **TYPES.get(knob, NUMBER), "body": body}],
            "baseline": {"values": []},
            "candidates": [{"name": "w10", "values": [{"name": "it", "value": value}]}],
            "delivery": {"gatewayHeader": None, "mode": "GatewayBody", "gatewayBody": own, "paths": [path]},
        }
    )
    if unwritable_fields(found) is not None:
        return []
    observed = behind_envoy(rule(exact(path), timeouts={"request": "300s"}), spec=found, **more)
    wanted = TrafficSplit("r", 1, (VariantWeight("baseline", 50, ()), VariantWeight("w10", 50, (("it", value),))))
    refusal = preflight(observed, wanted)
    assert not isinstance(refusal, Refusal), refusal
    return list(mode_of(found.delivery).render(observed, wanted).objects)


def every() -> list[dict[str, Any]]:
    found = [rendered(engine, knob, path) for engine in Engine for knob in KNOBS[engine] for path in PATHS]
    return [each for made in found for each in made if each["kind"] in (*KINDS, "HTTPRoute")]


def of_one(namespace: str) -> dict[str, dict[str, Any]]:
    """What is made for one policy, by kind and name."""
    made = rendered(Engine.OPENAI, Knob.ANSWER_CAP, PATHS[0])
    text = json.dumps([each for each in made if each["kind"] in KINDS]).replace(".llm.svc", f".{namespace}.svc")
    return {f"{each['kind']} {each['metadata']['name']}": each for each in json.loads(text)}


def changed(namespace: str, name: str, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(of_one(namespace)[name])
    holder = manifest
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return manifest


@pytest.fixture(scope="module", autouse=True)
def shipped(cluster: Cluster) -> Iterator[None]:
    """The admission policies, and the kinds as they are published."""
    policies = [
        each
        for each in objects(template("--set=gatewayBody.enabled=true"))
        if each["kind"].startswith("ValidatingAdmission")
        and each["metadata"]["name"].endswith(("-envoy-objects", "-own-objects"))
    ]
    assert len(policies) == 4
    cluster.access.apply(*policies)
    with kinds_of_envoy(cluster.access):
        # A new policy is in force a moment after it is stored.
        wait_until(lambda: not admitted(cluster, "default", changed("default", *REFUSED["users' hosts"])), 60, "one")
        wait_until(lambda: not admitted(cluster, "default", changed("default", *REFUSED["no mark"])), 60, "the other")
        yield
    for each in policies:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def test_every_object_for_every_engine_is_taken_from_the_operators_own_account(
    cluster: Cluster, namespace: str
) -> None:
    made = json.loads(json.dumps(every()).replace(".llm.svc", f".{namespace}.svc"))
    assert len([each for each in made if each["kind"] == AI_BACKEND]) >= 10
    assert {json.dumps(each["spec"].get("bodyMutation")) for each in made if each["kind"] == AI_BACKEND} > {"null"}
    take(cluster, namespace, made)


@pytest.mark.parametrize("what", REFUSED)
def test_the_operators_token_makes_no_other(cluster: Cluster, namespace: str, what: str) -> None:
    name = REFUSED[what][0]
    assert admitted(cluster, namespace, of_one(namespace)[name])
    assert not admitted(cluster, namespace, changed(namespace, *REFUSED[what]))


def test_what_the_server_stores_is_what_is_desired(cluster: Cluster, namespace: str) -> None:
    """Defaults that the definitions fill in are no drift, or the operator would write the objects again and again."""
    for each in of_one(namespace).values():
        metadata = {key: value for key, value in each["metadata"].items() if key != "ownerReferences"}
        whole = {**each, "metadata": {**metadata, "namespace": namespace}}
        answer = cluster.access.kubectl(
            *("create", "--dry-run=server", "--output=json", "--filename=-", *OPERATOR), input=json.dumps(whole)
        )
        assert matches_desired(json.loads(answer), whole), (each["kind"], answer)


def test_a_gateway_whose_address_is_a_name_is_taken_too(cluster: Cluster, namespace: str) -> None:
    named = {"gateways": {("llm", "edge"): gateway(address="lb.example.com")}}
    made = rendered(Engine.OPENAI, Knob.ANSWER_CAP, PATHS[0], **named)
    ways = [each for each in made if each["kind"] == BACKEND and each["metadata"]["name"].endswith("-body")]
    take(cluster, namespace, ways)


def test_the_definitions_themselves_take_no_field_and_no_kind_of_backend_that_they_do_not_know(
    cluster: Cluster, namespace: str
) -> None:
    name = "AIServiceBackend qa-es-w10-body"
    with pytest.raises(ClusterError, match="unknown field"):
        take(cluster, namespace, [changed(namespace, name, ("spec", "bodyMutations"), {})])
    with pytest.raises(ClusterError, match="BackendRef must be a Backend"):
        take(cluster, namespace, [changed(namespace, name, ("spec", "backendRef", "kind"), "Service")])
    route = changed(namespace, "AIGatewayRoute qa-es-w10-body", ("spec", "rules"), [{}] * 16)
    with pytest.raises(ClusterError, match="Too many"):
        take(cluster, namespace, [route])
