"""Matches of an overlay route: strictly more specific than the user's, so that they win, and only for answers.

Precedence of Gateway API: Exact path, then longest prefix, then method, then number of headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.competing_matches import CompetingMatch, room_beside
from earlystop.delivery.precedence import EVERYTHING, Match

COMPLETION_PATHS = ("/v1/chat/completions", "/v1/completions")
JSON_CONTENT = {"type": "Exact", "name": "content-type", "value": "application/json"}


def narrowed(rule: dict[str, Any], competing_matches: Sequence[CompetingMatch] = ()) -> list[Match] | Refusal:
    """Matches for the completion requests of a user's rule, or why there can be none stricter than the user's.

    competing_matches: matches of other rules for the same hosts; requests that they get stay theirs.
    """
    result: list[Match] = []
    for match in rule.get("matches") or [EVERYTHING]:
        if match.get("method", "POST") != "POST":
            continue
        stricter = _stricter(match)
        if isinstance(stricter, Refusal):
            return stricter
        for each in stricter:
            room = room_beside(match, each, competing_matches, _stricter)
            if isinstance(room, Refusal):
                return room
            if room:
                result.append(each)
    return result


def _stricter(match: Match) -> list[Match] | Refusal:
    path: Match = match.get("path") or EVERYTHING["path"]
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    kept: Match = {key: match[key] for key in ("headers", "queryParams") if key in match}
    if kind == "PathPrefix":
        return [_post(exact, kept) for exact in _completions_under(value)]
    if kind == "Exact" and "method" not in match:
        return [_post(value, kept)]
    if kind == "Exact" and not _mentions_content_type(kept):
        return [_post(value, {**kept, "headers": [*kept.get("headers", []), JSON_CONTENT]})]
    return Refusal(
        "RouteTooSpecific",
        f"The route's match on {kind} path {value} cannot be made stricter, so an overlay would not surely win "
        "over it. Write it as a PathPrefix, or as an Exact path without a content-type header.",
    )


def _post(path: str, kept: Match) -> Match:
    return {"path": {"type": "Exact", "value": path}, "method": "POST", **kept}


def _completions_under(prefix: str) -> list[str]:
    """Paths of completion requests below a prefix: "/qa", "/qa/v1" and "/qa/v1/chat" all have
    "/qa/v1/chat/completions"."""
    begun = prefix.rstrip("/").split("/")
    joined = []
    for path in COMPLETION_PATHS:
        parts = path.split("/")[1:]
        shared = next((n for n in range(len(parts), 0, -1) if begun[-n:] == parts[:n]), 0)
        if shared:
            joined.append("/".join([*begun, *parts[shared:]]))
    return joined or [prefix.rstrip("/") + path for path in COMPLETION_PATHS]


def _mentions_content_type(kept: Match) -> bool:
    return any(header["name"].lower() == "content-type" for header in kept.get("headers", []))
