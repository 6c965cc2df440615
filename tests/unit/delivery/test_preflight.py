"""Why no traffic is touched: each refusal has its reason, and says what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.modes import mode_of
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.preflight import preflight
from earlystop.delivery.split import ShadowSetting
from tests.unit.delivery.cluster import (
    SHARE,
    backend,
    deployment,
    exact,
    gateway,
    header,
    inputs,
    owned_by,
    prefix,
    route,
    rule,
    service,
    spec_in,
    split,
)
from tests.unit.delivery.preflight_refusals import managed, refused, said
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import UID

REWRITE = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
HEADERS = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}}
COPIED = {"qa": service(), "headless": service("headless"), "recorder": service("recorder", app="recorder")}


def copied_to(name: str, share: dict[str, Any] | None = None, **more: str) -> dict[str, Any]:
    sent = {"percent": 5} if share is None else share
    return {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name, "port": 80, **more}, **sent}}


OVERLAY = ("HTTPRoute", overlay_name("qa"))
ALIAS = ("Service", alias_name("qa"))
REFUSED: dict[str, tuple[ClusterInputs, str, str]] = {
    "no deployment": (inputs(deployment=None), "TargetNotFound", "Create it or correct spec.targetRef.name"),
    "no route": (inputs(route=None), "RouteNotFound", "Create it or correct spec.delivery.gatewayHeader.routeRef.name"),
    "no gateway": (inputs(route=route(parentRefs=[])), "RouteDetached", "Write its parentRefs"),
    "managed": (
        inputs(route=managed(ownerReferences=[{"kind": "Canary", "name": "qa", "uid": "u", "controller": True}])),
        "RouteManaged",
        "managed by Canary qa",
    ),
    "argo": (
        inputs(route=managed(labels={"rollouts.argoproj.io/gatewayapi-canary": "qa"})),
        "RouteManaged",
        "Wait until it ends",
    ),
    "another name for a host": (
        inputs(services={"qa": {**service(), "spec": {**service()["spec"], "type": "ExternalName"}}}),
        "RouteMissesTarget",
        "of type ExternalName: another name for a host",
    ),
    "other pods": (inputs(services={"qa": service(app="else")}), "RouteMissesTarget", "Point a backendRef at"),
    "no service": (inputs(services={}), "ServiceNotFound", "Create it or correct the route's backendRef"),
    "a service of another namespace": (
        inputs({"matches": [prefix("/")], "backendRefs": [backend(namespace="elsewhere")]}),
        "ServiceElsewhere",
        "write the policy and a route there",
    ),
    "no such gateway": (inputs(gateways={}), "GatewayNotFound", "Create it or correct the route's parentRefs"),
    "no such listener": (
        inputs(route=route(parentRefs=[{"name": "edge", "sectionName": "tls"}])),
        "NoMatchingListener",
        "or add a listener",
    ),
    "a listener for other hosts": (
        inputs(route=said("False", "NoMatchingListenerHostname")),
        "NoMatchingListener",
        "Correct sectionName, port and hostnames",
    ),
    "no listener for the namespace": (
        inputs(route=said("False", "NotAllowedByListeners")),
        "RouteNotAllowed",
        "allow the namespace in allowedRoutes",
    ),
    "not accepted": (
        inputs(route=said("False", "UnsupportedValue", "no such filter.")),
        "RouteNotAccepted",
        "UnsupportedValue, no such filter. Fix the route",
    ),
    "kserve": (
        inputs(route=managed(labels={"serving.kserve.io/inferenceservice": "qa"})),
        "RouteManaged",
        "Give the predictor's Service an HTTPRoute of your own",
    ),
    "owned by kserve": (
        inputs(route=managed(ownerReferences=[{"kind": "LLMInferenceService", "name": "qa", "controller": True}])),
        "RouteManaged",
        "Give the service's Pods a Service and an HTTPRoute of your own",
    ),
    "ai gateway": (
        inputs(route=managed(ownerReferences=[{"kind": "AIGatewayRoute", "name": "qa", "controller": True}])),
        "RouteManaged",
        "Put a route of your own before it",
    ),
    "marked by ai gateway": (
        inputs(route=managed(annotations={"gateway.envoyproxy.io/ai-gateway-generated": "true"})),
        "RouteManaged",
        "Put a route of your own before it",
    ),
    "a header of the operator's": (
        inputs(rule(prefix("/", headers=[header("X-Early-Stop-Golden", "baseline")]))),
        "HeaderReserved",
        "Match on another header",
    ),
    "no selector": (
        inputs(services={"qa": {"metadata": {}, "spec": {"ports": []}}}),
        "RouteMissesTarget",
        "Point a backendRef at",
    ),
    "a pool": (
        inputs({"matches": [prefix("/")], "backendRefs": [backend(kind="InferencePool")]}),
        "BackendKindUnfit",
        "an injector as their sidecar",
    ),
    "a kind of a gateway": (
        inputs({"matches": [prefix("/")], "backendRefs": [backend(kind="AIServiceBackend")]}),
        "BackendKindUnfit",
        "Point a backendRef at a Service",
    ),
    "no rules": (inputs(route=route(rules=[])), "RouteMissesTarget", "Point a backendRef at"),
    "splits": (
        inputs({"matches": [prefix("/")], "backendRefs": [backend(), backend("other")]}),
        "RouteSplitsAlready",
        "Give the target a rule with one backendRef",
    ),
    "backend filters": (
        inputs({"matches": [prefix("/")], "backendRefs": [backend(filters=[HEADERS])]}),
        "BackendFilters",
        "Move them to the filters of the rule",
    ),
    "rewrites": (
        inputs(rule(prefix("/qa"), prefix("/qa2"), filters=[REWRITE])),
        "RouteRewritesPrefix",
        "Give each prefix a rule of its own",
    ),
    "copies to itself": (
        inputs(rule(prefix("/v1"), filters=[copied_to("headless")]), services=COPIED),
        "MirrorReachesTarget",
        "Mirror to Pods that the target does not have",
    ),
    "sessions": (inputs(rule(sessionPersistence={"sessionName": "s"})), "SessionPersistence", "Remove it"),
    "regular expression": (
        inputs(rule({"path": {"type": "RegularExpression", "value": "/.*"}})),
        "RouteTooSpecific",
        "Write it as a PathPrefix",
    ),
    "only gets": (inputs(rule(prefix("/", method="GET"))), "RouteWithoutPost", "or write POST"),
    "too many rules": (
        inputs(*(rule(exact(f"/ask/{n}")) for n in range(16))),
        "OverlayTooLarge",
        "17 rules, and Gateway API allows 16",
    ),
    "too many matches of a rule": (
        inputs(rule(*(exact(f"/ask/{n}") for n in range(65)))),
        "OverlayTooLarge",
        "matches, and Gateway API allows",
    ),
    "too many matches of a route": (
        inputs(rule(*(exact(f"/ask/{n}") for n in range(50))), rule(*(exact(f"/tell/{n}") for n in range(29)))),
        "OverlayTooLarge",
        "129 matches, and Gateway API allows 128. Write fewer rules and matches",
    ),
    "too many headers once probes ask for theirs": (
        inputs(rule(prefix("/", headers=[header(f"x-{n}", "1") for n in range(15)]))),
        "OverlayTooLarge",
        "17 headers in a match, and Gateway API allows 16",
    ),
    "too long a path": (
        inputs(rule(prefix("/" + 1020 * "a"))),
        "OverlayTooLarge",
        "1041 characters in a path, and Gateway API allows 1024",
    ),
    "overlap": (
        inputs(rule(), rule(prefix("/", headers=[header("x-beta", "1")]), to="other")),
        "RouteOverlaps",
        "different paths",
    ),
    "foreign overlay": (
        inputs(owned={OVERLAY: {"metadata": {"name": "x"}}}),
        "NameTaken",
        "was made by someone else. Remove or rename it",
    ),
    "another's overlay": (inputs(owned={OVERLAY: owned_by("another-uid", name="qa2")}), "NameTaken", "belongs to"),
    "foreign alias": (
        inputs(owned={ALIAS: {"metadata": {"name": "x"}}}),
        "NameTaken",
        "Service qa-es-candidate exists",
    ),
}


def test_a_policy_in_order_is_not_refused() -> None:
    assert refused(inputs()) is None
    assert refused(inputs(gateway_classes={})) is None


def test_what_the_policy_itself_owns_is_not_in_its_way() -> None:
    assert refused(inputs(owned={OVERLAY: owned_by(UID), ALIAS: owned_by(UID)})) is None


@every_row("name", REFUSED)
def test_each_refusal_has_its_reason_and_says_what_to_do(name: str) -> None:
    here, reason, advice = REFUSED[name]
    refusal = refused(here)
    assert refusal is not None
    assert (refusal.reason, advice in refusal.message) == (reason, True), refusal
    assert "None" not in refusal.message and refusal.message.endswith(".")


def test_the_field_to_correct_is_that_of_the_mode() -> None:
    refusal = refused(inputs(route=None, spec=spec_in("HeaderCohort")))
    assert refusal is not None and "correct spec.delivery.headerCohort.routeRef.name" in refusal.message


def test_every_alias_must_be_free() -> None:
    several, taken = split(10, 10, 10), {"metadata": {"name": "x"}}
    here = inputs(spec=spec_in("GatewayHeader", 3), owned={("Service", alias_name("qa", "w2")): taken})
    refusal = preflight(here, several)
    assert refusal is not None and (refusal.reason, "Service qa-es-w2 exists" in refusal.message) == ("NameTaken", True)
    assert preflight(inputs(spec=spec_in("GatewayHeader", 3)), several) is None


def test_two_aliases_of_one_name_are_refused() -> None:
    services = {"qa": service(), "qa-es-w": service("qa-es-w")}
    here = inputs(rule(to="qa"), rule(exact("/ask"), to="qa-es-w"), services=services)
    doubled = split(10, 10)
    one, other = doubled.candidates
    doubled = replace(doubled, variants=(doubled.baseline, replace(one, variant="w-es-b"), replace(other, variant="b")))
    refusal = preflight(here, doubled)
    assert refusal is not None and refusal.reason == "NameTaken" and "Two variants would share" in refusal.message


def test_a_header_that_is_too_long_is_refused() -> None:
    long = replace(SHARE, shadows=(ShadowSetting("w1", (("window", "1" * 4096),)),))
    refusal = preflight(inputs(), long)
    assert refusal is not None and refusal.reason == "OverlayTooLarge"
    assert "characters in a header's value, and Gateway API allows 4096" in refusal.message


def test_shadows_that_one_header_has_no_room_for_go_on_in_others_and_more_than_a_filter_takes_are_refused() -> None:
    values = tuple((f"parameter-{number:022d}", "1.123456") for number in range(8))

    def shadowing(number: int) -> Refusal | None:
        shadows = tuple(ShadowSetting(f"w{each}", values) for each in range(number))
        return preflight(inputs(), replace(SHARE, shadows=shadows))

    assert shadowing(15) is None, "two headers hold these"
    refusal = shadowing(200)
    assert refusal is not None and refusal.reason == "OverlayTooLarge"
    assert "headers to set, add or remove in a filter, and Gateway API allows 16" in refusal.message


def test_the_first_thing_in_the_way_is_told_first() -> None:
    refusal = refused(inputs(deployment=None, route=None, gateways={("llm", "edge"): gateway()}))
    assert refusal is not None and refusal.reason == "TargetNotFound"


def test_a_service_selects_the_target_by_some_of_its_labels() -> None:
    more = deployment()
    more["spec"]["template"]["metadata"]["labels"] = {"app": "qa-server", "version": "7"}
    assert refused(inputs(deployment=more)) is None


def test_as_many_matches_as_gateway_api_allows_are_overlaid() -> None:
    assert refused(inputs(rule(*(exact(f"/ask/{n}") for n in range(64))))) is None


def test_copies_of_requests_may_go_to_other_pods_and_the_service_that_gets_them_is_read() -> None:
    for copied in (copied_to("recorder"), copied_to("headless", namespace="elsewhere"), copied_to("gone")):
        assert refused(inputs(rule(prefix("/v1"), filters=[copied]), services=COPIED)) is None
    for none in ({"percent": 0}, {"fraction": {"numerator": 0, "denominator": 1000}}):
        assert refused(inputs(rule(prefix("/v1"), filters=[copied_to("headless", none)]), services=COPIED)) is None
    for some in ({}, {"percent": 100}, {"fraction": {"numerator": 1, "denominator": 1000}}):
        found = refused(inputs(rule(prefix("/v1"), filters=[copied_to("headless", some)]), services=COPIED))
        assert found is not None and found.reason == "MirrorReachesTarget"
    led = inputs(rule(prefix("/v1"), filters=[copied_to("recorder")]))
    assert ObjectKey("Service", "llm", "recorder") in set(mode_of(led.spec.delivery).objects_needed(led))
