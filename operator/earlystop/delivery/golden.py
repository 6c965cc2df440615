"""Rules of an overlay route for an evaluator's questions: a header says which variant a request is for.

The header needs no secret. Whoever sends it chooses between two settings that users get anyway, and is counted by no
server; so it can neither bring the evidence out of balance nor add to it. Every other value of it is taken off
requests, or clients could leave the count.
"""

from __future__ import annotations

from typing import Any

from earlystop.api.counts import Variant
from earlystop.delivery.surroundings import Manifest

GOLDEN_HEADER = "x-early-stop-golden"

MOST_RULES, MOST_MATCHES = 16, 128


def with_golden_rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules of an overlay, each with GOLDEN_HEADER taken off, and two for golden requests like the first of them.

    Each golden rule has both backends in the usual order, with weights 100 and 0 or 0 and 100: an overlay that is
    withdrawn then leads golden requests to the baseline too. One match more than the first rule has makes them win.
    """
    return [*(_golden_rule(rules[0], variant) for variant in Variant), *map(_without_header, rules)]


def has_room(rules: list[dict[str, Any]]) -> bool:
    """Whether two golden rules fit beside these and the rule for probes, within what Gateway API allows a route.

    A route without them serves live requests as well; an evaluator then says that its questions reach no variant.
    """
    matches = 3 * len(rules[0]["matches"]) + sum(len(rule["matches"]) for rule in rules)
    return len(rules) + 3 <= MOST_RULES and matches <= MOST_MATCHES


def is_golden(rule: dict[str, Any]) -> bool:
    """Whether a rule of an overlay is for golden requests: its weights say nothing of the share that is in force."""
    return any(
        header["name"] == GOLDEN_HEADER for match in rule.get("matches", []) for header in match.get("headers", [])
    )


def rules_in_force(route: Manifest) -> list[dict[str, Any]]:
    """The rules whose weights are the share in force."""
    return [rule for rule in route["spec"].get("rules", []) if not is_golden(rule)]


def _golden_rule(rule: dict[str, Any], variant: Variant) -> dict[str, Any]:
    header = {"type": "Exact", "name": GOLDEN_HEADER, "value": variant.value}
    matches = [{**match, "headers": [*match.get("headers", []), header]} for match in rule["matches"]]
    backends = [
        {**backend, "weight": 100 if place == list(Variant).index(variant) else 0}
        for place, backend in enumerate(rule["backendRefs"])
    ]
    return {**rule, "matches": matches, "backendRefs": backends}


def _without_header(rule: dict[str, Any]) -> dict[str, Any]:
    backends = []
    for backend in rule["backendRefs"]:
        modifier = {**backend["filters"][0]["requestHeaderModifier"], "remove": [GOLDEN_HEADER]}
        backends.append({**backend, "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": modifier}]})
    return {**rule, "backendRefs": backends}
