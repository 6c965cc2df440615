"""Mode GatewayHeader: an overlay HTTPRoute sets each variant's headers on its share of completion requests.

Each candidate's share goes through an alias Service, since some gateways key the filters of a backend by its
Service's name. The alias is owned by the Service that it doubles as well: a gateway that hears of its end before it
hears of the overlay's would answer 500, so it stays, without any request, until the operator lets it go (`orphans`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.alias_service import alias_service, fixed_refusal
from earlystop.delivery.attached_policies import policies_cover_aliases
from earlystop.delivery.gateways import backend_filter_refusal
from earlystop.delivery.golden_rules import golden_rule, golden_variants, rules_in_force, with_golden_rules
from earlystop.delivery.headers import (
    as_filter,
    for_probes,
    headers_set,
    modifier,
    shadow_value,
    variant_headers,
)
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.overlay import TargetRule, overlay_route, rules_to_overlay
from earlystop.delivery.probe_nonce import PROBE_ONLY, probe_nonce
from earlystop.delivery.probe_target import probe_target
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, backend_services
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.delivery.variant_probes import through_golden_rules


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    aliases = [("Service", alias_name(service, each)) for service in backend_services(inputs) for each in candidates]
    return [*aliases, ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no overlay can set headers by backend on the user's route, or lead to its aliases; None when one can."""
    refused = backend_filter_refusal(inputs) or policies_cover_aliases(inputs, _aliases(inputs, split))
    if refused is not None:
        return refused
    aliases = render(inputs, split).prerequisites
    outdated = (fixed_refusal(inputs.own(each["kind"], each["metadata"]["name"]), each) for each in aliases)
    return next((each for each in outdated if each is not None), None)


def _aliases(inputs: ClusterInputs, split: TrafficSplit) -> list[tuple[str, str]]:
    """Name of a Service of the user's and of an alias of it, for each that a split needs."""
    services = dict.fromkeys(each.backend["name"] for each in rules_to_overlay(inputs))
    return [(name, alias_name(name, each.variant)) for name in services for each in split.candidates]


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The objects that put a split in force: the alias Services first, then the overlay route."""
    users = rules_to_overlay(inputs)
    rules = [_rule(inputs, split, each) for each in users]
    golden = [golden_rule(_all_to(rules[0], each, split), each) for each in golden_variants(split)]
    probed = [for_probes(rules[0], probe_nonce(inputs, split))]
    all_rules = with_golden_rules(probed, golden, rules, several_users=len(users) > 1, always_strip=bool(split.token))
    overlay = overlay_route(inputs, all_rules)
    services = dict.fromkeys(each.backend["name"] for each in users)
    aliases = [alias_service(inputs, name, each.variant) for name in services for each in split.candidates]
    return Rendered((*aliases, overlay), overlay)


def _rule(inputs: ClusterInputs, split: TrafficSplit, users: TargetRule) -> dict[str, Any]:
    """One rule with all variants in constant order and constant sum of weights. Headers are `set`, on each of them:
    that is what overwrites headers forged by a client."""
    name = users.backend["name"]
    backends = []
    for each in split.variants:
        service = name if each == split.baseline else alias_name(name, each.variant)
        headers = modifier(inputs, variant_headers(inputs, split, each))
        backends.append({**users.backend_reference(service, each.weight), "filters": [as_filter(headers)]})
    return {**users.base(), "backendRefs": backends}


def _all_to(rule: dict[str, Any], variant: VariantWeight, split: TrafficSplit) -> dict[str, Any]:
    """The rule with all requests on one variant. Backends keep their order: when all requests go to the first one,
    golden requests do too."""
    backends = [
        {**backend, "weight": 100 if each == variant else 0}
        for each, backend in zip(split.variants, rule["backendRefs"], strict=True)
    ]
    return {**rule, "backendRefs": backends}


def probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """A rule for each variant that only the operator's probes meet, all of them to alias Services, which lead no user's
    request yet: a gateway that confuses the headers of two backends of one name shows it here, and to nobody else.

    None where no probe can be sent.
    """
    users = rules_to_overlay(inputs)[0]
    name, nonce = users.backend["name"], probe_nonce(inputs, split, PROBE_ONLY)
    rules = []
    for each in split.variants:
        service = alias_name(name, split.candidates[0].variant if each == split.baseline else each.variant)
        headers = as_filter(modifier(inputs, variant_headers(inputs, split, each)))
        backends = [{**users.backend_reference(service, 100), "filters": [headers]}]
        rule = golden_rule(for_probes({**users.base(), "backendRefs": backends}, nonce), each)
        # All matches for each variant may be more than a route may have, and a probe meets the first.
        rules.append({**rule, "matches": rule["matches"][:1]})
    overlay = overlay_route(inputs, rules)
    targets = [
        probe_target(inputs, overlay, rule["matches"], nonce, split.revision, ((each.variant, 100),))
        for each, rule in zip(split.variants, rules, strict=True)
    ]
    found = [target for target in targets if target is not None]
    if len(found) < len(targets):
        return None
    aliases = (alias_service(inputs, name, each.variant) for each in split.candidates)
    return ProbeOnlyRules((*aliases, overlay), tuple(found))


def weights_in(route: Manifest) -> set[tuple[int, ...]]:
    """The weights of each rule's backends, baseline first, whatever somebody has made of the route; a single tuple
    when all is well. Rules for golden questions have weights of their own."""
    return {
        tuple(backend.get("weight", 1) for backend in rule.get("backendRefs", [])) for rule in rules_in_force(route)
    }


def has_split(route: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay route has the split's weights and shadows in force."""
    name = f"{delivery.header_prefix}shadow"
    shadows = {headers.get(name, "") for rule in rules_in_force(route) for headers in headers_set(rule)[:1]}
    return weights_in(route) == {split.weights} and shadows <= {shadow_value(split.shadows)}


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """What to ask through the gateway for proof; empty when nothing can be asked."""
    weights = tuple((each.variant, each.weight) for each in split.variants)
    matches = overlay["spec"]["rules"][0]["matches"]
    target = probe_target(inputs, overlay, matches, probe_nonce(inputs, split), split.revision, weights)
    return [target] if target is not None else []


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    if len(split.candidates) == 1 and not split.shadows:
        return f"{split.candidate_weight} % of requests try the candidate."
    if split.shadows:
        named = ", ".join(each.variant for each in split.shadows)
        return f"All requests stay on the baseline, and {named} are judged on them without any user seeing it."
    return ", ".join(f"{each.weight} % of requests get {each.variant}" for each in split.variants) + "."


MODE = RouteMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probe_only=probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
