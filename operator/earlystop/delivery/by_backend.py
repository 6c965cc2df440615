"""Rules that set each variant's headers by backend: what the modes share that split one rule's requests by weights.

Some gateways key the filters of a backend by its Service's name, so no two variants may go through one Service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.alias_service import fixed_refusal
from earlystop.delivery.golden_rules import golden_rule, golden_variants, rules_in_force, with_golden_rules
from earlystop.delivery.headers import (
    as_filter,
    for_probes,
    headers_set,
    modifier,
    shadow_headers,
    shadow_headers_in,
    variant_headers,
)
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import TargetRule, overlay_route, rules_to_overlay
from earlystop.delivery.probes.nonce import probe_nonce
from earlystop.delivery.probes.target import probe_target
from earlystop.delivery.probes.variant_probes import a_rule_for_each
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.routes.attached_policies import policies_cover_aliases
from earlystop.delivery.routes.gateways import backend_filter_refusal
from earlystop.delivery.split import TrafficSplit, VariantWeight


def _users_base(inputs: ClusterInputs, users: TargetRule) -> dict[str, Any]:
    del inputs
    return users.base()


@dataclass(frozen=True, slots=True)
class ByBackend:
    """Renders the overlay of a mode that sets headers by backend.

    alias_name: name of the alias of a user's Service for a variant. alias: that Service itself, or what a gateway takes
        for one, for a rule of the user's.
    baseline_aliased: whether the baseline's requests go to an alias too, and not to the user's own Service.
    reference: a backend that leads to an alias, for a rule of the user's, with its name and weight.
    base: the overlay's rule for a rule of the user's, before any header is set.
    headers: the headers that a variant's requests carry.
    """

    alias_name: Callable[[str, str], str]
    alias: Callable[[ClusterInputs, TargetRule, VariantWeight], Manifest]
    baseline_aliased: bool = False
    reference: Callable[[TargetRule, str, int], dict[str, Any]] = TargetRule.backend_reference
    base: Callable[[ClusterInputs, TargetRule], dict[str, Any]] = _users_base
    headers: Callable[[ClusterInputs, TrafficSplit, VariantWeight], dict[str, str]] = variant_headers

    def refusal(self, inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
        """Why no overlay can set headers by backend on the user's route, or lead to its aliases; None when one can."""
        refused = backend_filter_refusal(inputs) or policies_cover_aliases(inputs, self._names(inputs, split))
        if refused is not None:
            return refused
        aliases = self.aliases(inputs, split)
        outdated = (fixed_refusal(inputs.own(each["kind"], each["metadata"]["name"]), each) for each in aliases)
        return next((each for each in outdated if each is not None), None)

    def overlay(self, inputs: ClusterInputs, split: TrafficSplit) -> Manifest:
        """The overlay that puts a split in force."""
        users = rules_to_overlay(inputs)
        rules = [self._rule(inputs, split, each) for each in users]
        golden = [golden_rule(_all_to(rules[0], each, split), each) for each in golden_variants(split)]
        probed = [for_probes(rules[0], probe_nonce(inputs, split))]
        all_rules = with_golden_rules(
            probed, golden, rules, several_users=len(users) > 1, always_strip=bool(split.token)
        )
        return overlay_route(inputs, all_rules)

    def aliases(self, inputs: ClusterInputs, split: TrafficSplit) -> tuple[Manifest, ...]:
        """What the overlay leads to beside the user's own Services, each once."""
        users = {each.backend["name"]: each for each in reversed(rules_to_overlay(inputs))}
        ordered = dict.fromkeys(each.backend["name"] for each in rules_to_overlay(inputs))
        variants = self._aliased(split)
        return tuple(self.alias(inputs, users[name], each) for name in ordered for each in variants)

    def probe_only(
        self, inputs: ClusterInputs, split: TrafficSplit, prerequisites: tuple[Manifest, ...] | None = None
    ) -> ProbeOnlyRules | None:
        """A rule for each variant that only the operator's probes meet, all of them to alias Services, which lead no
        user's request yet: a gateway that confuses the headers of two backends of one name shows it here, and to nobody
        else.

        prerequisites: what has to be in place first, None for the aliases alone. None where no probe can be sent.
        """
        users = rules_to_overlay(inputs)[0]
        if prerequisites is None:
            prerequisites = tuple(self.alias(inputs, users, each) for each in self._aliased(split))

        def rule_for(variant: VariantWeight, nonce: str) -> dict[str, Any]:
            double = variant if variant in self._aliased(split) else split.variants[1]
            service = self.alias_name(users.backend["name"], double.variant)
            headers = as_filter(modifier(inputs, self.headers(inputs, split, variant)))
            backends = [{**self.reference(users, service, 100), "filters": [headers]}]
            return for_probes({**self.base(inputs, users), "backendRefs": backends}, nonce)

        return a_rule_for_each(inputs, split, rule_for, prerequisites)

    def _aliased(self, split: TrafficSplit) -> tuple[VariantWeight, ...]:
        return split.variants if self.baseline_aliased else split.variants[1:]

    def _names(self, inputs: ClusterInputs, split: TrafficSplit) -> list[tuple[str, str]]:
        """Name of a Service of the user's and of an alias of it, for each that a split needs."""
        services = dict.fromkeys(each.backend["name"] for each in rules_to_overlay(inputs))
        return [(name, self.alias_name(name, each.variant)) for name in services for each in self._aliased(split)]

    def _rule(self, inputs: ClusterInputs, split: TrafficSplit, users: TargetRule) -> dict[str, Any]:
        """One rule with all variants in constant order and constant sum of weights. Headers are `set`, on each of them:
        that is what overwrites headers forged by a client."""
        name = users.backend["name"]
        backends = []
        for each in split.variants:
            headers = as_filter(modifier(inputs, self.headers(inputs, split, each)))
            if each in self._aliased(split):
                led = self.reference(users, self.alias_name(name, each.variant), each.weight)
            else:
                led = users.backend_reference(name, each.weight)
            backends.append({**led, "filters": [headers]})
        return {**self.base(inputs, users), "backendRefs": backends}


