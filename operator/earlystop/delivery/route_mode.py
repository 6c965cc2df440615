"""What all modes share that overlay a user's route: what they read, what they check, and how they are proven.

A mode's own file states in one `RouteMode` what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.inputs import (
    INFERENCE_POOL,
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.names import overlay_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.overlay import can_lead_to_pools, detached_route, mirrors
from earlystop.delivery.probes.target import why_no_probe
from earlystop.delivery.proof import ProbeOnlyRules, Probes, ProbeTarget, SplitProof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.routes.attached_policies import policies_cover_overlay
from earlystop.delivery.routes.attachment import route_has_a_gateway, route_is_accepted, route_is_the_users
from earlystop.delivery.routes.gateway_limits import excess
from earlystop.delivery.routes.gateways import overlay_refusal
from earlystop.delivery.routes.route_checks import (
    overlay_can_win,
    route_exists,
    route_reaches_target,
    rules_can_be_overlaid,
)
from earlystop.delivery.split import TrafficSplit

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
    rules = inputs.route["spec"].get("rules", []) if inputs.route is not None else []
    for name in dict.fromkeys([*backend_services(inputs), *(name for each in rules for name in mirrors(each, inputs))]):
        yield ObjectKey("Service", inputs.namespace, name)
    for name in backend_pools(inputs):
        yield ObjectKey(INFERENCE_POOL, inputs.namespace, name)
    for reference in inputs.route["spec"].get("parentRefs", []) if inputs.route is not None else []:
        if reference.get("kind", "Gateway") == "Gateway":
            yield ObjectKey("Gateway", reference.get("namespace", inputs.namespace), reference["name"])
    for gateway in inputs.gateways.values():
        yield ObjectKey("GatewayClass", None, gateway["spec"]["gatewayClassName"])


def backend_services(inputs: ClusterInputs) -> list[str]:
    """Names of the Services of the policy's namespace that the user's route leads to, sorted."""
    return _backends_of_kind(inputs, "Service")


def backend_pools(inputs: ClusterInputs) -> list[str]:
    """Names of the InferencePools that the route leads to; none where the mode cannot lead there or the operator may
    not."""
    return _backends_of_kind(inputs, INFERENCE_POOL) if can_lead_to_pools(inputs) else []


def _backends_of_kind(inputs: ClusterInputs, kind: str) -> list[str]:
    if inputs.route is None:
        return []
    references = [
        backend
        for rule in inputs.route["spec"].get("rules", [])
        for backend in rule.get("backendRefs", [])
        if backend.get("kind", "Service") == kind and backend.get("namespace", inputs.namespace) == inputs.namespace
    ]
    return sorted({reference["name"] for reference in references})


def route_refusal(inputs: ClusterInputs) -> Refusal | None:
    """The first reason why the user's route cannot be overlaid, None when it can."""
    refusals = (check(inputs) for check in CHECKS)
    return next((refusal for refusal in refusals if refusal is not None), None)


def size_refusal(inputs: ClusterInputs, rendered: Rendered, probe_only: ProbeOnlyRules | None) -> Refusal | None:
    """Why Gateway API would refuse the overlay as too large, None when it fits, also while it holds rules for probes
    alone."""
    if rendered.primary is None:
        return None  # what was promoted needs no overlay any more
    overlays = [rendered.primary, *(probe_only.objects[-1:] if probe_only is not None else ())]
    too_much = next((found for each in overlays if (found := excess(each["spec"]["rules"]))), None)
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


def owned_overlay(inputs: ClusterInputs, _: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of the overlay, for a mode that owns nothing else."""
    return [("HTTPRoute", overlay_name(inputs.policy))]


def nothing_to_show(_: ClusterInputs, __: TrafficSplit) -> None:
    """Users need not wait for probes: every conformant gateway sets a rule's headers, and the mode asks for no more."""


def no_variant_probes(_: ClusterInputs, __: TrafficSplit, ___: Manifest) -> tuple[ProbeTarget, ...]:
    """No variant can be asked for by itself."""
    return ()


def incumbent_refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why a mode that leads nobody by weights cannot let the incumbent of a search serve, None where there is none."""
    if split.incumbent is None:
        return None
    return Refusal(
        "IncumbentNotDelivered",
        f"A setting that the search has proven cannot serve while others are tried, since delivery.mode "
        f"{inputs.spec.delivery.mode} moves no share of requests. Write a mode that does, such as GatewayHeader, or "
        "remove the search.",
    )


def no_refusal(_: ClusterInputs, __: TrafficSplit) -> None:
    """What any overlay needs is all that the mode needs."""


@dataclass(frozen=True, kw_only=True)
class RouteMode:
    """A mode (`delivery.modes.Mode`) that overlays the user's route. Its fields are all in which such modes differ.

    render, has_split, summary, owned_names, probe_only, retrial: as `Mode` describes them.
    probes: what to ask through the gateway to prove the split by the overlay; empty when nothing can be asked.
    by_variant: as `Probes.by_variant` describes it.
    needs: as `Mode.objects_needed`, for a mode that reads more than any overlay needs.
    refusal: why the mode's own rules for the split cannot be put over a route that any overlay could be put over,
        None when they can.
    """

    render: Callable[[ClusterInputs, TrafficSplit], Rendered]
    has_split: Callable[[Manifest, Delivery, TrafficSplit], bool]
    probes: Callable[[ClusterInputs, TrafficSplit, Manifest], list[ProbeTarget]]
    summary: Callable[[TrafficSplit], str]
    by_variant: Callable[[ClusterInputs, TrafficSplit, Manifest], Sequence[ProbeTarget]] = no_variant_probes
    refusal: Callable[[ClusterInputs, TrafficSplit], Refusal | None] = no_refusal
    owned_names: Callable[[ClusterInputs, Sequence[str]], list[tuple[str, str]]] = owned_overlay
    probe_only: Callable[[ClusterInputs, TrafficSplit], ProbeOnlyRules | None] = nothing_to_show
    retrial: Callable[[ClusterInputs, TrafficSplit], ProbeOnlyRules | None] = nothing_to_show
    needs: Callable[[ClusterInputs], Iterable[ObjectKey]] = objects_needed

    serves_users = staticmethod(serves_users)
    baseline_only = staticmethod(baseline_only)
    detached = staticmethod(detached)

    def objects_needed(self, inputs: ClusterInputs) -> Iterable[ObjectKey]:
        """What the mode has to read."""
        return self.needs(inputs)

    def check(self, inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
        """Why no overlay can put the split in force on the user's route, None when one can."""
        refusal = route_refusal(inputs) or self.refusal(inputs, split)
        return refusal or size_refusal(inputs, self.render(inputs, split), self.probe_only(inputs, split))

    def proof(self, inputs: ClusterInputs, split: TrafficSplit, rendered: Rendered) -> SplitProof:
        """The split is proven by probes, or by metrics where none can be sent."""
        assert rendered.primary is not None  # the overlay
        targets = tuple(self.probes(inputs, split, rendered.primary))
        if not targets:
            return why_no_probe(inputs, rendered.primary)
        by_variant = tuple(self.by_variant(inputs, split, rendered.primary))
        in_shadow = bool(split.shadows) and not split.gives_others
        return Probes(targets, targets if in_shadow else by_variant)
