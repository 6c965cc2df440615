"""How a user's rule rewrites paths, and how an overlay does the same to whole paths.

Gateway API replaces a prefix only where the match is that prefix alone, and an overlay matches whole paths. What comes
of a whole path is known, so the overlay replaces it in full, by a rule of its own for each path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from earlystop.delivery.routes.precedence import EVERYTHING, path_of

PREFIX, FULL = "ReplacePrefixMatch", "ReplaceFullPath"
FIELDS = {PREFIX: "replacePrefixMatch", FULL: "replaceFullPath"}


class PathRewrite(NamedTuple):
    """What a rule makes of paths. kind: PREFIX or FULL. value: what takes the place of the match's prefix, or of the
    whole path."""

    kind: str
    value: str


def path_rewrite(rule: dict[str, Any]) -> PathRewrite | None:
    """What a rule makes of paths, None where servers get them as they are."""
    for each in rule.get("filters", []):
        path = each.get("urlRewrite", {}).get("path") or {}
        if path.get("type") == PREFIX:
            return PathRewrite(PREFIX, path.get(FIELDS[PREFIX], ""))
        if path.get("type") == FULL and path.get(FIELDS[FULL]):
            return PathRewrite(FULL, path[FIELDS[FULL]])
    return None


def replaces_prefix(rule: dict[str, Any]) -> bool:
    """Whether what a rule makes of a path depends on the prefix that it matches."""
    found = path_rewrite(rule)
    return found is not None and found.kind == PREFIX


def is_of_one_prefix(rule: dict[str, Any]) -> bool:
    """Whether a rule has one match, by prefix, as Gateway API asks of one that replaces it."""
    matches = rule.get("matches") or [EVERYTHING]
    return len(matches) == 1 and path_of(matches[0])[0] == "PathPrefix"


def asked_paths(
    prefix: str, rewrite: PathRewrite, at_server: Sequence[str], paths_under: Callable[[str, Sequence[str]], list[str]]
) -> list[str]:
    """The paths below a prefix that come to the server as one of these. paths_under: those that are one of a server's
    paths below a prefix that nothing rewrites."""
    stem, instead = prefix.rstrip("/"), rewrite.value.rstrip("/")
    if rewrite.kind == FULL:
        known = rewrite.value in paths_under(rewrite.value, at_server)
        return [stem or "/", *(each for each in paths_under(prefix, at_server) if each != stem)] if known else []
    found = [each.removeprefix(instead) for each in paths_under(instead or "/", at_server)]
    # Gateways differ in whether they keep the slash of "/new/" where nothing follows the prefix.
    return [stem + rest for rest in found if rest or (stem and rewrite.value == instead)]


def rewritten(path: str, prefix: str, replacement: str) -> str:
    """What comes of a path below a prefix whose place another one takes, after the table in Gateway API's
    HTTPPathModifier: slashes at the ends of both count for nothing."""
    return replacement.rstrip("/") + path[len(prefix.rstrip("/")) :] or "/"


def with_full_path(rule: dict[str, Any], path: str) -> dict[str, Any]:
    """A rule of one prefix, which it replaces, with the filter that does the same to this path alone."""
    ((_, prefix),) = [path_of(each) for each in rule.get("matches") or [EVERYTHING]]
    filters = []
    for each in rule["filters"]:
        rewrite = each.get("urlRewrite", {})
        if rewrite.get("path", {}).get("type") == PREFIX:
            full = rewritten(path, prefix, rewrite["path"].get(FIELDS[PREFIX], ""))
            each = {**each, "urlRewrite": {**rewrite, "path": {"type": FULL, FIELDS[FULL]: full}}}
        filters.append(each)
    return {**rule, "filters": filters}
