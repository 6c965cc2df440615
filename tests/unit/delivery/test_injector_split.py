"""Mode RequestBody whose injector draws the variant: by a route, and by a Service that clients use themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.api.policy import PolicySpec
from earlystop.delivery.decide import decide
from earlystop.delivery.decisions import Detach, Probe, SplitStatus, TrafficDecision, Wait, Write
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.modes import mode_of
from earlystop.delivery.names import overlay_name
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probes.engine_check import AskEngine, EngineCheck
from earlystop.delivery.processes_behind import processes_behind
from earlystop.delivery.proof import Reports
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_view import TrafficView
from earlystop.exporter.settings_document import SettingsDocument, read_document
from earlystop.injector.drawing import KINDS
from earlystop.metrics.convention.reports import ProcessReport
from tests.unit.delivery.cluster import in_bodies, inputs, prefix, rule, running, service, split
from tests.unit.rollout.policies import policy

HALF, NONE, ALL = split(50, token="t"), split(0, token="t"), split(100, token="t")
NOW, LONG_AGO = 1_000_000.0, "1970-01-02T00:00:00Z"
NAME, OVERLAY = "qa-es-injector", overlay_name("qa")
BY_ROUTE: Mapping[str, Any] = {"routeRef": {"name": "qa"}}
BY_SERVICE: Mapping[str, Any] = {"serviceRef": {"name": "qa", "port": 80}}
NOT_YET = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.UNKNOWN, "NotYet", "Nothing has been asked for.")


def spec(way: Mapping[str, Any], **more: Any) -> PolicySpec:
    request_body = {**way, "engine": "VLLM", "split": "Injector", **more}
    delivery = {"gatewayHeader": None, "mode": "RequestBody", "requestBody": request_body}
    return policy({"parameters": in_bodies(), "delivery": delivery})


def here(way: Mapping[str, Any], **more: Any) -> ClusterInputs:
    settings = {key: more.pop(key) for key in ("userKey", "injector") if key in more}
    return inputs(spec=spec(way, **settings), **more)


def made(found: ClusterInputs, wanted: TrafficSplit, kind: str, name: str = NAME) -> Manifest:
    objects = mode_of(found.spec.delivery).render(found, wanted).objects
    (manifest,) = (each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return manifest


def weights(found: ClusterInputs, wanted: TrafficSplit) -> SettingsDocument:
    (text,) = made(found, wanted, "ConfigMap")["data"].values()
    return read_document(text)


def stored(found: ClusterInputs, wanted: TrafficSplit, **status: int) -> ClusterInputs:
    """The objects of a split as a server keeps them, the injector's Pods ready but for this status."""
    kept = []
    for each in mode_of(found.spec.delivery).render(found, wanted).objects:
        whole = running(each)
        if "status" in whole:
            whole = {**whole, "status": whole["status"] | status}
        kept.append({**whole, "metadata": {**each["metadata"], "creationTimestamp": LONG_AGO, "generation": 1}})
    return found.with_objects(kept)


def asked(found: ClusterInputs, wanted: TrafficSplit, rolling_back: bool = False, **known: Any) -> TrafficDecision:
    view = TrafficView(condition=NOT_YET, **known)
    return decide(found, desired_traffic(found, wanted, rolling_back), view, NOW)


# What is made


@pytest.mark.parametrize("way", [BY_ROUTE, BY_SERVICE], ids=["by route", "by Service"])
def test_the_weights_are_in_a_file_that_the_pods_mount_and_their_rolling_update_is_not_needed(
    way: Mapping[str, Any],
) -> None:
    found = here(way)
    assert made(found, HALF, "Deployment") == made(found, ALL, "Deployment")
    assert weights(found, HALF).weights == (("baseline", 50), ("candidate", 50))
    pod = made(found, HALF, "Deployment")["spec"]["template"]["spec"]
    (volume,), (container,) = pod["volumes"], pod["containers"]
    assert volume["configMap"]["name"] == made(found, HALF, "ConfigMap")["metadata"]["name"]
    (mount,), (key,) = container["volumeMounts"], made(found, HALF, "ConfigMap")["data"]
    assert f"--weights={mount['mountPath']}/{key}" in container["args"] and "subPath" not in mount