def _all_to(rule: dict[str, Any], variant: VariantWeight, split: TrafficSplit) -> dict[str, Any]:
    """The rule with all requests on one variant. Backends keep their order: when all requests go to the first one,
    golden requests do too."""
    backends = [
        {**backend, "weight": 100 if each == variant else 0}
        for each, backend in zip(split.variants, rule["backendRefs"], strict=True)
    ]
    return {**rule, "backendRefs": backends}


def weights_in(route: Manifest) -> set[tuple[int, ...]]:
    """The weights of each rule's backends, baseline first, whatever somebody has made of the route; a single tuple
    when all is well. Rules for golden questions have weights of their own."""
    return {
        tuple(backend.get("weight", 1) for backend in rule.get("backendRefs", [])) for rule in rules_in_force(route)
    }


def has_split(route: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay route has the split's weights and shadows in force."""
    prefix = delivery.header_prefix
    wanted = shadow_headers(prefix, split.shadows)
    first = [headers for rule in rules_in_force(route) for headers in headers_set(rule)[:1]]
    are_named = all(shadow_headers_in(prefix, headers) == wanted for headers in first)
    return weights_in(route) == {split.weights} and are_named


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """What to ask through the gateway for proof; empty when nothing can be asked."""
    weights = tuple((each.variant, each.weight) for each in split.variants)
    matches = overlay["spec"]["rules"][0]["matches"]
    target = probe_target(inputs, overlay, matches, probe_nonce(inputs, split), split.revision, weights)
    return [target] if target is not None else []


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    if len(split.variants) == 2 and split.candidates and not split.shadows:
        return f"{split.weight_beside_baseline} % of requests try the candidate."
    if split.shadows:
        named = ", ".join(each.variant for each in split.shadows)
        return f"All requests stay on the baseline, and {named} are judged on them without any user seeing it."
    return ", ".join(f"{each.weight} % of requests get {each.variant}" for each in split.variants) + "."
