"""Mode Shadow: all requests stay on the baseline, and a header names the candidates that the server judges on them.

No user sees a candidate's answer, so there is nothing to split and nothing that a gateway could get wrong but headers.
"""

from __future__ import annotations

from earlystop.api.delivery import Delivery
from earlystop.api.wire import VARIANT
from earlystop.delivery.golden_rules import golden_rule, rules_in_force, with_golden_rules
from earlystop.delivery.headers import for_probes, headers_set, shadow_headers, shadow_headers_in, variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import overlay_route, rules_to_overlay
from earlystop.delivery.probes.nonce import PROBE_ONLY, probe_nonce
from earlystop.delivery.probes.target import probe_target
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, incumbent_refusal
from earlystop.delivery.rule_level import setting
from earlystop.delivery.split import TrafficSplit


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The overlay route that puts a split in force."""
    headers = variant_headers(inputs, split, split.baseline)
    rules = [setting(inputs, each, headers) for each in rules_to_overlay(inputs)]
    probed = [for_probes(rules[0], probe_nonce(inputs, split))]
    overlay = overlay_route(inputs, with_golden_rules(probed, (), rules, always_strip=bool(split.token)))
    return Rendered((overlay,), overlay)


def retrial(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """The first rule for the operator's probes alone, None where no probe can be sent."""
    nonce, headers = probe_nonce(inputs, split, PROBE_ONLY), variant_headers(inputs, split, split.baseline)
    rule = for_probes(setting(inputs, rules_to_overlay(inputs)[0], headers), nonce)
    overlay = overlay_route(inputs, [golden_rule(rule, split.baseline)])
    targets = _targets(inputs, split, overlay, nonce)
    return ProbeOnlyRules((overlay,), tuple(targets)) if targets else None


def has_split(route: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay route has the baseline and the split's shadows on all requests."""
    prefix = delivery.header_prefix
    wanted = split.baseline.variant, shadow_headers(prefix, split.shadows)
    found = [
        (headers.get(f"{prefix}{VARIANT}"), shadow_headers_in(prefix, headers))
        for rule in rules_in_force(route)
        for headers in headers_set(rule)
    ]
    return bool(found) and all(each == wanted for each in found)


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """What to ask through the gateway for proof; empty when nothing can be asked."""
    return _targets(inputs, split, overlay, probe_nonce(inputs, split))


def _targets(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest, nonce: str) -> list[ProbeTarget]:
    matches = overlay["spec"]["rules"][0]["matches"]
    expected = ((split.baseline.variant, 100),)
    target = probe_target(inputs, overlay, matches, nonce, split.revision, expected)
    return [target] if target is not None else []


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    named = ", ".join(each.variant for each in split.shadows)
    judged = f"{named}: judged on them without any user seeing it." if named else "no candidate is judged on them."
    return f"All requests stay on the baseline; {judged}"


MODE = RouteMode(
    refusal=incumbent_refusal, render=render, has_split=has_split, probes=probes, retrial=retrial, summary=summary
)
