"""Mode RequestBody: what the operator makes for an injector, and when users are led through it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.body_settings import WrittenSettings, body_settings
from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.delivery.alias_service import MIRRORED_ANNOTATIONS, MIRRORED_FIELDS
from earlystop.delivery.decide import decide, decide_while_frozen
from earlystop.delivery.decisions import Detach, Probe, SplitStatus, TrafficDecision, Wait, Write
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.injector.upstream import ANNOTATIONS_BY_CALLER, BY_CALLER
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probes.engine_check import AskEngine, EngineCheck
from earlystop.delivery.request_body import MODE, owned_names
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_view import TrafficView
from tests.unit.delivery.cluster import backend, in_bodies, inputs, prefix, rule, service, spec_in, split, stored
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import policy

HALF, NONE = split(50), split(0)
NOW = 1_000_000.0
NAME = "qa-es-injector"
NOT_YET = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.UNKNOWN, "NotYet", "Nothing has been asked for.")
SHOWN = TrafficView(condition=NOT_YET, proven_on_probes=HALF)


def here(**more: Any) -> ClusterInputs:
    return inputs(**{"spec": spec_in("RequestBody"), **more})


def with_injector(**settings: Any) -> ClusterInputs:
    """A policy with these settings of the injector's Pods."""
    request_body = {"routeRef": {"name": "qa"}, "engine": "VLLM", "injector": settings}
    delivery = {"gatewayHeader": None, "mode": "RequestBody", "requestBody": request_body}
    return here(spec=policy({"parameters": in_bodies(), "delivery": delivery}))


def made(found: ClusterInputs, kind: str) -> Manifest:
    (manifest,) = (each for each in MODE.render(found, HALF).objects if each["kind"] == kind)
    return manifest


def container(found: ClusterInputs) -> Manifest:
    (only,) = made(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(only)


def led(wanted: TrafficSplit = HALF, **status: int) -> ClusterInputs:
    """Users are led by this split, through Pods of this status."""
    return stored(here(), MODE.render(here(), wanted).objects, **status)


def asked(found: ClusterInputs, wanted: TrafficSplit = HALF, rolling_back: bool = False) -> TrafficDecision:
    return decide(found, desired_traffic(found, wanted, rolling_back), SHOWN, NOW)


# What is made


def test_all_variants_go_through_services_that_select_the_injectors_pods_and_the_users_own_stands_behind_it() -> None:
    objects = MODE.render(here(), HALF).objects
    services = [each for each in objects if each["kind"] == "Service"]
    assert [each["metadata"]["name"] for each in services] == ["qa-es-baseline-injected", "qa-es-candidate-injected"]
    pods = made(here(), "Deployment")["spec"]["template"]["metadata"]["labels"]
    for each in services:
        assert each["spec"]["selector"].items() <= pods.items()
        assert each["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"}]
    assert "--upstream=http://qa.llm.svc:80" in container(here())["args"]
    users = service()["spec"]["selector"]
    assert not users.items() <= pods.items(), "the user's Service would send to the injector, and that to itself"


def test_every_object_is_owned_by_the_policy_and_named_beforehand() -> None:
    objects = MODE.render(here(), HALF).objects
    named = owned_names(here(), ["candidate"])
    for each in objects:
        (controller,) = (owner for owner in each["metadata"]["ownerReferences"] if owner.get("controller"))
        assert (controller["kind"], controller["uid"]) == ("EarlyStopPolicy", here().uid)
        assert (each["kind"], each["metadata"]["name"]) in named


