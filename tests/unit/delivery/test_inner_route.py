"""An InferencePool behind an injector: a request goes round by the gateway once, and ends at the pool.

Which rule a request meets is asked of a gateway that was written after Gateway API's text, for these tests alone.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.api.wire import ENGINE_PAGES, INNER_HEADER
from earlystop.delivery.alias_service import fixed_refusal
from earlystop.delivery.injector.inner_route import inner_route, mark_of
from earlystop.delivery.inputs import (
    INFERENCE_POOL,
    ClusterInputs,
    Manifest,
    Neighbours,
)
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.overlay import with_rules
from earlystop.delivery.preflight import preflight
from earlystop.delivery.request_body import MODE, owned_names
from earlystop.delivery.routes.neighbours import neighbour_route
from tests.unit.delivery.before_a_pool import CHAT, HALF, POOL, ROUTES, TO_POOL, here, pool
from tests.unit.delivery.cluster import exact, gateway, inputs, prefix, rule, spec_in
from tests.unit.delivery.gateway_model import Asked, Entry, GatewayModel, Reading
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import policy

AT = ("llm", "edge", 8000)
HOST = "probe.example"
READINGS = [Reading(*each) for each in product((False, True), (False, True), (False, True))]


def refusal(found: ClusterInputs) -> Refusal:
    refused = preflight(found, HALF)
    assert refused is not None
    return refused


def met(found: ClusterInputs, asked: Asked, reading: Reading, *others: Manifest) -> Entry | None:
    """The match that a request meets, beside the user's route. others: routes of the operator's."""
    assert found.route is not None
    return GatewayModel([gateway()], [found.route, *others], {"llm": {}}, reading).route(asked)


def backends(entry: Entry | None) -> set[str]:
    return set() if entry is None else {each["name"] for each in entry.rule["backendRefs"]}


def routes(found: ClusterInputs) -> list[Manifest]:
    return [each for each in MODE.render(found, HALF).objects if each["kind"] == "HTTPRoute"]


def users_request(matches: list[dict[str, Any]]) -> Asked:
    """A request of a user's that meets them."""
    sent = {each["name"]: each["value"] for match in matches for each in match.get("headers", [])}
    return Asked(AT, HOST, CHAT, headers={**sent, "content-type": "application/json"})


# The way of a request


@every_row("matches", ROUTES.values())
@every_row("reading", READINGS)
def test_a_request_goes_to_the_injector_first_and_with_the_mark_to_the_pool(
    matches: list[dict[str, Any]], reading: Reading
) -> None:
    found = here(matches)
    assert preflight(found, HALF) is None
    inner, overlay = routes(found)
    users = users_request(matches)
    first = met(found, users, reading, inner, overlay)
    assert backends(first) == {f"{POOL}-es-{variant}-injected" for variant in ("baseline", "candidate")}
    marked = replace(users, headers={**users.headers, INNER_HEADER: mark_of(found.uid)})
    second = met(found, marked, reading, inner, overlay)
    assert second is not None and second.rule["backendRefs"] == [{**TO_POOL, "weight": 1}]
    assert second.rule["filters"][0]["responseHeaderModifier"]["set"] == [
        {"name": INNER_HEADER, "value": mark_of(found.uid)}
    ]


@pytest.mark.parametrize("reading", READINGS)
def test_what_an_injector_asks_of_the_engine_comes_to_the_pool_too_also_before_there_is_an_overlay(
    reading: Reading,
) -> None:
    found = here()
    for path in ENGINE_PAGES:
        asked = Asked(AT, HOST, path, method="GET", headers={INNER_HEADER: mark_of(found.uid)})
        assert backends(met(found, asked, reading, inner_route(found))) == {POOL}
        assert met(found, replace(asked, headers={}), reading, inner_route(found)) is None


