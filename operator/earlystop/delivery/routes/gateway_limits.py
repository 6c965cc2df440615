"""What Gateway API allows one route at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from earlystop.api.modes import MOST_BACKENDS

MOST_RULES, MOST_MATCHES, MOST_MATCHES_A_RULE = 16, 128, 64
MOST_CONDITIONS, MOST_HEADERS = 16, 16
LONGEST_VALUE, LONGEST_PATH = 4096, 1024


def excess(rules: Sequence[dict[str, Any]]) -> str | None:
    """The first bound that a route with these rules would break, as "17 rules, and Gateway API allows 16", or None."""
    matches = [len(rule["matches"]) for rule in rules]
    conditions = [len(match.get("headers", [])) for rule in rules for match in rule["matches"]]
    backends = [len(rule["backendRefs"]) for rule in rules]
    modifiers = [
        each["requestHeaderModifier"]
        for rule in rules
        for holder in (rule, *rule["backendRefs"])
        for each in holder.get("filters", [])
        if "requestHeaderModifier" in each
    ]
    headers = [len(modifier.get(key, [])) for modifier in modifiers for key in ("set", "add", "remove")]
    lengths = [len(header["value"]) for modifier in modifiers for header in modifier.get("set", [])]
    paths = [len(match.get("path", {}).get("value", "")) for rule in rules for match in rule["matches"]]
    rewrites = [each.get("urlRewrite", {}).get("path", {}) for rule in rules for each in rule.get("filters", [])]
    paths += [len(each.get("replaceFullPath", "")) for each in rewrites]
    for needed, most, what in (
        (len(rules), MOST_RULES, "rules"),
        (sum(matches), MOST_MATCHES, "matches"),
        (max(matches, default=0), MOST_MATCHES_A_RULE, "matches in a rule"),
        (max(conditions, default=0), MOST_CONDITIONS, "headers in a match"),
        (max(backends, default=0), MOST_BACKENDS, "backends in a rule"),
        (max(headers, default=0), MOST_HEADERS, "headers to set, add or remove in a filter"),
        (max(lengths, default=0), LONGEST_VALUE, "characters in a header's value"),
        (max(paths, default=0), LONGEST_PATH, "characters in a path"),
    ):
        if needed > most:
            return f"{needed} {what}, and Gateway API allows {most}"
    return None
