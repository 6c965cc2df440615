"""Matches of an overlay route: strictly more specific than the user's, so that they win, and only for answers.

Precedence of Gateway API: Exact path, then longest prefix, then method, then number of headers.
"""

from __future__ import annotations

from typing import Any

from earlystop.api.conditions import Refusal

COMPLETION_PATHS = ("/v1/chat/completions", "/v1/completions")
EVERYTHING = {"path": {"type": "PathPrefix", "value": "/"}}
JSON_CONTENT = {"type": "Exact", "name": "content-type", "value": "application/json"}


def narrowed(rule: dict[str, Any]) -> list[dict[str, Any]] | Refusal:
    """Matches for the completion requests of a user's rule, or why there can be none stricter than the user's."""
    result: list[dict[str, Any]] = []
    for match in rule.get("matches") or [EVERYTHING]:
        if match.get("method", "POST") != "POST":
            continue
        path = match.get("path", EVERYTHING["path"])
        kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
        kept = {key: match[key] for key in ("headers", "queryParams") if key in match}
        if kind == "PathPrefix":
            result.extend(_post(exact, kept) for exact in _completions_under(value))
        elif kind == "Exact" and "method" not in match:
            result.append(_post(value, kept))
        elif kind == "Exact" and not _mentions_content_type(kept):
            result.append(_post(value, {**kept, "headers": [*kept.get("headers", []), JSON_CONTENT]}))
        else:
            return Refusal(
                "RouteTooSpecific",
                f"The route's match on {kind} path {value} cannot be made stricter, so an overlay would not surely win "
                "over it. Write it as a PathPrefix, or as an Exact path without a content-type header.",
            )
    return result


def _post(path: str, kept: dict[str, Any]) -> dict[str, Any]:
    return {"path": {"type": "Exact", "value": path}, "method": "POST", **kept}


def _completions_under(prefix: str) -> list[str]:
    """Paths of completion requests below a prefix: the usual ones, or the usual ones behind it."""
    stem = prefix.rstrip("/")
    within = [path for path in COMPLETION_PATHS if path == stem or path.startswith(stem + "/")]
    return within or [stem + path for path in COMPLETION_PATHS]


def _mentions_content_type(kept: dict[str, Any]) -> bool:
    return any(header["name"].lower() == "content-type" for header in kept.get("headers", []))