@pytest.mark.parametrize("reading", READINGS)
def test_without_the_overlay_all_goes_to_the_pool_with_the_mark_or_without_it(reading: Reading) -> None:
    found = here()
    inner = inner_route(found)
    for sent in ({}, {INNER_HEADER: mark_of(found.uid)}, {INNER_HEADER: "forged"}):
        asked = users_request(ROUTES["a prefix"])
        asked = replace(asked, headers={**asked.headers, **sent})
        assert backends(met(found, asked, reading, inner)) == {POOL}
        assert backends(met(found, asked, reading)) == {POOL}


def test_a_forged_mark_does_not_lead_past_the_overlay() -> None:
    found = here()
    asked = users_request(ROUTES["a prefix"])
    asked = replace(asked, headers={**asked.headers, INNER_HEADER: mark_of("another policy")})
    assert POOL not in backends(met(found, asked, READINGS[0], *routes(found)))


# What is made


def test_the_injector_sends_to_the_gateways_own_address_with_the_mark() -> None:
    found = here()
    (deployment,) = (each for each in MODE.render(found, HALF).objects if each["kind"] == "Deployment")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--upstream=http://10.1.2.3:8000" in arguments and f"--inner-mark={mark_of(found.uid)}" in arguments
    assert not [each for each in arguments if each.startswith("--upstream-host=")], "any host will do"
    named = replace(found, objects={**found.objects, ObjectKey("HTTPRoute", "llm", "qa"): with_hosts(found, "qa.io")})
    (deployment,) = (each for each in MODE.render(named, HALF).objects if each["kind"] == "Deployment")
    assert "--upstream-host=qa.io" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]


def with_hosts(found: ClusterInputs, *hosts: str) -> Manifest:
    assert found.route is not None
    return {**found.route, "spec": {**found.route["spec"], "hostnames": list(hosts)}}


def test_the_inner_route_stands_first_is_named_beforehand_and_goes_with_the_policy() -> None:
    found = here()
    objects = MODE.render(found, HALF).objects
    assert objects[0]["metadata"]["name"] == "qa-early-stop-inner" and objects[-1]["kind"] == "HTTPRoute"
    named = owned_names(found, ["candidate"])
    for each in objects:
        owners = each["metadata"]["ownerReferences"]
        assert owners[0]["uid"] == found.uid and (each["kind"], each["metadata"]["name"]) in named
        assert fixed_refusal(None, each) is None
    keepers = [owner for each in objects for owner in each["metadata"]["ownerReferences"][1:]]
    assert {(each["apiVersion"], each["kind"], each["uid"]) for each in keepers} == {
        ("inference.networking.k8s.io/v1", INFERENCE_POOL, "pool-uid")
    }


def test_its_timeouts_are_the_users_and_its_filters_are_not() -> None:
    mirror = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "x-a", "value": "1"}]}}
    found = here(rule={"timeouts": {"request": "300s"}, "filters": [mirror]})
    for each in inner_route(found)["spec"]["rules"]:
        assert each["timeouts"] == {"request": "300s"} and mirror not in each["filters"]


def test_its_own_inner_route_is_no_neighbour_that_takes_its_requests() -> None:
    found = here(ROUTES["everything"])
    inner = inner_route(found)
    inner = {**inner, "metadata": {**inner["metadata"], "namespace": "llm"}}
    beside = Neighbours(routes=(neighbour_route(inner, "HTTPRoute", found.gateways),))
    assert preflight(replace(found, neighbours=beside), HALF) is None
    stranger = with_rules(inner, inner["spec"]["rules"])
    stranger["metadata"] = {**inner["metadata"], "name": "stranger"}
    beside = Neighbours(routes=(neighbour_route(stranger, "HTTPRoute", found.gateways),))
    assert refusal(replace(found, neighbours=beside)).reason == "RouteOverlaps"


