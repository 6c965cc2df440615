"""What all modes share that overlay a user's route: what they read, what they check, and how they are proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from earlystop.api.conditions import Refusal
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.attached_policies import policies_cover_overlay
from earlystop.delivery.attachment import route_has_a_gateway, route_is_accepted, route_is_the_users
from earlystop.delivery.gateway_limits import excess
from earlystop.delivery.gateways import overlay_refusal
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.inputs import ClusterInputs, Manifest, ObjectKey
from earlystop.delivery.names import overlay_name
from earlystop.delivery.overlay import detached_route
from earlystop.delivery.proof import Metrics, Probes, ProbeTarget, SplitProof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_checks import (
    overlay_can_win,
    route_exists,
    route_reaches_target,
    rules_can_be_overlaid,
)

NO_GATEWAY_ADDRESS = Metrics(
    "NoGatewayAddress",
    "No plain-http address of the Gateway is known, so no probe can prove the weights; metrics must.",
)

CHECKS: tuple[Callable[[ClusterInputs], Refusal | None], ...] = (
    route_exists,
    route_has_a_gateway,
    route_is_the_users,
    route_is_accepted,
    route_reaches_target,
    rules_can_be_overlaid,
    overlay_can_win,
    policies_cover_overlay,
    overlay_refusal,
)


def objects_needed(inputs: ClusterInputs) -> Iterable[ObjectKey]:
    """The user's route, then its Services and Gateways, then the classes of those Gateways."""
    yield ObjectKey("HTTPRoute", inputs.namespace, inputs.route_name)
    for name in backend_services(inputs):
        yield ObjectKey("Service", inputs.namespace, name)
    for reference in inputs.route["spec"].get("parentRefs", []) if inputs.route is not None else []:
        if reference.get("kind", "Gateway") == "Gateway":
            yield ObjectKey("Gateway", reference.get("namespace", inputs.namespace), reference["name"])
    for gateway in inputs.gateways.values():
        yield ObjectKey("GatewayClass", None, gateway["spec"]["gatewayClassName"])


def backend_services(inputs: ClusterInputs) -> list[str]:
    """Names of the Services of the policy's namespace that the user's route leads to, sorted."""
    if inputs.route is None:
        return []
    references = [
        backend
        for rule in inputs.route["spec"].get("rules", [])
        for backend in rule.get("backendRefs", [])
        if backend.get("kind", "Service") == "Service"
        and backend.get("namespace", inputs.namespace) == inputs.namespace
    ]
    return sorted({reference["name"] for reference in references})


def route_refusal(inputs: ClusterInputs) -> Refusal | None:
    """The first reason why the user's route cannot be overlaid, None when it can."""
    refusals = (check(inputs) for check in CHECKS)
    return next((refusal for refusal in refusals if refusal is not None), None)


def size_refusal(inputs: ClusterInputs, rendered: Rendered) -> Refusal | None:
    """Why Gateway API would refuse the overlay as too large, None when it fits."""
    assert rendered.primary is not None  # the overlay
    too_much = excess(rendered.primary["spec"]["rules"])
    if too_much is None:
        return None
    return Refusal(
        "OverlayTooLarge",
        f"The overlay of HTTPRoute {inputs.route_name} would need {too_much}. Write fewer rules and matches "
        "that lead to the target, fewer candidates, or fewer cohort values.",
    )


def present_overlay(inputs: ClusterInputs) -> Manifest | None:
    """The policy's overlay as it is found in the cluster."""
    return inputs.own("HTTPRoute", overlay_name(inputs.policy))


def serves_users(inputs: ClusterInputs) -> bool:
    """Whether an overlay is found that leads any user's request."""
    overlay = present_overlay(inputs)
    return overlay is not None and not serves_no_user(overlay)


def baseline_only(inputs: ClusterInputs) -> list[Manifest]:
    """The overlay that is found, of whatever mode, with all requests on the baseline."""
    overlay = present_overlay(inputs)
    return [all_to_baseline(inputs, overlay)] if overlay is not None else []


def detached(inputs: ClusterInputs) -> list[Manifest]:
    """The overlay that is found, of whatever mode, attached to no Gateway, and with the baseline for everybody should
    somebody attach it."""
    return [detached_route(each) for each in baseline_only(inputs)]


def by_probes(targets: Sequence[ProbeTarget]) -> SplitProof:
    """Proof by probes to these targets, or by metrics where there is none."""
    return Probes(tuple(targets)) if targets else NO_GATEWAY_ADDRESS
