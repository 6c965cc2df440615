"""Which rule of two routes a request meets, by the precedence that Gateway API prescribes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    path: str = "/v1/chat/completions"
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


def winner(request: Request, *routes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The rule that gets the request. routes: rules of each route, the oldest route first."""
    candidates = [
        (_rank(match), -age, -place, rule)
        for age, rules in enumerate(routes)
        for place, rule in enumerate(rules)
        for match in rule.get("matches") or [{}]
        if _meets(request, match)
    ]
    return max(candidates, key=lambda each: each[:3])[3] if candidates else None


def _path(match: dict[str, Any]) -> tuple[str, str]:
    path = match.get("path", {})
    return path.get("type", "PathPrefix"), path.get("value", "/")


def _rank(match: dict[str, Any]) -> tuple[int, int, bool, int, int]:
    kind, value = _path(match)
    return (
        {"Exact": 2, "PathPrefix": 1, "RegularExpression": 3}[kind],
        len(value),
        "method" in match,
        len(match.get("headers", [])),
        len(match.get("queryParams", [])),
    )


def _meets(request: Request, match: dict[str, Any]) -> bool:
    kind, value = _path(match)
    stem = value.rstrip("/")
    path = {
        "Exact": request.path == value,
        "PathPrefix": request.path == stem or request.path.startswith(stem + "/"),
        "RegularExpression": kind == "RegularExpression" and re.fullmatch(value, request.path) is not None,
    }[kind]
    return (
        path
        and match.get("method", request.method) == request.method
        and all(_has(request.headers, each) for each in match.get("headers", []))
        and all(_has(request.query, each) for each in match.get("queryParams", []))
    )


def _has(present: dict[str, str], condition: dict[str, str]) -> bool:
    value = present.get(condition["name"])
    if condition.get("type", "Exact") == "Exact":
        return value == condition["value"]
    return value is not None and re.fullmatch(condition["value"], value) is not None


def passed_on(headers: dict[str, str], rule: dict[str, Any], backend: dict[str, Any]) -> dict[str, str]:
    """What the backend of a rule gets of a request's headers: filters of the rule first, then of the backend."""
    carried = {name.lower(): value for name, value in headers.items()}
    for each in (*rule.get("filters", []), *backend.get("filters", [])):
        modifier = each.get("requestHeaderModifier", {})
        for added in modifier.get("add", []):
            name = added["name"].lower()
            carried[name] = ", ".join([*([carried[name]] if name in carried else []), added["value"]])
        carried |= {each["name"].lower(): each["value"] for each in modifier.get("set", [])}
        for name in modifier.get("remove", []):
            carried.pop(name.lower(), None)
    return carried
