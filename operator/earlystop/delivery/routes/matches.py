"""Matches of an overlay route: strictly more specific than the user's, so that they win, and only for answers.

Precedence of Gateway API: Exact path, then longest prefix, then method, then number of headers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import COMPLETION_PATHS
from earlystop.delivery.routes.competing_matches import CompetingMatch, room_beside
from earlystop.delivery.routes.precedence import EVERYTHING, Match
from earlystop.delivery.routes.rewrites import PathRewrite, asked_paths, path_rewrite

# As clients write it, the commonest first. Every gateway compares headers exactly; few take expressions.
JSON_CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    "application/json;charset=UTF-8",
)
# Ends of paths of other APIs of inference servers: nobody asks for completions below them.
OTHER_ENDPOINTS = frozenset(
    (
        *("responses", "messages", "embeddings", "embed", "rerank", "score", "classify", "pooling", "tokenize"),
        *("detokenize", "generate", "generate_stream", "infer", "predict", "invocations", "images", "audio", "speech"),
        *("transcriptions", "translations", "moderations", "files", "batches", "assistants", "threads", "realtime"),
    )
)
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]*)?")


def narrowed(
    rule: dict[str, Any],
    competing_matches: Sequence[CompetingMatch] = (),
    paths: Sequence[str] = COMPLETION_PATHS,
    content_types: Sequence[str] = JSON_CONTENT_TYPES[:1],
) -> list[Match] | Refusal:
    """Matches for those requests of a user's rule that a setting is for, or why there can be none stricter than the
    user's. None where the rule leads to other paths only.

    competing_matches: matches of other rules for the same hosts; requests that they get stay theirs.
    paths: of the requests that a setting is for, as the server knows them.
    content_types: values of the header that is matched on where nothing else would make a match stricter.
    """

    def narrow(match: Match, rewrite: PathRewrite | None) -> list[Match] | Refusal:
        return _stricter(match, rewrite, paths, content_types)

    result: list[Match] = []
    for match in rule.get("matches") or [EVERYTHING]:
        if match.get("method", "POST") != "POST":
            continue
        stricter = narrow(match, path_rewrite(rule))
        if isinstance(stricter, Refusal):
            return stricter
        for each in stricter:
            room = room_beside(match, each, competing_matches, narrow)
            if isinstance(room, Refusal):
                return room
            if room:
                result.append(each)
    return result


def _stricter(
    match: Match, rewrite: PathRewrite | None, paths: Sequence[str], content_types: Sequence[str]
) -> list[Match] | Refusal:
    path: Match = match.get("path") or EVERYTHING["path"]
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    kept: Match = {key: match[key] for key in ("headers", "queryParams") if key in match}
    if kind == "PathPrefix":
        under = _paths_under(value, paths) if rewrite is None else asked_paths(value, rewrite, paths, _paths_under)
        return [_post(exact, kept) for exact in under]
    if kind == "Exact" and "method" not in match:
        return [_post(value, kept)]
    if kind == "Exact" and not _mentions_content_type(kept):
        headers = kept.get("headers", [])
        typed = [{"type": "Exact", "name": "content-type", "value": each} for each in content_types]
        return [_post(value, {**kept, "headers": [*headers, each]}) for each in typed]
    return Refusal(
        "RouteTooSpecific",
        f"The route's match on {kind} path {value} cannot be made stricter, so an overlay would not surely win "
        "over it. Write it as a PathPrefix, or as an Exact path without a content-type header.",
    )


def _post(path: str, kept: Match) -> Match:
    return {"path": {"type": "Exact", "value": path}, "method": "POST", **kept}


def _paths_under(prefix: str, paths: Sequence[str]) -> list[str]:
    """Those paths below a prefix: "/", "/v1" and "/v1/chat" all have "/v1/chat/completions" itself; "/qa", "/qa/v1" and
    "/qa/v1/chat" have "/qa/v1/chat/completions". None below a prefix that is another endpoint's."""
    stem = prefix.rstrip("/")
    begun = stem.split("/")
    found = []
    for path in paths:
        parts = path.split("/")[1:]
        shared = next((n for n in range(len(parts), 0, -1) if begun[-n:] == parts[:n]), 0)
        if path.startswith(f"{stem}/") or path == stem:
            found.append(path)
        elif shared:
            found.append("/".join([*begun, *parts[shared:]]))
    return found or ([] if _is_an_endpoint(begun[1:]) else [stem + path for path in paths])


def _is_an_endpoint(segments: Sequence[str]) -> bool:
    """Whether a path leads to one thing that a server offers, and not to all of a server: it goes on after a version,
    as "/v1/embeddings", is one of a deployment, as "/openai/deployments/qa", or has the name of an endpoint. A single
    letter after a version is no endpoint's name."""
    versions = [index for index, each in enumerate(segments) if _VERSION.fullmatch(each)]
    if versions and any(len(each) > 1 for each in segments[versions[0] + 1 :]):
        return True
    if len(segments) > 1 and (segments[-2] == "deployments" or tuple(segments[-2:]) == ("api", "chat")):
        return True
    return bool(segments) and (segments[-1] in OTHER_ENDPOINTS or ":" in segments[-1])


def _mentions_content_type(kept: Match) -> bool:
    return any(header["name"].lower() == "content-type" for header in kept.get("headers", []))