def test_the_pods_are_restricted_have_no_token_and_go_one_after_another() -> None:
    deployment = made(here(), "Deployment")["spec"]
    pod = deployment["template"]["spec"]
    assert deployment["replicas"] == 2 and deployment["strategy"]["rollingUpdate"] == {
        "maxUnavailable": 0,
        "maxSurge": 1,
    }
    assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"] is True
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    secured = container(here())["securityContext"]
    assert secured["allowPrivilegeEscalation"] is False and secured["capabilities"] == {"drop": ["ALL"]}
    assert "env" not in container(here()) and "volumes" not in pod
    assert made(here(), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_the_injector_reads_what_it_is_told_and_it_is_about_the_policys_parameters() -> None:
    (text,) = (each.partition("=")[2] for each in container(here())["args"] if each.startswith("--settings="))
    written = WrittenSettings.model_validate(json.loads(text))
    assert body_settings(written).keys() == {each.name for each in here().spec.parameters}
    assert f"--engine={written.engine}" in container(here())["args"]


def test_the_image_is_the_operators_and_a_policy_cannot_name_one() -> None:
    assert container(here(injector_image="registry/own@sha256:1"))["image"] == "registry/own@sha256:1"
    with pytest.raises(ValueError, match="image"):
        with_injector(image="mine:1")
    refusal = preflight(here(injector_image=""), HALF)
    assert refusal is not None and refusal.reason == "InjectorDisabled"


def test_quantities_are_written_as_the_api_server_spells_them() -> None:
    resources = container(with_injector(resources={"cpu": "2", "memory": "1024Mi"}))["resources"]
    assert (resources["requests"]["cpu"], resources["limits"]["memory"]) == ("2", "1Gi")
    for wrong in (
        {"cpu": "1000m"},
        {"cpu": "0"},
        {"memory": "12"},
        {"memory": "1Ti"},
        {"cpu": "3"},
        {"memory": "10Gi"},
    ):
        with pytest.raises(ValueError, match=r"pattern|at least|at most"):
            with_injector(resources=wrong)


def test_a_policys_author_may_ask_for_sixteen_pods_of_two_cores_and_no_more() -> None:
    most = with_injector(replicas=16, resources={"cpu": "2", "memory": "9Gi"})
    assert made(most, "Deployment")["spec"]["replicas"] == 16
    more: tuple[dict[str, Any], ...] = (
        {"replicas": 17},
        {"resources": {"cpu": "3"}},
        {"resources": {"memory": "10Gi"}},
        {"resources": {"memory": "10000Mi"}},
    )
    for each in more:
        with pytest.raises(ValueError, match=r"at most|less than or equal to 16|pattern"):
            with_injector(**each)


def test_only_named_namespaces_send_requests_and_anybody_scrapes() -> None:
    open_to_all, metrics = made(here(), "NetworkPolicy")["spec"]["ingress"]
    assert "from" not in open_to_all and "from" not in metrics
    requests, metrics = made(with_injector(gatewayNamespaces=["edge"]), "NetworkPolicy")["spec"]["ingress"]
    labels = requests["from"][0]["namespaceSelector"]["matchLabels"]
    assert labels == {"kubernetes.io/metadata.name": "edge"} and "from" not in metrics


# What is refused


@pytest.mark.parametrize(
    ("services", "rules", "words"),
    [
        ({"qa": {"clusterIP": "None"}}, (rule(),), "headless"),
        ({"qa": {"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]}}, (rule(),), "speaks kubernetes.io/h2c"),
        ({"qa2": {}}, (rule(prefix("/a")), rule(prefix("/b"), to="qa2")), "qa2:80"),
        ({}, ({"matches": [prefix("/")], "backendRefs": [{"name": "qa", "kind": "Service"}]},), "names no port"),
    ],
)
def test_a_service_that_an_injector_cannot_send_on_to_is_refused(
    services: dict[str, dict[str, Any]], rules: tuple[dict[str, Any], ...], words: str
) -> None:
    found = {"qa": service(), "qa2": service("qa2")}
    found |= {name: {**found[name], "spec": found[name]["spec"] | changes} for name, changes in services.items()}
    refusal = preflight(inputs(*rules, spec=spec_in("RequestBody"), services=found), HALF)
    assert refusal is not None and refusal.reason == "UpstreamUnfit" and words in refusal.message


@pytest.mark.parametrize(
    ("spec", "annotations", "words"),
    [
        ({"sessionAffinity": "ClientIP"}, {}, "sessionAffinity ClientIP"),
        ({"internalTrafficPolicy": "Local"}, {}, "internalTrafficPolicy Local"),
        ({"trafficDistribution": "PreferClose"}, {}, "trafficDistribution PreferClose"),
        ({"trafficDistribution": "PreferSameNode"}, {}, "trafficDistribution PreferSameNode"),
        ({}, {"service.kubernetes.io/topology-mode": "Auto"}, "topology-mode Auto"),
        ({}, {"service.kubernetes.io/topology-aware-hints": "auto"}, "topology-aware-hints auto"),
    ],
)
def test_a_service_that_chooses_engines_by_who_calls_would_send_all_users_to_few_and_is_refused(
    spec: dict[str, Any], annotations: dict[str, str], words: str
) -> None:
    refusal = preflight(here(services={"qa": balanced(spec, annotations)}), HALF)
    assert refusal is not None and refusal.reason == "UpstreamUnfit"
    assert words in refusal.message and "a Service of the same Pods without it" in refusal.message


def test_a_service_that_treats_all_callers_alike_is_taken() -> None:
    alike = {"sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "publishNotReadyAddresses": True}
    switched_off = {"service.kubernetes.io/topology-mode": "Disabled"}
    assert preflight(here(services={"qa": balanced(alike, switched_off)}), HALF) is None


def test_of_every_field_that_an_alias_mirrors_somebody_said_whether_it_is_about_the_caller() -> None:
    about_pods = {"selector", "publishNotReadyAddresses", "ipFamilies", "ipFamilyPolicy"}
    of_another_field = {"sessionAffinityConfig"}
    assert set(MIRRORED_FIELDS) == about_pods | of_another_field | set(BY_CALLER)
    assert set(MIRRORED_ANNOTATIONS) == set(ANNOTATIONS_BY_CALLER)


def balanced(spec: dict[str, Any], annotations: dict[str, str]) -> Manifest:
    """The user's Service with these fields and annotations."""
    found = service()
    return {**found, "spec": found["spec"] | spec, "metadata": found["metadata"] | {"annotations": annotations}}


# When users are led


def test_no_overlay_is_written_before_two_pods_are_ready() -> None:
    first = asked(here())
    assert isinstance(first, Write) and first.then is not None
    assert [each["kind"] for each in first.objects].count("HTTPRoute") == 0
    assert first.then.condition.status is ConditionStatus.UNKNOWN, "what was made just now is no trouble"
    for pods in (0, 1):
        found = asked(stored(here(), first.objects, readyReplicas=pods))
        assert isinstance(found, Wait) and found.status is SplitStatus.NOT_WRITTEN
        assert (found.condition.status, found.condition.reason) == (ConditionStatus.FALSE, "InjectorNotReady")
        assert f"{pods} ready of 2" in found.condition.message
    then = asked(stored(here(), first.objects))
    assert isinstance(then, Write) and [each["kind"] for each in then.objects] == ["HTTPRoute"]


REFUSALS = {
    "a quota": ('pods "qa-es-injector-1" is forbidden: exceeded quota: team, requested: pods=1', "Raise the quota"),
    "a standard": (
        'pods "qa-es-injector-1" is forbidden: violates PodSecurity "restricted:latest"',
        "security standard",
    ),
    "a webhook": (
        'admission webhook "images.example" denied the request:\x1b[31m no digest',
        "admission webhook, or ask",
    ),
}


@every_row("name", REFUSALS)
def test_what_refuses_an_injectors_pods_is_quoted_with_what_to_do(name: str) -> None:
    said, advice = REFUSALS[name]
    first = asked(here())
    assert isinstance(first, Write)
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said}
    found = asked(stored(here(), first.objects, readyReplicas=0, conditions=[failure]))
    assert isinstance(found, Wait) and found.condition.reason == "InjectorNotReady"
    message = found.condition.message
    assert said.split(":")[0] in message and advice in message and message.isprintable()
    assert "look at its Pods" not in message, "there are none"


@pytest.mark.parametrize("status", [{"updatedReplicas": 1}, {"observedGeneration": 0}, {"replicas": 3}])
def test_nor_while_some_pods_have_other_settings(status: dict[str, int]) -> None:
    prerequisites = MODE.render(here(), HALF).prerequisites
    found = asked(stored(here(), prerequisites, **status))
    assert isinstance(found, Wait) and found.condition.reason == "InjectorNotReady"


def test_while_users_are_led_one_ready_pod_serves_them() -> None:
    assert isinstance(asked(led(readyReplicas=1)), Probe)


@pytest.mark.parametrize("frozen", [False, True])
def test_without_a_ready_pod_all_users_go_back_to_their_own_route_at_once(frozen: bool) -> None:
    found = led(readyReplicas=0)
    desired = desired_traffic(found, HALF, rolling_back=False)
    decision = (decide_while_frozen if frozen else decide)(found, desired, SHOWN, NOW)
    assert isinstance(decision, Detach) and decision.condition.reason == "InjectorNotReady"
    (overlay,) = decision.objects
    assert serves_no_user(overlay) and decision.rest is None, "it is led again as soon as Pods are ready"


def test_a_deployment_that_somebody_deleted_is_made_anew_after_users_were_taken_off() -> None:
    found = led()
    gone = replace(found, objects={key: each for key, each in found.objects.items() if key.name != NAME})
    first = asked(gone)
    assert isinstance(first, Detach)
    second = asked(gone.with_objects(first.objects))
    assert isinstance(second, Write) and {each["kind"] for each in second.objects} == {
        "Deployment",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }


def test_users_who_were_taken_off_are_led_again_after_probes_alone_were() -> None:
    found = led(readyReplicas=0)
    taken_off = asked(found)
    assert isinstance(taken_off, Detach)
    back = stored(found, MODE.render(found, HALF).prerequisites).with_objects(taken_off.objects)
    desired = desired_traffic(back, HALF, rolling_back=False)
    decision = decide(back, desired, TrafficView(condition=NOT_YET), NOW)
    assert isinstance(decision, Write) and serves_no_user(decision.objects[-1])


def test_a_candidate_is_taken_off_whatever_the_injectors_pods_are_like() -> None:
    falls = asked(led(updatedReplicas=1), NONE, rolling_back=True)
    assert isinstance(falls, Write) and falls.objects[-1]["kind"] == "HTTPRoute"
    nobody_was_led = asked(here(), NONE, rolling_back=True)
    assert isinstance(nobody_was_led, Wait) and nobody_was_led.status is SplitStatus.PROVEN


def test_another_image_is_rolled_out_first_and_the_next_step_waits_for_it_while_users_stay() -> None:
    found = replace(led(split(10)), injector_image="earlystop:2")
    first = asked(found)
    assert isinstance(first, Write) and [each["kind"] for each in first.objects] == ["Deployment"]
    assert first.then is not None and first.then.condition.reason == "InjectorNotReady"
    under_way = stored(found, first.objects, updatedReplicas=1, replicas=3)
    assert isinstance(asked(under_way), Wait)
    assert isinstance(asked(stored(found, first.objects)), Write)


def test_a_backend_without_a_weight_goes_through_the_injector_too() -> None:
    found = inputs({"matches": [prefix("/")], "backendRefs": [backend(weight=7)]}, spec=spec_in("RequestBody"))
    assert preflight(found, HALF) is None


def test_the_engine_is_asked_after_the_trial_and_before_users_and_what_it_refuses_leads_nobody() -> None:
    wanted = replace(HALF, token="of the campaign")
    ready_pods = stored(here(), MODE.render(here(), wanted).prerequisites)
    trial = MODE.probe_only(ready_pods, wanted)
    assert trial is not None and trial.asks_engine
    on_trial = stored(ready_pods, trial.objects)
    desired = desired_traffic(on_trial, wanted, rolling_back=False)
    first = decide(on_trial, desired, SHOWN, NOW)
    assert first == AskEngine(trial.targets)
    no = Refusal("NeedsServerFlag", "The engine says no.")
    refused = decide(on_trial, desired, replace(SHOWN, engine=EngineCheck(wanted.revision, NOW, no)), NOW)
    assert isinstance(refused, Wait) and refused.status is SplitStatus.NOT_WRITTEN
    assert (refused.condition.status, refused.condition.reason) == (ConditionStatus.FALSE, "NeedsServerFlag")
    taken = decide(on_trial, desired, replace(SHOWN, engine=EngineCheck(wanted.revision, NOW)), NOW)
    assert isinstance(taken, Write) and not serves_no_user(taken.objects[-1])


def test_a_campaign_without_a_token_asks_no_engine_since_no_question_could_be_told_from_a_clients() -> None:
    trial = MODE.probe_only(here(), HALF)
    assert trial is not None and not trial.asks_engine