def test_it_leaves_the_gateway_with_the_overlay_and_when_the_route_leads_to_a_service_again() -> None:
    found = here()
    found = found.with_objects(MODE.render(found, HALF).objects)
    assert [each["metadata"]["name"] for each in MODE.detached(found)] == ["qa-early-stop", "qa-early-stop-inner"]
    assert not any(each["spec"].get("parentRefs") for each in MODE.detached(found))
    by_service = inputs(rule(prefix("/v1")), spec=found.spec)
    again = replace(by_service, inference_pools=True).with_objects(routes(found))
    inner, overlay = routes(again)
    assert inner["metadata"]["name"] == "qa-early-stop-inner" and not inner["spec"].get("parentRefs")
    assert overlay["spec"]["parentRefs"]


# Where nothing is made


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        (replace(here(), inference_pools=False), "BackendKindUnfit", "inferencePools.enabled"),
        (here(found=pool(app="other")), "RouteMissesTarget", "selector does not take in the Pods"),
        (
            here(gateways={("llm", "edge"): gateway({"name": "tls", "protocol": "HTTPS", "port": 443})}),
            "UpstreamUnfit",
            "no http listener",
        ),
        (here(gateways={("llm", "edge"): gateway(address=None)}), "UpstreamUnfit", "no http listener"),
        (
            here(
                [exact(CHAT)],
                rule={
                    "filters": [
                        {
                            "type": "URLRewrite",
                            "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/x"}},
                        }
                    ]
                },
            ),
            "UpstreamUnfit",
            "rewrites paths",
        ),
    ],
    ids=["not allowed", "other Pods", "no plain http", "no address", "rewritten"],
)
def test_a_pool_that_no_injector_can_lead_to_is_refused_with_what_to_write(
    found: ClusterInputs, reason: str, words: str
) -> None:
    refused = refusal(found)
    assert refused.reason == reason and words in refused.message


def test_a_pool_that_is_missing_is_told_so() -> None:
    found = here()
    without = {key: each for key, each in found.objects.items() if key.kind != INFERENCE_POOL}
    assert refusal(replace(found, objects=without)).reason == "PoolNotFound"
    assert ObjectKey(INFERENCE_POOL, "llm", POOL) in MODE.objects_needed(replace(found, objects=without))


def test_a_pool_is_told_of_though_another_rule_leads_to_another_name_for_a_host() -> None:
    elsewhere = {"metadata": {"name": "other"}, "spec": {"type": "ExternalName", "externalName": "llm.example"}}
    to_host = {"matches": [prefix("/")], "backendRefs": [{"name": "other", "port": 443}]}
    to_pool = {"matches": [prefix("/v1")], "backendRefs": [TO_POOL]}
    found = inputs(to_host, to_pool, spec=spec_in("GatewayHeader"), services={"other": elsewhere})
    assert refusal(found).reason == "BackendKindUnfit" and POOL in refusal(found).message


def test_modes_without_an_injector_or_with_one_that_draws_lead_to_no_pool() -> None:
    drawn = {"routeRef": {"name": "qa"}, "engine": "VLLM", "split": "Injector"}
    delivery = {"gatewayHeader": None, "mode": "RequestBody", "requestBody": drawn}
    by_injector = policy({**spec_changes(), "delivery": delivery})
    for spec in (spec_in("GatewayHeader"), spec_in("Workload"), by_injector):
        assert refusal(here(spec=spec)).reason == "BackendKindUnfit"


def spec_changes() -> dict[str, Any]:
    parameters = spec_in("RequestBody").parameters
    return {"parameters": [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in parameters]}


def test_what_protects_the_users_route_has_to_protect_the_inner_one_too() -> None:
    def protected(*names: str) -> ClusterInputs:
        named = [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": each} for each in names]
        attached = {"kind": "SecurityPolicy", "metadata": {"namespace": "llm", "name": "keys"}}
        return replace(here(), neighbours=Neighbours(policies=({**attached, "spec": {"targetRefs": named}},)))

    assert preflight(protected("qa", "qa-early-stop", "qa-early-stop-inner"), HALF) is None
    refused = refusal(protected("qa", "qa-early-stop"))
    assert refused.reason == "RouteHasPolicies" and "name: qa-early-stop-inner}" in refused.message
