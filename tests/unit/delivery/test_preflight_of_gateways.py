"""A gateway that cannot serve a rollout, or does not serve the user's route, is told before any traffic is touched."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.modes import route_modes
from earlystop.delivery.routes.gateways import (
    BACKEND_HEADERS,
    CONTROLLERS_WITHOUT_BACKEND_FILTERS,
    CONTROLLERS_WITHOUT_OVERLAYS,
    METHODS,
)
from tests.unit.delivery.cluster import (
    gateway,
    inputs,
    route,
    spec_in,
)
from tests.unit.delivery.preflight_refusals import managed, refused, said


@pytest.mark.parametrize("controller", CONTROLLERS_WITHOUT_BACKEND_FILTERS)
def test_a_gateway_that_fails_on_filters_of_a_backend_is_refused_before_any_request_is_lost(controller: str) -> None:
    classes = {"traefik": {"spec": {"controllerName": controller}}}
    refusal = refused(inputs(gateway_classes=classes))
    assert refusal is not None and refusal.reason == "GatewayUnfit"
    assert "HeaderCohort or Shadow" in refusal.message


@pytest.mark.parametrize("mode", ["HeaderCohort", "Shadow"])
@pytest.mark.parametrize("controller", CONTROLLERS_WITHOUT_BACKEND_FILTERS)
def test_such_a_gateway_serves_the_modes_that_need_core_features_only(controller: str, mode: str) -> None:
    here = inputs(gateway_classes={"traefik": {"spec": {"controllerName": controller}}}, spec=spec_in(mode))
    assert refused(here) is None


@pytest.mark.parametrize("mode", route_modes())
def test_a_gateway_that_matches_no_methods_is_refused_in_every_mode(mode: str) -> None:
    (controller,) = CONTROLLERS_WITHOUT_OVERLAYS
    here = inputs(gateway_classes={"traefik": {"spec": {"controllerName": controller}}}, spec=spec_in(mode))
    refusal = refused(here)
    assert refusal is not None and refusal.reason == "GatewayUnfit" and "Use another gateway." in refusal.message


@pytest.mark.parametrize(
    ("listed", "fit"),
    [
        (None, True),
        ([], True),
        ([{"name": "HTTPRoute"}, {"name": BACKEND_HEADERS}, {"name": METHODS}], True),
        (["HTTPRoute", BACKEND_HEADERS, METHODS], True),
        (["HTTPRoute", METHODS], False),
        ([{"name": "HTTPRoute"}], False),
        (["HTTPRoute"], False),
    ],
)
def test_listed_features_are_believed_and_a_missing_list_is_no_no(listed: list[Any] | None, fit: bool) -> None:
    status = {} if listed is None else {"supportedFeatures": listed}
    named = {"metadata": {"name": "traefik"}, "spec": {"controllerName": "traefik.io/x"}, "status": status}
    refusal = refused(inputs(gateway_classes={"traefik": named}))
    assert (refusal is None) is fit
    if refusal is not None:
        assert refusal.reason == "GatewayUnfit" and BACKEND_HEADERS in refusal.message
    assert refused(inputs(gateway_classes={"traefik": named}, spec=spec_in("Shadow"))) is None


@pytest.mark.parametrize("mode", route_modes())
def test_a_class_that_lists_more_than_the_core_and_no_methods_is_refused_in_every_mode(mode: str) -> None:
    listed = ["HTTPRoute", "HTTPRoutePathRewrite", "HTTPRouteResponseHeaderModification", BACKEND_HEADERS]
    named = {"metadata": {"name": "edge"}, "spec": {"controllerName": "example.com/x"}}
    here = inputs(gateway_classes={"traefik": {**named, "status": {"supportedFeatures": listed}}}, spec=spec_in(mode))
    refusal = refused(here)
    assert refusal is not None and refusal.reason == "GatewayUnfit" and METHODS in refusal.message


@pytest.mark.parametrize(
    "users",
    [
        said("True", "Accepted"),
        said("Unknown", "Pending"),
        said("False", "NoMatchingParent", sectionName="of-another-parent"),
        managed(generation=4) | {"status": said("False", "NoMatchingParent")["status"]},
    ],
    ids=["accepted", "unknown", "of another parent", "of an older generation"],
)
def test_only_a_gateways_present_no_is_believed(users: dict[str, Any]) -> None:
    assert refused(inputs(route=users)) is None


@pytest.mark.parametrize("reason", ["NoMatchingParent", "NoMatchingListenerHostname"])
def test_of_a_listener_that_does_not_serve_the_gateways_own_words_are_told(reason: str) -> None:
    conditions = [
        {"type": "Accepted", "status": "True", "reason": "Accepted"},
        {
            "type": "ResolvedRefs",
            "status": "False",
            "reason": "InvalidCertificateRef",
            "message": "Secret llm/edge-tls does not exist.",
        },
    ]
    listeners = [{"name": "other", "conditions": []}, {"name": "web", "conditions": conditions}]
    edge = gateway() | {"status": {"listeners": listeners}}
    refusal = refused(inputs(route=said("False", reason), gateways={("llm", "edge"): edge}))
    assert refusal is not None and refusal.reason == "NoMatchingListener"
    assert (
        "listener web: InvalidCertificateRef, Secret llm/edge-tls does not exist. Fix the listener" in refusal.message
    )
    served = gateway() | {"status": {"listeners": [{"name": "web", "conditions": conditions[:1]}]}}
    refusal = refused(inputs(route=said("False", reason), gateways={("llm", "edge"): served}))
    assert refusal is not None and f"its Gateway says {reason}" in refusal.message


def test_of_a_listener_with_several_faults_the_cause_is_told_and_not_what_follows_from_it() -> None:
    conditions = [
        {"type": "Programmed", "status": "False", "reason": "Invalid", "message": "Listener is invalid."},
        {"type": "ResolvedRefs", "status": "False", "reason": "InvalidCertificateRef", "message": "No such Secret."},
    ]
    edge = gateway() | {"status": {"listeners": [{"name": "web", "conditions": conditions}]}}
    refusal = refused(inputs(route=said("False", "NoMatchingParent"), gateways={("llm", "edge"): edge}))
    assert refusal is not None and "listener web: InvalidCertificateRef, No such Secret. Fix" in refusal.message


def test_a_parent_of_a_mesh_is_left_to_the_probe() -> None:
    parents = [{"group": "", "kind": "Service", "name": "qa"}]
    assert refused(inputs(route=route(parentRefs=parents), gateways={}, gateway_classes={})) is None
