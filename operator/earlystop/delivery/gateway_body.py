"""Mode GatewayBody: the overlay leads each variant's share to objects of the gateway's own, which write the variant's
values into bodies.

Behind all of them stands an injector. It answers probes, counts by the headers that the overlay sets, and finds out
whether each body has what its variant should have; what the gateway left out it writes, and tells. So nothing is taken
on trust from the gateway: the operator's own request for each variant goes the whole way before any user's does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Variant
from earlystop.delivery import agentgateway, envoy_ai_gateway
from earlystop.delivery.by_backend import ByBackend, has_split, probes, summary
from earlystop.delivery.injector.objects import (
    disruption_budget,
    injector_deployment,
    injector_service,
    network_policy,
)
from earlystop.delivery.injector.through_injector import Prerequisites, ThroughInjector
from earlystop.delivery.injector.upstream import injector_refusal, route_upstream, route_upstream_refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injector_name, overlay_name, written_backend_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.probes.variant_probes import through_golden_rules
from earlystop.delivery.proof import ProbeOnlyRules
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, backend_services, objects_needed
from earlystop.delivery.routes.attached_policies import policies_cover_aliases
from earlystop.delivery.routes.gateways import backend_filter_refusal
from earlystop.delivery.split import TrafficSplit

_INJECTORS = ("Service", "Deployment", "PodDisruptionBudget", "NetworkPolicy")


def _nothing(_: ClusterInputs, __: TrafficSplit) -> tuple[Manifest, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A gateway whose objects write bodies.

    product: its name. kinds: of the objects that there are one of for each variant. own_kinds: of those that there are
    one of for the policy, named as its injector. definitions: of all of them, with the version that is written.
    controllers: beginnings, before a slash, of the controllerName of GatewayClasses that take them.
    backends: how an overlay leads to them. behind: what else stands between them and the injector.
    unfit: why they could not write on the user's route, None when they can.
    settle_seconds: how old they have to be before users are led to them, 0 for the time between any two changes.
    """

    product: str
    kinds: tuple[str, ...]
    definitions: Mapping[ObjectKey, str]
    controllers: tuple[str, ...]
    backends: ByBackend
    unfit: Callable[[ClusterInputs], Refusal | None]
    own_kinds: tuple[str, ...] = ()
    behind: Callable[[ClusterInputs, TrafficSplit], tuple[Manifest, ...]] = _nothing
    settle_seconds: float = 0.0


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "AgentGateway": Writer(
            product="agentgateway",
            kinds=(agentgateway.KIND,),
            definitions={agentgateway.DEFINITION: agentgateway.VERSION},
            controllers=agentgateway.CONTROLLERS,
            backends=ByBackend(
                written_backend_name, agentgateway.backend, baseline_aliased=True, reference=agentgateway.reference
            ),
            unfit=agentgateway.path_unfit,
        ),
        "EnvoyAIGateway": Writer(
            product="Envoy AI Gateway",
            kinds=(envoy_ai_gateway.BACKEND, envoy_ai_gateway.AI_BACKEND, envoy_ai_gateway.ROUTE),
            own_kinds=(envoy_ai_gateway.BACKEND,),
            definitions=envoy_ai_gateway.DEFINITIONS,
            controllers=envoy_ai_gateway.CONTROLLERS,
            backends=ByBackend(
                written_backend_name,
                envoy_ai_gateway.way_back,
                baseline_aliased=True,
                reference=envoy_ai_gateway.reference,
                base=envoy_ai_gateway.base,
                headers=envoy_ai_gateway.headers,
            ),
            unfit=envoy_ai_gateway.way_unfit,
            behind=envoy_ai_gateway.behind,
            settle_seconds=envoy_ai_gateway.SECONDS_TO_SETTLE,
        ),
    }
)
"""By `gatewayBody.gateway`."""


def writer_of(inputs: ClusterInputs) -> Writer:
    """The policy's gateway."""
    own = inputs.spec.delivery.gateway_body
    assert own is not None  # the mode's own settings
    return WRITERS[own.gateway]


