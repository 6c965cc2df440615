"""Mode RequestBody: the overlay of GatewayHeader, whose variants all go through an injector before the engine.

The injector reads the headers that the overlay sets, writes them into the JSON body and counts; the engine stays as it
is. The baseline's requests go through it too, since they are counted there. It sends on to the user's own Service, so
without the overlay all is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Variant
from earlystop.delivery.by_backend import ByBackend, has_split, probes, summary
from earlystop.delivery.injector.objects import injected_alias
from earlystop.delivery.injector.through_injector import (
    InjectedMode,
    Prerequisites,
    ThroughInjector,
    before_the_engine,
    owned_before_the_engine,
)
from earlystop.delivery.injector.upstream import injector_refusal, route_upstream_refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.names import injected_alias_name, overlay_name
from earlystop.delivery.probes.variant_probes import through_golden_rules
from earlystop.delivery.route_mode import backend_pools, backend_services
from earlystop.delivery.split import TrafficSplit

_BACKENDS = ByBackend(injected_alias_name, injected_alias, baseline_aliased=True)


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    variants = (Variant.BASELINE.value, *candidates)
    services = [*backend_services(inputs), *backend_pools(inputs)]
    aliases = [("Service", injected_alias_name(service, each)) for service in services for each in variants]
    return [*aliases, *owned_before_the_engine(inputs), ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no injector can stand before the user's Service, or no overlay lead to it; None when both can."""
    return injector_refusal(inputs) or route_upstream_refusal(inputs) or _BACKENDS.refusal(inputs, split)


def _prerequisites(inputs: ClusterInputs, split: TrafficSplit) -> Prerequisites:
    return before_the_engine(inputs, _BACKENDS.aliases(inputs, split))


_THROUGH = ThroughInjector(_BACKENDS, _prerequisites)


MODE = InjectedMode(
    refusal=refusal,
    render=_THROUGH.render,
    has_split=has_split,
    probe_only=_THROUGH.probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
