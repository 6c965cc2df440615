"""Rules of an overlay route for an evaluator's questions: a header says which variant a request is for.

The header needs no secret. Whoever sends it chooses between settings that users get anyway, and is counted by no
server; so it can neither bring the evidence out of balance nor add to it. Every other value of it is taken off
requests, or clients could leave the count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from earlystop.api.wire import GOLDEN_HEADER
from earlystop.delivery.headers import asking, removing
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.routes.gateway_limits import excess
from earlystop.delivery.split import TrafficSplit, VariantWeight


def golden_variants(split: TrafficSplit) -> list[VariantWeight]:
    """The variants that questions may ask for: the baseline, and each other that users get too. None before that."""
    others = [each for each in split.variants[1:] if each.weight > 0]
    return [split.baseline, *others] if others else []


def golden_rule(rule: dict[str, Any], variant: VariantWeight) -> dict[str, Any]:
    """The rule for golden requests of a variant. One match more than the rule itself has makes it win."""
    return asking(rule, GOLDEN_HEADER, variant.variant)


def with_golden_rules(
    probes: Iterable[dict[str, Any]],
    golden: Iterable[dict[str, Any]],
    rules: Iterable[dict[str, Any]],
    *,
    several_users: bool = False,
    always_strip: bool = False,
) -> list[dict[str, Any]]:
    """The rules of an overlay, with GOLDEN_HEADER taken off all requests that no golden rule takes.

    Where golden rules do not fit into what Gateway API allows, they are left out: a route without them serves live
    requests as well, and an evaluator says that its questions reach no variant.

    always_strip: whether the header is taken off where there are no golden rules, too.
    several_users: whether the rules were made of several rules of the user's. Golden rules are made of the first one
        alone and then stand last, or the header would bring requests of another rule past what that rule does with
        them, as past its authentication.
    """
    probes, golden, rules = list(probes), list(golden), list(rules)
    if golden:
        served = [removing(each, GOLDEN_HEADER) for each in rules]
        all_rules = [*probes, *served, *golden] if several_users else [*probes, *golden, *served]
        if excess(all_rules) is None:
            return all_rules
    return [*probes, *((removing(each, GOLDEN_HEADER) for each in rules) if always_strip else rules)]


def is_golden(rule: dict[str, Any]) -> bool:
    """Whether a rule of an overlay is for golden requests: its weights say nothing of the split that is in force."""
    return any(
        header["name"] == GOLDEN_HEADER for match in rule.get("matches", []) for header in match.get("headers", [])
    )


def rules_in_force(route: Manifest) -> list[dict[str, Any]]:
    """The rules that say what is in force for users."""
    return [rule for rule in route["spec"].get("rules", []) if not is_golden(rule)]


def serves_no_user(route: Manifest) -> bool:
    """Whether no user's request meets any rule of an overlay, so that the user's own route leads them all."""
    return not rules_in_force(route) or not route["spec"].get("parentRefs")
