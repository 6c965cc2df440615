"""Mode GatewayBody: what the operator makes for an Envoy AI Gateway, and what it refuses there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.wire import INNER_HEADER
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.drift import drifted
from earlystop.delivery.envoy_ai_gateway import AI_BACKEND, BACKEND, DEFINITIONS, ROUTE, SECONDS_TO_SETTLE, inner_host
from earlystop.delivery.gateway_body import MODE, gateway_unfit, owned_names
from earlystop.delivery.injector.inner_route import mark_of
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.leaving import leave
from earlystop.delivery.orphans import let_go, made_by_operator, orphaned_overlays, unserved, unused_aliases
from earlystop.delivery.preflight import preflight
from earlystop.delivery.split import TrafficSplit
from tests.unit.delivery.cluster import BY_ENVOY, exact, gateway, inputs, prefix, rule, running, spec_in, split
from tests.unit.delivery.test_gateway_body import CHAT, refusal_with
from tests.unit.rollout.policies import policy

HALF = split(50)
ENVOY_CLASS = {"traefik": {"spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}}}
NAMES = ("qa-es-baseline-body", "qa-es-candidate-body")
ALWAYS = {"body": {"knob": "AnswerCap", "apply": "Always"}}


def spec() -> Any:
    wire = spec_in("GatewayBody").wire()
    told = [{**each, "body": {**each["body"], "apply": "Always"}} for each in wire["parameters"]]
    own = {**wire["delivery"]["gatewayBody"], **BY_ENVOY}
    delivery = {**wire["delivery"], "gatewayHeader": None, "gatewayBody": own}
    return policy({"parameters": told, "delivery": delivery, "candidates": wire["candidates"]})


def here(*rules: dict[str, Any], **more: Any) -> ClusterInputs:
    found = inputs(*rules, **{"spec": spec(), "gateway_classes": ENVOY_CLASS, **more})
    known = {key: {"metadata": {"name": key.name}} for key in DEFINITIONS}
    return replace(found, objects={**found.objects, **known})


def made(found: ClusterInputs, kind: str, wanted: TrafficSplit = HALF) -> list[Manifest]:
    return [each for each in MODE.render(found, wanted).objects if each["kind"] == kind]


def names(objects: list[Manifest]) -> tuple[str, ...]:
    return tuple(each["metadata"]["name"] for each in objects)


# What is made


def test_each_variant_has_a_backend_that_writes_its_values_and_leads_to_the_injector() -> None:
    backends = made(here(), AI_BACKEND)
    assert names(backends) == NAMES
    assert backends[1]["spec"] == {
        "schema": {"name": "OpenAI", "prefix": "/v1"},
        "backendRef": {"group": "gateway.envoyproxy.io", "kind": BACKEND, "name": "qa-es-injector"},
        "headerMutation": {"remove": [INNER_HEADER]},
        "bodyMutation": {"set": [{"path": "window", "value": "10"}, {"path": "patience", "value": "2.5"}]},
    }
    injector = made(here(), BACKEND)[0]
    assert injector["metadata"]["name"] == "qa-es-injector"
    assert injector["spec"] == {"endpoints": [{"fqdn": {"hostname": "qa-es-injector.llm.svc", "port": 80}}]}


def test_a_field_is_set_once_and_its_aliases_are_taken_out_so_that_the_engine_obeys_no_other() -> None:
    found = here()
    wire = found.spec.wire()
    cap = {"knob": "AnswerCap", "apply": "Always"}
    changed = {**wire, "parameters": [{**wire["parameters"][0], "body": cap}, *wire["parameters"][1:]]}
    candidate = made(replace(found, spec=type(found.spec).model_validate(changed)), AI_BACKEND)[1]
    assert candidate["spec"]["bodyMutation"]["set"][0] == {"path": "max_completion_tokens", "value": "10"}
    assert candidate["spec"]["bodyMutation"]["remove"] == ["max_tokens"]


def test_a_baseline_that_sets_nothing_writes_nothing() -> None:
    unset = replace(HALF, variants=(replace(HALF.variants[0], settings=()), *HALF.variants[1:]))
    assert "bodyMutation" not in made(here(), AI_BACKEND, unset)[0]["spec"]


def test_the_overlay_leads_back_to_the_gateway_by_a_host_that_nobody_else_asks_for() -> None:
    found = here()
    (overlay,) = made(found, "HTTPRoute")
    for each in overlay["spec"]["rules"]:
        assert {"type": "URLRewrite", "urlRewrite": {"hostname": inner_host(found)}} in each["filters"]
        assert [(led["group"], led["kind"], led["name"]) for led in each["backendRefs"]] == [
            ("gateway.envoyproxy.io", BACKEND, name) for name in NAMES
        ]
        for led in each["backendRefs"]:
            assert {"name": INNER_HEADER, "value": mark_of(found.uid)} in led["filters"][0]["requestHeaderModifier"][
                "set"
            ]
    ways = [each for each in made(found, BACKEND) if each["metadata"]["name"] in NAMES]
    assert [each["spec"] for each in ways] == [{"endpoints": [{"ip": {"address": "10.1.2.3", "port": 8000}}]}] * 2


def test_a_gateway_whose_address_is_a_name_is_led_to_by_its_name() -> None:
    named = here(gateways={("llm", "edge"): gateway(address="lb.example.com")})
    assert made(named, BACKEND)[-1]["spec"]["endpoints"] == [{"fqdn": {"hostname": "lb.example.com", "port": 8000}}]


def test_a_variants_route_takes_marked_requests_alone_and_lists_no_model() -> None:
    found = here()
    routes = made(found, ROUTE)
    assert names(routes) == NAMES
    assert routes[1]["spec"] == {
        "parentRefs": [
            {
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "namespace": "llm",
                "name": "edge",
                "sectionName": "web",
            }
        ],
        "hostnames": [inner_host(found)],
        "rules": [
            {
                "matches": [
                    {
                        "headers": [
                            {"type": "Exact", "name": INNER_HEADER, "value": mark_of(found.uid)},
                            {"type": "Exact", "name": "x-early-stop-variant", "value": "candidate"},
                        ]
                    }
                ],
                "backendRefs": [{"name": NAMES[1], "weight": 1}],
            }
        ],
    }
    assert "x-ai-eg-model" not in json.dumps(routes)


def test_the_users_timeouts_hold_on_the_way_back_too() -> None:
    assert made(here(rule(timeouts={"request": "300s"})), ROUTE)[0]["spec"]["rules"][0]["timeouts"] == {
        "request": "300s"
    }


def test_a_wildcard_listener_is_asked_by_a_host_that_it_takes() -> None:
    listener = {"name": "web", "protocol": "HTTP", "port": 80, "hostname": "*.llm.example"}
    found = here(gateways={("llm", "edge"): gateway(listener)})
    assert inner_host(found).endswith(".llm.example") and inner_host(found).startswith("es-")


@pytest.mark.parametrize("wanted", [split(0), split(5), split(100)])
def test_a_change_of_weights_changes_the_overlay_alone(wanted: TrafficSplit) -> None:
    """What each proxy learns later from a Secret is the same from the first request to the last."""
    for kind in (BACKEND, AI_BACKEND, ROUTE):
        assert made(here(), kind, wanted) == made(here(), kind)


def test_fields_that_a_server_adds_are_no_drift_and_an_edit_is_one() -> None:
    objects = [running(each) for each in MODE.render(here(), HALF).objects]
    filled = [
        {**each, "metadata": {**each["metadata"], "finalizers": ["aigateway.envoyproxy.io/finalizer"]}, "status": {}}
        for each in objects
    ]
    assert drifted(here().with_objects(filled), objects) == []
    route = next(each for each in objects if each["kind"] == ROUTE)
    edited = {**route, "spec": {**route["spec"], "hostnames": ["qa.example"]}}
    assert drifted(here().with_objects([*objects, edited]), objects) == [route]


# When users are led, and what is left behind


def test_no_user_is_led_to_objects_that_some_proxy_may_not_know_yet() -> None:
    rendered = MODE.render(here(), HALF)
    assert rendered.settle_seconds == SECONDS_TO_SETTLE
    agentgateways = inputs(spec=spec_in("GatewayBody"))
    assert MODE.render(agentgateways, HALF).settle_seconds == 0.0


def test_what_is_made_is_owned_by_the_policy_and_named_beforehand() -> None:
    for each in MODE.render(here(), HALF).objects:
        assert (each["kind"], each["metadata"]["name"]) in owned_names(here(), ["candidate"])
        assert each["metadata"]["ownerReferences"][0]["kind"] == "EarlyStopPolicy"
    disabled = replace(here(), writes_gateway_objects=False)
    assert {kind for kind, _ in owned_names(disabled, ["candidate"])}.isdisjoint({BACKEND, AI_BACKEND, ROUTE})


def test_nothing_behind_an_overlay_goes_before_it() -> None:
    (overlay,) = made(here(), "HTTPRoute")
    behind = [*made(here(), ROUTE), *made(here(), AI_BACKEND), *made(here(), BACKEND)]
    assert unserved(behind, [overlay], ()) == [], "the gateway may still lead there"
    assert unserved(unused_aliases(behind, [], ()), [], ()) == behind
    assert [owner["kind"] for owner in let_go(behind[0])["metadata"]["ownerReferences"]] == ["EarlyStopPolicy"]


def test_a_route_that_the_gateway_makes_of_ours_with_copies_of_our_labels_is_left_to_it() -> None:
    (ours, _) = made(here(), ROUTE)
    owner = {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": ROUTE, "name": NAMES[0], "controller": True}
    theirs = {"metadata": {**ours["metadata"], "ownerReferences": [owner]}, "spec": {}}
    (overlay,) = made(here(), "HTTPRoute")
    assert not made_by_operator(theirs) and made_by_operator(overlay)
    unowned = {**overlay, "metadata": {**overlay["metadata"], "ownerReferences": []}}
    assert made_by_operator(unowned), "as after a deletion with --cascade=orphan"
    assert orphaned_overlays([unowned], ()) == [unowned]


def test_a_target_that_is_left_to_another_policy_frees_all_names() -> None:
    found = here()
    found = found.with_objects(MODE.render(found, HALF).objects)
    left = leave(found, desired_traffic(found, HALF, rolling_back=False), "next")
    freed = {(each["kind"], each["metadata"]["name"]) for each in left.objects if each["kind"] != "HTTPRoute"}
    assert {(kind, name) for kind in (BACKEND, AI_BACKEND, ROUTE) for name in NAMES} <= freed


# Where nothing is made


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"writes_gateway_objects": False}, "GatewayBodyDisabled", "gatewayBody.enabled"),
        (
            {"gateway_classes": {"traefik": {"spec": {"controllerName": "agentgateway.dev/agentgateway"}}}},
            "GatewayUnfit",
            "Use an Envoy AI Gateway",
        ),
        (
            {"gateways": {("llm", "edge"): gateway({"name": "w", "protocol": "HTTP", "port": 80, "hostname": "qa.x"})}},
            "GatewayCannotWrite",
            "takes other hosts too",
        ),
        (
            {"gateways": {("llm", "edge"): gateway({"name": "w", "protocol": "HTTPS", "port": 443})}},
            "GatewayCannotWrite",
            "no http listener",
        ),
    ],
)
def test_where_its_objects_would_do_nothing_none_is_made(changes: dict[str, Any], reason: str, words: str) -> None:
    refusal = preflight(here(**changes), HALF)
    assert refusal is not None and refusal.reason == reason and words in refusal.message


def test_a_cluster_that_lacks_one_of_the_kinds_is_told_which() -> None:
    found = here()
    for missing in DEFINITIONS:
        objects = {key: each for key, each in found.objects.items() if key != missing}
        refusal = preflight(replace(found, objects=objects), HALF)
        assert refusal is not None and refusal.reason == "GatewayObjectsMissing" and missing.name in refusal.message
        assert missing in MODE.objects_needed(found)


def test_a_rule_that_rewrites_is_refused_and_any_path_of_the_route_is_taken() -> None:
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": "qa.example"}}
    refusal = preflight(here(rule(exact(CHAT), filters=[rewrite])), HALF)
    assert refusal is not None and refusal.reason == "GatewayCannotWrite" and "URLRewrite" in refusal.message
    assert preflight(here(rule(prefix("/v1"))), HALF) is None


@pytest.mark.parametrize(
    ("body", "delivery", "words"),
    [
        (ALWAYS, {}, ""),
        (ALWAYS, {"paths": ["/v1/completions"]}, ""),
        (ALWAYS, {"paths": ["/v1/responses"]}, ""),
        (ALWAYS, {"paths": [CHAT]}, "beside a client's min_tokens"),
        (ALWAYS, {"paths": ["/v1/messages"]}, "Write /v1/chat/completions or"),
        (ALWAYS, {"paths": ["/openai/v1/chat/completions"]}, "Write /v1/chat/completions or"),
        (ALWAYS, {"paths": [CHAT, "/v1/completions"]}, "has one path"),
        ({}, {}, "apply IfLarger, and the bodyMutation of Envoy AI Gateway overwrites"),
        ({"body": {"knob": "AnswerCap", "apply": "IfAbsent"}}, {}, "apply IfAbsent"),
        ({"body": {"knob": "AnswerCap", "apply": "IfSmaller"}}, {}, "apply IfSmaller"),
        ({"body": {"paths": [{"api": "ChatCompletions", "path": "top_k"}]}}, {}, "write body.apply: Always"),
        ({"body": {"paths": [{"api": "ChatCompletions", "path": "top_k"}], "apply": "Always"}}, {}, ""),
        ({"body": {"paths": [{"api": "ChatCompletions", "path": "a.b"}], "apply": "Always"}}, {}, "a.b stands deeper"),
        (
            {"body": {"knob": "AnswerCap", "apply": "Always", "where": {"path": "reasoning_effort", "value": "low"}}},
            {},
            "written into some bodies",
        ),
    ],
)
def test_what_it_cannot_write_without_giving_a_client_more_is_refused_with_what_to_write(
    body: dict[str, Any], delivery: dict[str, Any], words: str
) -> None:
    engine = "VLLM" if "min_tokens" in words else "OpenAI"
    found = refusal_with(body, delivery, gateway="EnvoyAIGateway", engine=engine)
    assert words in found and bool(found) == bool(words)
    if words and "paths" not in delivery:
        assert "RequestBody" in found


def test_choices_without_an_order_need_no_word_about_a_clients_value() -> None:
    body = {"paths": [{"api": "ChatCompletions", "path": "service_tier"}]}
    choice = {"type": "Choice", "choices": ["flex", "auto"], "minimum": None, "maximum": None, "stopsSooner": None}
    assert refusal_with({**choice, "body": body}, gateway="EnvoyAIGateway") == ""


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "fe80::1", "::ffff:169.254.169.254", "224.0.0.1"])
def test_no_request_is_led_to_an_address_that_is_no_gateways_although_one_claims_it(address: str) -> None:
    claimed = here(gateways={("llm", "edge"): gateway(address=address)})
    refused = MODE.refusal(claimed, HALF)
    assert refused is not None and "no http listener with an address" in refused.message


def test_a_release_of_the_gateway_that_serves_no_version_which_is_written_is_refused_by_name() -> None:
    found = here()
    older = {"metadata": {}, "spec": {"versions": [{"name": "v1alpha1", "served": True}]}}
    first = next(iter(DEFINITIONS))
    refused = gateway_unfit(replace(found, objects={**found.objects, first: older}))
    assert refused is not None and f"{first.name} serves no v1beta1" in refused.message
    assert gateway_unfit(found) is None
