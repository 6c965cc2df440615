"""What the operator makes for an agentgateway is taken by a real API server, also by the definition of the kind that
agentgateway publishes, and its token makes nothing else of that kind: by the admission policies that the chart ships
with gatewayBody.enabled."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.body_knobs import KNOBS, Engine, Knob
from earlystop.api.conditions import Refusal
from earlystop.delivery.agentgateway import KIND
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import preflight
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.rollout.unsupported import unwritable_fields
from tests.cluster.errors import ClusterError
from tests.cluster.gateways_objects import NUMBER, TRIED, TYPES, admitted, take
from tests.cluster.kinds_of_others import agentgateways_kind
from tests.cluster.kit import Cluster
from tests.cluster.packaging import objects, template
from tests.cluster.processes import wait_until
from tests.unit.delivery.cluster import exact, inputs, rule
from tests.unit.rollout.policies import policy

PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
PROVIDER = ("spec", "ai", "provider", "custom")
REFUSED: dict[str, tuple[tuple[str, ...], Any]] = {
    "another Service": ((*PROVIDER, "backendRef", "name"), "database"),
    "a credential": (("spec", "policies", "auth"), {"passthrough": {}}),
    "no mark of its own": (("metadata", "labels"), {}),
}


def rendered(engine: Engine, knob: Knob, path: str) -> list[dict[str, Any]]:
    """The objects for a policy with this knob, none where a gateway cannot write it."""
    own = {"routeRef": {"name": "qa"}, "gateway": "AgentGateway", "engine": engine.value}
    value = TRIED.get(knob, "128")
    found = policy(
        {
            "parameters": [{"name": "it", **TYPES.get(knob, NUMBER), "body": {"knob": knob.value}}],
            "baseline": {"values": []},
            "candidates": [{"name": "w10", "values": [{"name": "it", "value": value}]}],
            "delivery": {"gatewayHeader": None, "mode": "GatewayBody", "gatewayBody": own, "paths": [path]},
        }
    )
    if unwritable_fields(found) is not None:
        return []
    here = inputs(rule(exact(path)), spec=found)
    wanted = TrafficSplit("r", 1, (VariantWeight("baseline", 50, ()), VariantWeight("w10", 50, (("it", value),))))
    refusal = preflight(here, wanted)
    assert not isinstance(refusal, Refusal), refusal
    return list(mode_of(found.delivery).render(here, wanted).objects)


def all_rendered() -> list[dict[str, Any]]:
    every = [rendered(engine, knob, path) for engine in Engine for knob in KNOBS[engine] for path in PATHS]
    return [each for made in every for each in made if each["kind"] in (KIND, "HTTPRoute")]


def one() -> dict[str, Any]:
    return next(each for each in rendered(Engine.VLLM, Knob.ANSWER_CAP, PATHS[0]) if each["kind"] == KIND)


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["strict", "published"])
def shipped(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[None]:
    """The admission policies, and the kind: by a strict definition of the tests' own, then as it is published."""
    policies = [
        each
        for each in objects(template("--set=gatewayBody.enabled=true"))
        if each["kind"].startswith("ValidatingAdmission")
        and each["metadata"]["name"].endswith(("-gateway-objects", "-own-objects"))
    ]
    assert len(policies) == 4
    cluster.access.apply(*policies)
    with agentgateways_kind(cluster.access, is_published=request.param):
        # A new policy is in force a moment after it is stored.
        wait_until(lambda: not admitted(cluster, "default", changed(*REFUSED["another Service"])), 60, "the first")
        wait_until(lambda: not admitted(cluster, "default", changed(*REFUSED["no mark of its own"])), 60, "the second")
        yield
    for each in policies:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(one())
    holder = manifest
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return manifest


def test_every_object_for_every_engine_is_taken_from_the_operators_own_account(
    cluster: Cluster, namespace: str
) -> None:
    made = all_rendered()
    assert len([each for each in made if each["kind"] == KIND]) >= 30
    take(cluster, namespace, made)


@pytest.mark.parametrize("what", REFUSED)
def test_the_operators_token_makes_no_other(cluster: Cluster, namespace: str, what: str) -> None:
    assert admitted(cluster, namespace, one())
    assert not admitted(cluster, namespace, changed(*REFUSED[what]))


def test_the_definition_itself_takes_no_format_and_no_field_that_it_does_not_know(
    cluster: Cluster, namespace: str
) -> None:
    with pytest.raises(ClusterError, match="Unsupported value"):
        take(cluster, namespace, [changed((*PROVIDER, "formats"), [{"type": "Completion", "path": PATHS[0]}])])
    with pytest.raises(ClusterError, match="unknown field"):
        take(cluster, namespace, [changed((*PROVIDER, "backend"), {})])
