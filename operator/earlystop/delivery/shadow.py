"""Mode Shadow: all requests stay on the baseline, and a header names the candidates that the server judges on them.

No user sees a candidate's answer, so there is nothing to split and nothing that a gateway could get wrong but headers.
"""

from __future__ import annotations

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.golden_rules import rules_in_force
from earlystop.delivery.headers import for_probes, headers_set, shadow_value, variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import overlay_route, rules_to_overlay
from earlystop.delivery.probe_nonce import probe_nonce
from earlystop.delivery.probe_target import probe_target
from earlystop.delivery.proof import ProbeTarget, SplitProof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import (
    baseline_only,
    by_probes,
    detached,
    objects_needed,
    route_refusal,
    serves_users,
    size_refusal,
)
from earlystop.delivery.rule_level import owned_names, probe_only, setting
from earlystop.delivery.split import TrafficSplit

__all__ = [
    "baseline_only",
    "check",
    "detached",
    "has_split",
    "objects_needed",
    "owned_names",
    "probe_only",
    "proof",
    "render",
    "serves_users",
    "summary",
]


def check(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no overlay can set the shadows' header on the user's route, None when one can."""
    return route_refusal(inputs) or size_refusal(inputs, render(inputs, split))


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The overlay route that puts a split in force."""
    headers = variant_headers(inputs, split, split.baseline)
    rules = [setting(inputs, each, headers) for each in rules_to_overlay(inputs)]
    overlay = overlay_route(inputs, [for_probes(rules[0], probe_nonce(inputs, split)), *rules])
    return Rendered((overlay,), overlay)


def has_split(route: Manifest, delivery: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay route has the baseline and the split's shadows on all requests."""
    prefix = delivery.header_prefix
    found = {
        (headers.get(f"{prefix}variant"), headers.get(f"{prefix}shadow", ""))
        for rule in rules_in_force(route)
        for headers in headers_set(rule)
    }
    return found == {(split.baseline.variant, shadow_value(split.shadows))}


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """What to ask through the gateway for proof; empty when nothing can be asked."""
    matches = overlay["spec"]["rules"][0]["matches"]
    expected = ((split.baseline.variant, 100),)
    target = probe_target(inputs, overlay, matches, probe_nonce(inputs, split), split.revision, expected)
    return [target] if target is not None else []


def proof(inputs: ClusterInputs, split: TrafficSplit, rendered: Rendered) -> SplitProof:
    """By probes, or by metrics where none can be sent."""
    assert rendered.primary is not None  # the overlay
    return by_probes(inputs, rendered, probes(inputs, split, rendered.primary))


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    named = ", ".join(each.variant for each in split.shadows)
    judged = f"{named}: judged on them without any user seeing it." if named else "no candidate is judged on them."
    return f"All requests stay on the baseline; {judged}"
