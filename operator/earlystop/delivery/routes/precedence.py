"""Which of two matches of Gateway API gets a request that meets both, as far as the matches alone say it.

Within one host: an Exact path, then the longest prefix, then a method, then more headers, then more query parameters.
Where a regular expression of a path stands is up to the gateway, so it is taken to come first.
"""

from __future__ import annotations

import string
from typing import Any, NamedTuple

Match = dict[str, Any]
EVERYTHING: Match = {"path": {"type": "PathPrefix", "value": "/"}}
CONDITIONS = ("headers", "queryParams")
PLAIN = frozenset(f"{string.ascii_letters}{string.digits}/_-")
"""Characters that stand for themselves in every gateway's regular expressions, outside of brackets. Others may say
something to one of them: `~` and `=` how to compare, `:` that a name follows, `%` how a character is written."""
REPEATS = ("*", "?", "{", "+")


class Rank(NamedTuple):
    """Where a match stands in the order; of two that a request meets, the greater one gets it.

    path: 0 for a prefix, 1 for an Exact path, 2 for all else. length: characters of the path. method: whether it asks
    for one. headers, parameters: how many it asks for.
    """

    path: int
    length: int
    method: bool
    headers: int
    parameters: int


def ranks(match: Match) -> tuple[Rank, Rank]:
    """The match's rank with its path as it is written, and without the slash at its end, which some gateways drop."""
    kind, value = path_of(match)
    path = {"PathPrefix": 0, "Exact": 1}.get(kind, 2)
    more = ("method" in match, len(match.get("headers", [])), len(match.get("queryParams", [])))
    stem = value.rstrip("/") if path == 0 else value
    return Rank(path, len(value), *more), Rank(path, len(stem), *more)


def may_precede(one: Match, other: Match, *, wins_ties: bool) -> bool:
    """Whether some gateway gives requests that meet both matches to `one`. wins_ties: whether it gets them where the
    matches rank alike."""
    pairs = zip(ranks(one), ranks(other), strict=True)
    return any(mine > theirs or (mine == theirs and wins_ties) for mine, theirs in pairs)


def rank_by_exact_headers(match: Match) -> Rank:
    """The match's rank by the headers alone that it compares exactly: those by regular expression count less at some
    gateways (Traefik gives 10 points for the one and 100 for the other)."""
    exact = sum(each.get("type", "Exact") == "Exact" for each in match.get("headers", []))
    return ranks(match)[0]._replace(headers=exact)


HOST_COUNTS = 3
"""How many characters of a prefix, or headers, a longer hostname may outweigh at Traefik: it counts 100 for each of
them, and one for each of at most 253 characters of a hostname."""


def may_precede_by_host(one: Match, other: Match) -> bool:
    """Whether `one`, of a route with another hostname, may come before `other` at a gateway that adds what hostnames
    are worth to what paths and headers are. The prefix / comes last there, whatever its host."""
    mine, theirs = max(ranks(one)), max(ranks(other))
    worth = mine.length + mine.headers + HOST_COUNTS
    close = path_of(one) != ("PathPrefix", "/") and worth >= theirs.length + theirs.headers
    return may_precede(one, other, wins_ties=True) or (mine.path == theirs.path and close)


def path_of(match: Match) -> tuple[str, str]:
    """Type and value of the path that a match asks for."""
    path: Match = match.get("path") or EVERYTHING["path"]
    return path.get("type", "PathPrefix"), path.get("value", "/")


def may_take_post(match: Match, path: str) -> bool:
    """Whether POST requests to `path` can meet the match. A regular expression may, unless it begins with what the path
    has nowhere."""
    kind, value = path_of(match)
    stem = value.rstrip("/")
    within = {"Exact": path == value, "PathPrefix": path == stem or path.startswith(stem + "/")}
    if kind == "RegularExpression":
        within[kind] = beginning_of_expression(value).lower() in path.lower()
    return match.get("method", "POST") == "POST" and within.get(kind, True)


def beginning_of_expression(expression: str) -> str:
    """Characters that stand next to each other, in this order, in whatever a regular expression is found in: those
    before its first special one, "" where it has alternatives or flags. It is not evaluated: gateways differ in their
    languages, in whether letters' cases count, and in whether an expression has to cover the path."""
    if "|" in expression or "(?" in expression:
        return ""
    begin = expression.removeprefix("^")
    length = next((at for at, each in enumerate(begin) if each not in PLAIN), len(begin))
    repeated = begin[length : length + 1] in REPEATS
    return begin[: length - 1] if repeated and length else begin[:length]


def takes_all_posts(match: Match, path: str) -> bool:
    """Whether every POST request to `path` meets the match's path and method, whatever headers it has."""
    return path_of(match)[0] in ("Exact", "PathPrefix") and may_take_post(match, path)


def asks_no_more(one: Match, other: Match) -> bool:
    """Whether `one` asks for no header or parameter that `other` does not ask for."""
    return all(asked in _matched_values(other, key) for key in CONDITIONS for asked in _matched_values(one, key))


def are_disjoint(one: Match, other: Match) -> bool:
    """Whether both ask for the same header or parameter with different values, so that no request meets both."""
    return any(
        mine[:2] == theirs[:2] == (theirs[0], "Exact") and mine[2] != theirs[2]
        for key in CONDITIONS
        for mine in _matched_values(one, key)
        for theirs in _matched_values(other, key)
    )


def _matched_values(match: Match, key: str) -> list[tuple[str, str, str]]:
    """Name, type and value of what a match asks of headers or parameters. Of a header that is named twice the first
    counts; only names of headers are the same in capitals."""
    first: dict[str, tuple[str, str, str]] = {}
    for each in match.get(key, []):
        name = each["name"].lower() if key == "headers" else each["name"]
        first.setdefault(name, (name, each.get("type", "Exact"), each["value"]))
    return list(first.values())
