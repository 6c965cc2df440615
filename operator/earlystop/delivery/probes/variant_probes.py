"""Probes that can reach one variant only: to tell whether each would be served before users are led, and which of them
is while they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from earlystop.api.wire import GOLDEN_HEADER
from earlystop.delivery.golden_rules import golden_rule, golden_variants, is_golden
from earlystop.delivery.headers import Rule
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import overlay_route
from earlystop.delivery.probes.nonce import PROBE_ONLY, probe_nonce
from earlystop.delivery.probes.target import probe_target
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.split import TrafficSplit, VariantWeight

PURPOSE = "variant "


def a_rule_for_each(
    inputs: ClusterInputs,
    split: TrafficSplit,
    rule_for: Callable[[VariantWeight, str], Rule],
    prerequisites: tuple[Manifest, ...],
) -> ProbeOnlyRules | None:
    """A rule for each variant that only the operator's probes meet; None where one of them cannot be sent.

    rule_for: the rule that leads to a variant, with the nonce that its answer echoes. prerequisites: what has to be in
    place before the overlay.
    """
    nonce = probe_nonce(inputs, split, PROBE_ONLY)
    rules = []
    for each in split.variants:
        rule = golden_rule(rule_for(each, nonce), each)
        # All matches for each variant may be more than a route may have, and a probe meets the first.
        rules.append({**rule, "matches": rule["matches"][:1]})
    overlay = overlay_route(inputs, rules)
    targets = [
        probe_target(inputs, overlay, rule["matches"], nonce, split.revision, ((each.variant, 100),))
        for each, rule in zip(split.variants, rules, strict=True)
    ]
    found = tuple(target for target in targets if target is not None)
    return ProbeOnlyRules((*prerequisites, overlay), found) if len(found) == len(targets) else None


def through_golden_rules(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> tuple[ProbeTarget, ...]:
    """A target for each variant that has a rule for golden questions, which leads to that variant alone; () where the
    overlay has none, or one of them can be met by no plain request. These rules set no mark of their own."""
    golden = {_asked_for(rule): rule["matches"] for rule in overlay["spec"]["rules"] if is_golden(rule)}
    targets = []
    for each in golden_variants(split):
        matches = golden.get(each.variant, [])
        nonce = probe_nonce(inputs, split, PURPOSE)
        targets.append(probe_target(inputs, overlay, matches, nonce, split.revision, ((each.variant, 100),)))
    found = tuple(replace(target, mark="") for target in targets if target is not None)
    return found if len(found) == len(targets) else ()


def one_of_each(targets: Iterable[ProbeTarget], split: TrafficSplit) -> tuple[ProbeTarget, ...]:
    """The first of targets that each reach one variant, for every variant that the split counts; () where no candidate
    is among them."""
    found: dict[tuple[tuple[str, int], ...], ProbeTarget] = {}
    for each in targets:
        if each.revision == split.revision:
            found.setdefault(each.weights, each)
    only_baseline = set(found) <= {((split.baseline.variant, 100),)}
    return () if only_baseline else tuple(found.values())


def _asked_for(rule: Rule) -> str:
    return next(str(each["value"]) for each in rule["matches"][0]["headers"] if each["name"] == GOLDEN_HEADER)
