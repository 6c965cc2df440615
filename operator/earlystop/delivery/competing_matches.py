"""Which requests other rules of the user's route get: an overlay must leave them there.

An overlay's matches are stricter than all of the user's. Where another rule took requests away from the one that is
overlaid, by a longer path or more headers, it must still do so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Match = dict[str, Any]
EVERYTHING: Match = {"path": {"type": "PathPrefix", "value": "/"}}
CONDITIONS = ("headers", "queryParams")


@dataclass(frozen=True, slots=True)
class CompetingMatch:
    """A match of another rule. earlier: whether its rule comes first in the route.
    not_overlaid: whether the overlay has no rule for that rule.
    """

    match: Match
    earlier: bool
    not_overlaid: bool

    def precedes(self, match: Match, path: str) -> bool:
        """Whether it gets POST requests to `path` that `match` would take as well."""
        if not _covers(self.match, path) or _disjoint(self.match, match):
            return False
        mine, theirs = _precedence(self.match), _precedence(match)
        return mine > theirs or (mine == theirs and self.earlier)

    def gets_all(self, match: Match) -> bool:
        """Whether it asks for nothing that `match` does not ask for."""
        return all(asked in match.get(key, []) for key in CONDITIONS for asked in self.match.get(key, []))


def competing_matches(rules: Sequence[dict[str, Any]], index: int, overlaid: Sequence[bool]) -> list[CompetingMatch]:
    """The matches of all rules of a route but the one at `index`. overlaid: for each rule, whether it is overlaid."""
    return [
        CompetingMatch(match, earlier=number < index, not_overlaid=not overlaid[number])
        for number, rule in enumerate(rules)
        if number != index
        for match in rule.get("matches") or [EVERYTHING]
    ]


def _path(match: Match) -> tuple[str, str]:
    path: Match = match.get("path") or EVERYTHING["path"]
    return path.get("type", "PathPrefix"), path.get("value", "/")


def _covers(match: Match, path: str) -> bool:
    """Whether POST requests to `path` can meet the match. A regular expression may always."""
    kind, value = _path(match)
    stem = value.rstrip("/")
    within = {"Exact": path == value, "PathPrefix": path == stem or path.startswith(stem + "/")}
    return match.get("method", "POST") == "POST" and within.get(kind, True)


def _precedence(match: Match) -> tuple[int, int, bool, int, int]:
    """Gateway API's order: Exact path, longest path, method, number of headers, of query parameters. Where a regular
    expression stands is up to the gateway: it is taken to come first."""
    kind, value = _path(match)
    rank = {"PathPrefix": 0, "Exact": 1}.get(kind, 2)
    return rank, len(value), "method" in match, len(match.get("headers", [])), len(match.get("queryParams", []))


def _disjoint(one: Match, other: Match) -> bool:
    """Whether both ask for the same header or parameter with different values, so that no request meets both."""
    for key in CONDITIONS:
        asked = {each["name"].lower(): each["value"] for each in one.get(key, []) if _is_exact(each)}
        if any(
            asked.get(each["name"].lower(), each["value"]) != each["value"]
            for each in other.get(key, [])
            if _is_exact(each)
        ):
            return True
    return False


def _is_exact(condition: dict[str, Any]) -> bool:
    return bool(condition.get("type", "Exact") == "Exact")