def test_pods_that_write_other_fields_find_no_weights_of_a_campaign_that_needs_these() -> None:
    parameters = [{**each, "body": {"paths": [{"api": "Completions", "path": "other"}]}} for each in in_bodies()]
    edited = policy({"parameters": parameters, "delivery": spec(BY_ROUTE).delivery.wire()})
    before, after = (made(inputs(spec=each), HALF, "ConfigMap") for each in (spec(BY_ROUTE), edited))
    assert before["data"].keys().isdisjoint(after["data"])


@pytest.mark.parametrize("way", [BY_ROUTE, BY_SERVICE], ids=["by route", "by Service"])
def test_every_object_is_owned_by_the_policy_and_named_beforehand(way: Mapping[str, Any]) -> None:
    found = here(way)
    mode = mode_of(found.spec.delivery)
    for each in mode.render(found, HALF).objects:
        (controller,) = (owner for owner in each["metadata"]["ownerReferences"] if owner.get("controller"))
        assert controller["uid"] == found.uid
        assert (each["kind"], each["metadata"]["name"]) in mode.owned_names(found, ["candidate"])


@pytest.mark.parametrize(
    ("key", "argument"),
    [
        ({"kind": "Header", "name": "x-user"}, "--user-key=Header=x-user"),
        ({"kind": "Cookie", "name": "sid"}, "--user-key=Cookie=sid"),
        ({"kind": "ApiKey"}, "--user-key=ApiKey"),
    ],
)
def test_users_keep_their_variant_by_the_key_that_the_policy_names(key: dict[str, str], argument: str) -> None:
    found = here(BY_ROUTE, userKey=key)
    (container,) = made(found, HALF, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert argument in container["args"] and key["kind"] in KINDS
    assert weights(found, HALF).drawn_by == "User" and found.spec.delivery.traits.same_users
    assert weights(here(BY_ROUTE), HALF).drawn_by == "Request"


def test_the_overlay_needs_no_filter_and_leads_each_of_the_users_rules_to_the_injector_alone() -> None:
    found = inputs(rule(prefix("/v1"), prefix("/other")), rule(prefix("/v2")), spec=spec(BY_ROUTE))
    for each in made(found, HALF, "HTTPRoute", OVERLAY)["spec"]["rules"]:
        assert "filters" not in each
        (backend,) = each["backendRefs"]
        assert (backend["name"], backend["port"], backend["weight"]) == (NAME, 80, 100) and "filters" not in backend


@pytest.mark.parametrize(
    "controller", ["gateway.nginx.org/nginx-gateway-controller", "konghq.com/kic-gateway-controller"]
)
def test_gateways_without_filters_on_backends_are_served(controller: str) -> None:
    classes = {"traefik": {"metadata": {"name": "traefik"}, "spec": {"controllerName": controller}}}
    assert preflight(here(BY_ROUTE, gateway_classes=classes), HALF) is None


def test_what_cannot_be_led_is_refused_with_a_sentence() -> None:
    def reason(found: ClusterInputs, wanted: TrafficSplit = HALF) -> str:
        refused = preflight(found, wanted)
        assert refused is not None and refused.message.endswith(".")
        return refused.reason

    for way in (BY_ROUTE, BY_SERVICE):
        assert reason(here(way, injector_image="")) == "InjectorDisabled"
        assert reason(here(way), split(0, shadows=1)) == "ShadowNotDelivered"
        affine = service()
        affine["spec"]["sessionAffinity"] = "ClientIP"
        assert reason(here(way, services={"qa": affine})) == "UpstreamUnfit"
    for other in ({}, {"qa": service(app="other")}):
        assert reason(here(BY_SERVICE, services=other)) == "UpstreamUnfit"
    assert reason(here({"serviceRef": {"name": "qa", "port": 81}})) == "UpstreamUnfit"


# When users are led


def test_by_a_route_users_are_led_after_the_pods_are_ready_and_the_gateway_and_the_engine_have_answered() -> None:
    found = here(BY_ROUTE)
    first = asked(found, HALF)
    assert isinstance(first, Write) and first.then is not None and first.then.condition.reason == "InjectorNotReady"
    assert OVERLAY not in [each["metadata"]["name"] for each in first.objects]
    ready = stored(found, HALF)
    ready = replace(ready, objects={key: each for key, each in ready.objects.items() if key.name != OVERLAY})
    trial = asked(ready, HALF)
    assert isinstance(trial, Write) and serves_no_user(trial.objects[-1])
    tried = ready.with_objects(trial.objects)
    probes = asked(tried, HALF)
    assert isinstance(probes, Probe) and {target.weights for target in probes.targets} == {
        (("baseline", 100),),
        (("candidate", 100),),
    }
    assert isinstance(asked(tried, HALF, proven_on_probes=HALF), AskEngine)
    answered = EngineCheck(HALF.revision, NOW, None)
    led = asked(tried, HALF, proven_on_probes=HALF, engine=answered)
    assert isinstance(led, Write) and not serves_no_user(led.objects[-1])
    refused = EngineCheck(HALF.revision, NOW, Refusal("NeedsServerFlag", "The engine refuses it."))
    stays = asked(tried, HALF, proven_on_probes=HALF, engine=refused)
    assert isinstance(stays, Wait) and stays.condition.reason == "NeedsServerFlag"


def test_a_rise_is_a_change_of_the_weights_alone_and_a_fall_takes_users_off_at_once() -> None:
    led = stored(here(BY_ROUTE), HALF)
    rise, fall = asked(led, ALL), asked(led, NONE, rolling_back=True)
    assert isinstance(rise, Write) and [each["kind"] for each in rise.objects] == ["ConfigMap"]
    assert isinstance(fall, Write) and fall.then is None
    assert {each["kind"] for each in fall.objects} == {"ConfigMap", "HTTPRoute"}
    assert serves_no_user(next(each for each in fall.objects if each["kind"] == "HTTPRoute"))


def test_without_a_route_clients_are_led_to_the_injector_while_a_candidate_is_tried_and_else_to_the_engine() -> None:
    found = here(BY_SERVICE)
    mode = mode_of(found.spec.delivery)
    users, pods = service()["spec"], made(found, HALF, "Deployment")["spec"]["template"]["metadata"]["labels"]
    to_injector, to_engine = (made(found, each, "Service")["spec"] for each in (HALF, NONE))
    assert to_injector["selector"].items() <= pods.items() and to_injector["ports"][0]["targetPort"] == 8000
    assert to_engine["selector"] == users["selector"] and to_engine["ports"][0]["targetPort"] == 8080
    assert to_injector["ports"][0]["port"] == to_engine["ports"][0]["port"] == 80
    led = stored(found, HALF)
    assert mode.serves_users(led) and not mode.serves_users(stored(found, NONE))
    fall = asked(led, NONE, rolling_back=True)
    assert isinstance(fall, Write) and {each["kind"] for each in fall.objects} == {"ConfigMap", "Service"}
    assert mode.render(found, HALF).left_to_do == "" and NAME in mode.render(led, HALF).left_to_do


SERVES = split(0, incumbent=100)
"""Between two trials of a search, and after its end: the best certified setting serves, and no candidate."""


@pytest.mark.parametrize("way", [BY_ROUTE, BY_SERVICE], ids=["by route", "by Service"])
@pytest.mark.parametrize("share", [100, 60])
def test_users_stay_led_to_the_injector_while_only_an_incumbent_serves(way: Mapping[str, Any], share: int) -> None:
    wanted = split(0, incumbent=share)
    led = stored(here(way), wanted)
    mode = mode_of(led.spec.delivery)
    assert mode.serves_users(led) and weights(led, wanted).weights[1] == ("incumbent", share)
    if way is BY_ROUTE:
        overlay = made(led, wanted, "HTTPRoute", OVERLAY)
        assert not serves_no_user(overlay) and mode.has_split(overlay, led.spec.delivery, wanted)
        assert not mode.has_split(made(led, NONE, "HTTPRoute", OVERLAY), led.spec.delivery, wanted)
    trial = stored(here(way), split(25, incumbent=50))
    fall = asked(trial, wanted)
    assert isinstance(fall, Write) and [each["kind"] for each in fall.objects] == ["ConfigMap"]


@pytest.mark.parametrize("way", [BY_ROUTE, BY_SERVICE], ids=["by route", "by Service"])
def test_an_incumbent_is_taken_off_with_all_else_when_the_baseline_shall_have_all(way: Mapping[str, Any]) -> None:
    led = stored(here(way), SERVES)
    fall = asked(led, split(0, incumbent=0), rolling_back=True)
    assert isinstance(fall, Write) and fall.then is None
    assert not mode_of(led.spec.delivery).serves_users(led.with_objects(fall.objects))


@pytest.mark.parametrize("way", [BY_ROUTE, BY_SERVICE], ids=["by route", "by Service"])
def test_where_no_pod_is_ready_any_more_users_go_by_their_own_way_and_return_once_some_are(
    way: Mapping[str, Any],
) -> None:
    found = here(way)
    gone = stored(found, HALF, readyReplicas=0)
    off = asked(gone, HALF)
    assert isinstance(off, Detach) and off.condition.reason == "InjectorNotReady"
    without = gone.with_objects({"kind": each["kind"], **each} for each in off.objects)
    assert not mode_of(found.spec.delivery).serves_users(without)
    assert not isinstance(asked(without, HALF), Detach), "the same objects would be written again and again"
    one_left = asked(stored(found, HALF, readyReplicas=1), HALF, wanted_since=NOW)
    assert isinstance(one_left, Wait) and one_left.status is SplitStatus.WRITTEN


@pytest.mark.parametrize(
    "users", [None, {"metadata": {"name": "qa"}, "spec": {"ports": []}}], ids=["gone", "no selector"]
)
def test_where_the_engines_service_leads_nowhere_any_more_open_connections_get_the_baseline(users: Any) -> None:
    led = stored(here(BY_SERVICE), HALF)
    key = next(each for each in led.objects if (each.kind, each.name) == ("Service", "qa"))
    lost = replace(led, objects={each: found for each, found in led.objects.items() if each != key})
    lost = lost if users is None else replace(lost, objects={**lost.objects, key: users})
    off = asked(lost, HALF)
    assert isinstance(off, Detach) and off.condition.reason == "UpstreamUnfit"
    (weighed,) = off.objects
    assert [read_document(text).weights[0] for text in weighed["data"].values()] == [("baseline", 100)]


# How it is proven


def test_weights_are_in_force_once_each_ready_pod_reports_them_and_not_while_one_is_silent_or_behind() -> None:
    led = stored(here(BY_ROUTE), HALF)
    proof = mode_of(led.spec.delivery).proof(led, HALF, mode_of(led.spec.delivery).render(led, HALF))
    assert isinstance(proof, Reports) and (proof.digest, proof.fewest) == (weights(led, HALF).digest, 2)

    def said(*digests: str) -> str | None:
        reports = [ProcessReport(f"p{number}", "r", "1", digest) for number, digest in enumerate(digests)]
        behind = processes_behind(reports, proof.digest, proof.fewest)
        return None if behind is None else behind.reason

    assert said(proof.digest, proof.digest) is None
    assert said(proof.digest, "another") == said(proof.digest) == "ProcessesBehind"
    assert said() == "NoProcessReports"
