"""Mode GatewayBody: what the operator makes for an agentgateway, and where it makes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.body_knobs import Api
from earlystop.api.gateway_body import WRITABLE_APIS
from earlystop.delivery.agentgateway import DEFINITION, KIND
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.drift import drifted
from earlystop.delivery.gateway_body import MODE, owned_names
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.leaving import leave
from earlystop.delivery.orphans import let_go, unused_aliases
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probes.engine_check import EngineAnswer, judge
from earlystop.delivery.probes.questions import open_question_of, probe_body, question_of
from earlystop.delivery.probes.target import probe_target
from tests.unit.delivery.body_policies import CHAT, refusal_with
from tests.unit.delivery.cluster import exact, inputs, prefix, rule, running, spec_in, split

HALF = split(50)


def here(*rules: dict[str, Any], **more: Any) -> ClusterInputs:
    return inputs(*rules, **{"spec": spec_in("GatewayBody"), **more})


def made(found: ClusterInputs, kind: str) -> list[Manifest]:
    return [each for each in MODE.render(found, HALF).objects if each["kind"] == kind]


# What is made


def test_each_variant_has_an_object_that_computes_its_values_and_leads_to_the_injector() -> None:
    baseline, candidate = made(here(), KIND)
    assert [each["metadata"]["name"] for each in (baseline, candidate)] == [
        "qa-es-baseline-body",
        "qa-es-candidate-body",
    ]
    assert candidate["spec"] == {
        "ai": {
            "provider": {
                "custom": {
                    "backendRef": {"group": "", "kind": "Service", "name": "qa-es-injector", "port": 80},
                    "formats": [{"type": "Completions", "path": CHAT}],
                }
            }
        },
        "policies": {
            "ai": {
                "routes": {CHAT: "Completions"},
                "transformations": [
                    {"field": "window", "expression": "10"},
                    {"field": "patience", "expression": "2.5"},
                ],
            }
        },
    }
    assert baseline["spec"]["policies"]["ai"]["transformations"][0] == {"field": "window", "expression": "40"}


def test_a_baseline_that_sets_nothing_has_an_object_that_computes_nothing() -> None:
    unset = replace(HALF, variants=(replace(HALF.variants[0], settings=()), *HALF.variants[1:]))
    baseline, _ = (each for each in MODE.render(here(), unset).objects if each["kind"] == KIND)
    assert baseline["spec"]["policies"]["ai"] == {"routes": {CHAT: "Completions"}}


def test_the_route_splits_between_these_objects_with_each_variants_headers() -> None:
    (overlay,) = made(here(), "HTTPRoute")
    for each in overlay["spec"]["rules"]:
        assert [
            {key: value for key, value in backend.items() if key not in ("filters", "weight")}
            for backend in each["backendRefs"]
        ] == [
            {"group": "agentgateway.dev", "kind": KIND, "name": f"qa-es-{variant}-body"}
            for variant in ("baseline", "candidate")
        ]
        assert all(backend["filters"][0]["type"] == "RequestHeaderModifier" for backend in each["backendRefs"])
        assert {match["path"]["value"] for match in each["matches"]} == {CHAT}


def test_the_injector_behind_them_writes_only_what_is_left_out() -> None:
    (deployment,) = made(here(), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "--gateway-writes" in container["args"] and "--upstream=http://qa.llm.svc:80" in container["args"]
    (service,) = made(here(), "Service")
    assert service["metadata"]["name"] == "qa-es-injector"
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_an_edit_of_an_object_is_found_and_fields_that_a_server_adds_are_none() -> None:
    objects = [running(each) for each in MODE.render(here(), HALF).objects]
    backend = next(each for each in objects if each["kind"] == KIND)
    filled = {**backend, "status": {"conditions": []}}
    assert drifted(here().with_objects([*objects, filled]), objects) == []
    edited = {**backend, "spec": {**backend["spec"], "policies": {"ai": {"routes": {}}}}}
    assert drifted(here().with_objects([*objects, edited]), objects) == [backend]


def test_what_is_made_goes_with_the_policy_and_a_gateway_object_no_sooner_than_the_overlay() -> None:
    objects = MODE.render(here(), HALF).objects
    for each in objects:
        assert (each["kind"], each["metadata"]["name"]) in owned_names(here(), ["candidate"])
        assert each["metadata"]["ownerReferences"][0]["kind"] == "EarlyStopPolicy"
    backends, (overlay,) = made(here(), KIND), made(here(), "HTTPRoute")
    assert unused_aliases(backends, [overlay], ()) == [], "the gateway may still lead there"
    assert unused_aliases(backends, [], ()) == backends
    assert unused_aliases(backends, [], (here().uid,)) == []
    assert [owner["kind"] for owner in let_go(backends[0])["metadata"]["ownerReferences"]] == ["EarlyStopPolicy"]


def test_a_target_that_is_left_to_another_policy_frees_the_names() -> None:
    found = here()
    found = found.with_objects(MODE.render(found, HALF).objects)
    left = leave(found, desired_traffic(found, HALF, rolling_back=False), "next")
    freed = [each for each in left.objects if each["kind"] == KIND]
    assert len(freed) == 2 and not any(
        owner.get("controller") for each in freed for owner in each["metadata"]["ownerReferences"]
    )


# Where nothing is made


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"writes_gateway_objects": False}, "GatewayBodyDisabled", "gatewayBody.enabled"),
        ({"injector_image": ""}, "InjectorDisabled", "delivery.mode GatewayBody needs"),
        (
            {"gateway_classes": {"traefik": {"spec": {"controllerName": "traefik.io/gateway-controller"}}}},
            "GatewayUnfit",
            "belongs to traefik.io/gateway-controller",
        ),
    ],
)
def test_where_its_objects_would_do_nothing_none_is_made(changes: dict[str, Any], reason: str, words: str) -> None:
    refusal = preflight(here(**changes), HALF)
    assert refusal is not None and refusal.reason == reason and words in refusal.message


def test_a_cluster_that_does_not_know_the_kind_is_told_so() -> None:
    found = here()
    without = replace(found, objects={key: each for key, each in found.objects.items() if key != DEFINITION})
    refusal = preflight(without, HALF)
    assert refusal is not None and refusal.reason == "GatewayObjectsMissing"
    assert DEFINITION in MODE.objects_needed(found)
    disabled = replace(found, writes_gateway_objects=False)
    assert DEFINITION not in MODE.objects_needed(disabled), "the operator may not read it"
    assert KIND not in dict(owned_names(disabled, ["candidate"]))


@pytest.mark.parametrize(
    "rules",
    [
        [rule(prefix("/qa"))],
        [rule(exact(CHAT), filters=[{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath"}}}])],
    ],
)
def test_a_route_whose_paths_the_server_would_not_see_is_refused(rules: list[dict[str, Any]]) -> None:
    refusal = preflight(here(*rules), HALF)
    assert refusal is not None and refusal.reason == "GatewayCannotWrite" and CHAT in refusal.message


def test_a_route_that_rewrites_the_host_alone_is_taken() -> None:
    host = {"type": "URLRewrite", "urlRewrite": {"hostname": "qa.example"}}
    assert preflight(here(rule(exact(CHAT), filters=[host])), HALF) is None


@pytest.mark.parametrize(
    ("body", "delivery", "settings", "words"),
    [
        ({}, {}, {}, ""),
        ({}, {"paths": ["/v1/responses"]}, {}, ""),
        ({}, {"paths": ["/v1/completions"]}, {}, "GatewayCannotWrite: delivery.paths /v1/completions"),
        ({}, {"paths": [CHAT, "/v1/responses"]}, {}, "GatewayCannotWrite: delivery.paths"),
        ({"body": {"knob": "ThinkingBudget"}}, {}, {"engine": "SGLang"}, "custom_params.thinking_budget stands deeper"),
        ({"body": {"knob": "RepetitionStop"}}, {}, {}, "the field holds an object"),
        (
            {"body": {"knob": "ThinkingBudget"}},
            {},
            {
                "engine": "OpenAI",
            },
            "FieldNeverReached",
        ),
    ],
)
def test_what_a_gateway_cannot_write_is_refused_with_what_to_write(
    body: dict[str, Any], delivery: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    found = refusal_with(body, delivery, **settings)
    assert words in found and bool(found) == bool(words)


# What the gateway is asked


@pytest.mark.parametrize("api", WRITABLE_APIS)
def test_the_question_leaves_room_for_a_cap_and_breaks_off(api: Api) -> None:
    question = open_question_of(api, "qwen")
    assert question["stream"] is True and question["model"] == "qwen"
    assert question.get("max_tokens", 8192) == 8192 and "max_output_tokens" not in question


def test_a_probe_is_a_whole_request_where_bodies_are_read_and_nothing_elsewhere() -> None:
    assert probe_body(f"http://qa{CHAT}", reads_bodies=False) == b"{}"
    asked = json.loads(probe_body(f"http://qa{CHAT}", reads_bodies=True))
    assert asked == question_of(Api.CHAT_COMPLETIONS, "early-stop")
    (overlay,) = made(here(), "HTTPRoute")
    target = probe_target(here(), overlay, overlay["spec"]["rules"][0]["matches"], "n", "r", ())
    assert target is not None and target.reads_bodies
    by_header = inputs()
    target = probe_target(by_header, overlay, overlay["spec"]["rules"][0]["matches"], "n", "r", ())
    assert target is not None and not target.reads_bodies


def test_a_gateway_that_did_not_write_is_told_before_any_user_is_led() -> None:
    refusal = judge(200, {"baseline": EngineAnswer(200), "candidate": EngineAnswer(200, unwritten="cap")})
    assert refusal is not None and refusal.reason == "GatewayDoesNotWrite"
    assert "for candidate came through the gateway without cap" in refusal.message
    assert judge(200, {"baseline": EngineAnswer(200), "candidate": EngineAnswer(200)}) is None
