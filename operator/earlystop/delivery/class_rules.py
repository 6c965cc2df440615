"""Rules of an overlay that give each query class the setting that is proven for it, told by a header.

Only Core features of Gateway API are needed: a rule for each class with the matches of the user's rule and the class's
header besides, then one for everybody else, who gets the baseline. Of two rules that a request meets alike the first
one gets it, so a class that keeps the baseline has a rule, too: it may come before another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.wire import PROBE_HEADER, REVISION, VARIANT
from earlystop.delivery.golden_rules import golden_rule, rules_in_force, with_golden_rules
from earlystop.delivery.headers import asking, for_probes, headers_set, variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import TargetRule, overlay_route, rules_to_overlay, target_rules
from earlystop.delivery.probes.nonce import PROBE_ONLY, probe_nonce
from earlystop.delivery.probes.target import probe_target
from earlystop.delivery.probes.variant_probes import one_of_each
from earlystop.delivery.proof import ProbeOnlyRules, ProbeTarget
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.routes.gateway_limits import excess
from earlystop.delivery.rule_level import setting
from earlystop.delivery.split import ClassRule, TrafficSplit, VariantWeight

Reading = frozenset[tuple[tuple[str, str], str, str]]
"""Header (small letters) and value of a class, empty for all others; revision and variant that its requests get."""

NO_CLASS = ("", "")


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why the policy's classes could not be told apart on the user's route, or would need more rules than a route may
    have; None when they can. split: any of the policy's."""
    classes = tuple(
        ClassRule(each.match.header, each.match.value, split.candidates[-1].variant)
        for each in inputs.spec.objective.query_classes or ()
        if each.match is not None
    )
    named = {
        condition["name"].lower()
        for each in target_rules(inputs)
        for match in each.rule.get("matches", [])
        for condition in match.get("headers", [])
    }
    taken = next((each.header for each in classes if each.header.lower() in named), None)
    if taken is not None:
        return Refusal(
            "ClassHeaderInRoute",
            f"A rule of HTTPRoute {inputs.route_name} matches on header {taken} itself, so query classes cannot be "
            "told apart by it beneath that rule. Write another header in queryClasses[].match, or take that match out "
            "of the route.",
        )
    too_much = excess(_all_rules(inputs, replace(split, classes=classes)))
    if too_much is None:
        return None
    return Refusal(
        "OverlayTooLarge",
        f"The overlay of HTTPRoute {inputs.route_name} with a rule for each of {len(classes)} query classes would need "
        f"{too_much}. Write fewer classes, or fewer rules and matches that lead to the target.",
    )


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The overlay route that gives each class its setting."""
    overlay = overlay_route(inputs, _all_rules(inputs, split))
    return Rendered((overlay,), overlay)


def _all_rules(inputs: ClusterInputs, split: TrafficSplit) -> list[dict[str, Any]]:
    users, nonce = rules_to_overlay(inputs), _nonce(inputs, split)
    rules = [rule for each in users for rule in _rules(inputs, split, each)]
    probed = [for_probes(rule, nonce) for rule in _rules(inputs, split, users[0])]
    return with_golden_rules(probed, (), rules, always_strip=bool(split.token))


def _rules(inputs: ClusterInputs, split: TrafficSplit, users: TargetRule) -> list[dict[str, Any]]:
    """One rule for each class, and a last one for everybody else."""
    by_label = {each.variant: each for each in split.variants}
    rules = [
        asking(_setting(inputs, split, users, by_label[each.variant]), each.header, each.value)
        for each in split.classes
    ]
    return [*rules, _setting(inputs, split, users, split.baseline)]


def _setting(inputs: ClusterInputs, split: TrafficSplit, users: TargetRule, variant: VariantWeight) -> dict[str, Any]:
    return setting(inputs, users, variant_headers(inputs, split, variant))


def retrial(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """The rules of all classes for the operator's probes alone, None where no probe can be sent."""
    nonce = _nonce(inputs, split, PROBE_ONLY)
    rules = [for_probes(rule, nonce) for rule in _rules(inputs, split, rules_to_overlay(inputs)[0])]
    overlay = overlay_route(inputs, [golden_rule(rule, split.baseline) for rule in rules])
    targets = _targets(inputs, split, overlay, nonce)
    return ProbeOnlyRules((overlay,), tuple(targets)) if targets else None


def has_split(route: Manifest, prefix: str, split: TrafficSplit) -> bool:
    """Whether an overlay route gives each class what the split says, and everybody else the baseline. prefix: of the
    headers that it sets."""
    known = {(each.header.lower(), each.value) for each in split.classes}
    found = {each for rule in rules_in_force(route) for each in _readings(rule, prefix, known)}
    return found == _expected(split)


def _readings(
    rule: dict[str, Any], prefix: str, known: set[tuple[str, str]]
) -> Iterable[tuple[tuple[str, str], str, str]]:
    for headers in headers_set(rule):
        for match in rule.get("matches", []):
            if any(each["name"] == PROBE_HEADER for each in match.get("headers", [])):
                continue  # no user's request meets it
            revision, variant = (headers.get(f"{prefix}{name}", "") for name in (REVISION, VARIANT))
            yield _class_of(match, known), revision, variant


def _class_of(match: dict[str, Any], known: set[tuple[str, str]]) -> tuple[str, str]:
    asked = ((str(each["name"]).lower(), str(each["value"])) for each in match.get("headers", []))
    return next((each for each in asked if each in known), NO_CLASS)


def _expected(split: TrafficSplit) -> Reading:
    classes = {((each.header.lower(), each.value), split.revision, each.variant) for each in split.classes}
    return frozenset(classes | {(NO_CLASS, split.revision, split.baseline.variant)})


def probes(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> list[ProbeTarget]:
    """A question for each class and one of none; empty when one of them cannot be asked."""
    return _targets(inputs, split, overlay, _nonce(inputs, split))


def by_variant(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest) -> Sequence[ProbeTarget]:
    """One probe of each variant that some class gets."""
    return one_of_each(probes(inputs, split, overlay), split)


def _targets(inputs: ClusterInputs, split: TrafficSplit, overlay: Manifest, nonce: str) -> list[ProbeTarget]:
    known = {(each.header.lower(), each.value) for each in split.classes}
    probed = [match for rule in overlay["spec"]["rules"][: len(split.classes) + 1] for match in rule["matches"]]
    targets = []
    for asked, revision, variant in sorted(_expected(split)):
        own = [match for match in probed if _class_of(match, known) == asked]
        targets.append(probe_target(inputs, overlay, own, nonce, revision, ((variant, 100),)))
    found = [target for target in targets if target is not None]
    return found if len(found) == len(targets) else []


def _nonce(inputs: ClusterInputs, split: TrafficSplit, purpose: str = "") -> str:
    """Weights do not say which class gets what, so the nonce has to follow from the classes as well."""
    return probe_nonce(inputs, split, f"{purpose}{split.classes!r}")


def summary(split: TrafficSplit) -> str:
    """A sentence about a map that is in force."""
    given = ", ".join(f"{each.header}: {each.value} gets {each.variant}" for each in split.classes)
    return f"Requests with {given}; all others get the baseline."