def needs(inputs: ClusterInputs) -> Iterable[ObjectKey]:
    """What any overlay needs, and whether the cluster knows the gateway's kinds."""
    yield from objects_needed(inputs)
    if inputs.writes_gateway_objects:
        yield from writer_of(inputs).definitions


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    writer, injector = writer_of(inputs), injector_name(inputs.policy)
    may_write = inputs.writes_gateway_objects
    variants = (Variant.BASELINE.value, *candidates) if may_write else ()
    services = backend_services(inputs)
    written = [
        (kind, written_backend_name(service, each))
        for kind in writer.kinds
        for service in services
        for each in variants
    ]
    own = [(kind, injector) for kind in (*_INJECTORS, *(writer.own_kinds if may_write else ()))]
    return [*own, *written, ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no object of the gateway's can write, or no injector count behind it; None when they can."""
    del split
    refused = injector_refusal(inputs) or gateway_unfit(inputs) or route_upstream_refusal(inputs)
    if refused is not None:
        return refused
    service = route_upstream(inputs).service
    return (
        writer_of(inputs).unfit(inputs)
        or backend_filter_refusal(inputs)
        or policies_cover_aliases(inputs, [(service, injector_name(inputs.policy))])
    )


def gateway_unfit(inputs: ClusterInputs) -> Refusal | None:
    """Why the gateway's objects would do nothing in this cluster or on the route's gateways, or None."""
    writer = writer_of(inputs)
    kinds = f"{writer.kinds[-1]}s"
    if not inputs.writes_gateway_objects:
        return Refusal(
            "GatewayBodyDisabled",
            f"This operator may make no {kinds}, which delivery.mode GatewayBody needs. Ask the cluster's admin to set "
            "gatewayBody.enabled in the chart's values, or write delivery.mode RequestBody.",
        )
    missing = next((each for each in writer.definitions if each not in inputs.objects), None)
    if missing is not None:
        return Refusal(
            "GatewayObjectsMissing",
            f"The cluster has no CustomResourceDefinition {missing.name}. Install {writer.product}, or write "
            "delivery.mode RequestBody, which needs nothing of a gateway's own.",
        )
    definitions = writer.definitions.items()
    older = next((each for each in definitions if not _is_served(inputs.objects[each[0]], each[1])), None)
    if older is not None:
        return Refusal(
            "GatewayObjectsMissing",
            f"CustomResourceDefinition {older[0].name} serves no {older[1]}, in which the operator writes. Install an "
            f"{writer.product} that has it, or write delivery.mode RequestBody, which needs nothing of a gateway's "
            "own.",
        )
    for gateway in inputs.gateways.values():
        name = gateway["spec"]["gatewayClassName"]
        controller = (inputs.gateway_classes.get(name) or {}).get("spec", {}).get("controllerName", "")
        if controller and not any(f"{controller}/".startswith(f"{each}/") for each in writer.controllers):
            return Refusal(
                "GatewayUnfit",
                f"GatewayClass {name} belongs to {controller}, which does not know {kinds}. Use an {writer.product}, "
                "or write delivery.mode RequestBody.",
            )
    return None


def _is_served(definition: Manifest, version: str) -> bool:
    """Whether a kind's definition serves a version; of one that lists none it is not known, and taken for granted."""
    versions = definition.get("spec", {}).get("versions", [])
    return not versions or any(each["name"] == version and each.get("served", True) for each in versions)


def _prerequisites(inputs: ClusterInputs, split: TrafficSplit) -> Prerequisites:
    """The injector and the gateway's objects."""
    writer, upstream = writer_of(inputs), route_upstream(inputs)
    deployment = injector_deployment(inputs, upstream)
    beside = (disruption_budget(inputs), network_policy(inputs))
    of_gateway = (*writer.behind(inputs, split), *writer.backends.aliases(inputs, split))
    return (injector_service(inputs, upstream), deployment, *beside, *of_gateway), deployment


def _through(inputs: ClusterInputs) -> ThroughInjector:
    writer = writer_of(inputs)
    return ThroughInjector(writer.backends, _prerequisites, writer.settle_seconds)


def _render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    return _through(inputs).render(inputs, split)


def _probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    return _through(inputs).probe_only(inputs, split)


MODE = RouteMode(
    needs=needs,
    refusal=refusal,
    render=_render,
    has_split=has_split,
    probe_only=_probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
