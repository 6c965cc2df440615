"""Mode GatewayHeader: an overlay HTTPRoute sets each variant's headers on its share of completion requests.

Each candidate's share goes through an alias Service, since some gateways key the filters of a backend by its
Service's name. The alias is owned by the Service that it doubles as well: a gateway that hears of its end before it
hears of the overlay's would answer 500, so it stays, without any request, until the operator lets it go (`orphans`).
"""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.delivery.alias_service import alias_service
from earlystop.delivery.by_backend import ByBackend, has_split, probes, summary, weights_in
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, backend_services
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.variant_probes import through_golden_rules

__all__ = ["BACKENDS", "MODE", "has_split", "owned_names", "probes", "render", "summary", "weights_in"]

BACKENDS = ByBackend(alias_name, lambda inputs, users, variant: alias_service(inputs, users.backend["name"], variant))


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    aliases = [("Service", alias_name(service, each)) for service in backend_services(inputs) for each in candidates]
    return [*aliases, ("HTTPRoute", overlay_name(inputs.policy))]


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The objects that put a split in force: the alias Services first, then the overlay route."""
    overlay = BACKENDS.overlay(inputs, split)
    return Rendered((*BACKENDS.aliases(inputs, split), overlay), overlay)


MODE = RouteMode(
    refusal=BACKENDS.refusal,
    render=render,
    has_split=has_split,
    probe_only=BACKENDS.probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
