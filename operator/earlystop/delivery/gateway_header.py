"""Mode GatewayHeader: an overlay HTTPRoute sets each variant's headers on its share of completion requests.

Each candidate's share goes through an alias Service, since some gateways key the filters of a backend by its
Service's name. The alias is owned by the Service that it doubles as well: a gateway that hears of its end before it
hears of the overlay's would answer 500, so it stays, without any request, until the operator lets it go (`orphans`).
Where query classes have settings of their own (`class_rules`), the overlay needs no alias.
"""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery import by_backend, class_rules
from earlystop.delivery.alias_service import alias_service
from earlystop.delivery.by_backend import ByBackend, weights_in
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.probes.variant_probes import through_golden_rules
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, backend_services
from earlystop.delivery.split import TrafficSplit

__all__ = ["BACKENDS", "MODE", "has_split", "owned_names", "probes", "render", "summary", "weights_in"]

BACKENDS = ByBackend(alias_name, lambda inputs, users, each: alias_service(inputs, users.backend["name"], each.variant))


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    aliases = [("Service", alias_name(service, each)) for service in backend_services(inputs) for each in candidates]
    return [*aliases, ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why neither the split nor, with `objective.perClass`, the rules of classes can be put over the user's route; None
    when they can."""
    of_classes = class_rules.refusal(inputs, split) if inputs.spec.objective.per_class else None
    return of_classes or (None if split.classes else BACKENDS.refusal(inputs, split))


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The objects that put a split in force: the alias Services first, then the overlay route."""
    if split.classes:
        return class_rules.render(inputs, split)
    overlay = BACKENDS.overlay(inputs, split)
    return Rendered((*BACKENDS.aliases(inputs, split), overlay), overlay)


def has_split(route: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay route has the split in force."""
    if split.classes:
        return class_rules.has_split(route, delivery.header_prefix, split)
    return by_backend.has_split(route, delivery, split)


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """What to ask through the gateway for proof; empty when nothing can be asked."""
    return (class_rules.probes if split.classes else by_backend.probes)(inputs, split, overlay)


def by_variant(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> Sequence[ProbeTarget]:
    """As `Probes.by_variant` describes it."""
    return (class_rules.by_variant if split.classes else through_golden_rules)(inputs, split, overlay)


def probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """What a gateway has to show before users are led: nothing where rules set the headers, which every one can do."""
    return None if split.classes else BACKENDS.probe_only(inputs, split)


def retrial(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """What a gateway has to show before users are led again, where `probe_only` asks for nothing."""
    return class_rules.retrial(inputs, split) if split.classes else None


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    return class_rules.summary(split) if split.classes else by_backend.summary(split)


MODE = RouteMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probe_only=probe_only,
    retrial=retrial,
    probes=probes,
    by_variant=by_variant,
    summary=summary,
    owned_names=owned_names,
)
