"""Which of two matches of Gateway API gets a request that meets both, as far as the matches alone say it.

Within one host: an Exact path, then the longest prefix, then a method, then more headers, then more query parameters.
Where a regular expression of a path stands is up to the gateway, so it is taken to come first.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
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


Order = Callable[[Match], tuple[Any, Any]]
"""How a gateway orders matches where it differs from Gateway API: what a match is worth there, with its path as it is
written and without the slash at its end. Of two that a request meets, the one of more worth gets it."""


def with_method_as_header(match: Match) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The order of gateways that match a method as one more header, and compare how many are asked for exactly where
    as many are asked for, as Envoy Gateway."""
    exactly = _exact(match, "headers") + ("method" in match), _exact(match, "queryParams")

    def worth(rank: Rank) -> tuple[int, ...]:
        return rank.path, rank.length, rank.headers + rank.method, exactly[0], rank.parameters, exactly[1]

    written, stem = map(worth, ranks(match))
    return written, stem


def _exact(match: Match, key: str) -> int:
    return sum(each.get("type", "Exact") == "Exact" for each in match.get(key, []))


POINTS_OF_A_METHOD, POINTS_OF_A_HEADER, POINTS_OF_AN_EXPRESSION, POINTS_OF_A_PARAMETER = 1000, 100, 10, 10
POINTS_OF_A_CHARACTER, POINTS_OF_A_PREFIX, POINTS_OF_AN_EXACT_PATH = 100, 10_000, 100_000


def by_points(match: Match) -> tuple[int, int]:
    """The order of gateways that add up points for all that a match asks for, as Traefik (`buildMatchRule` of its
    Gateway API provider): a method outweighs nine characters of a prefix, and the prefix / is worth least."""
    written, stem = ranks(match)
    asked = (
        POINTS_OF_A_METHOD * written.method
        + POINTS_OF_A_HEADER * written.headers
        + POINTS_OF_A_PARAMETER * written.parameters
    )
    if path_of(match) == ("PathPrefix", "/"):
        return (1 + asked,) * 2
    if written.path == 1:
        return (POINTS_OF_AN_EXACT_PATH + asked,) * 2
    begin = POINTS_OF_A_PREFIX if written.path == 0 else POINTS_OF_AN_EXACT_PATH
    mine, without_slash = (begin + POINTS_OF_A_CHARACTER * each.length + asked for each in (written, stem))
    return mine, without_slash


def by_fewer_points(match: Match) -> tuple[int, int]:
    """The same where a header by a regular expression has a tenth of the points of another, as of older releases."""
    less = POINTS_OF_A_HEADER - POINTS_OF_AN_EXPRESSION
    lacking = less * (len(match.get("headers", [])) - _exact(match, "headers"))
    mine, without_slash = (each - lacking for each in by_points(match))
    return mine, without_slash


def may_precede(one: Match, other: Match, *, wins_ties: bool, orders: Iterable[Order] = ()) -> bool:
    """Whether some gateway gives requests that meet both matches to `one`. wins_ties: whether it gets them where the
    matches rank alike. orders: of gateways that differ from Gateway API; which of two comes first that are worth the
    same there, and do not rank alike, is not known."""
    if any(mine > theirs or (mine == theirs and wins_ties) for mine, theirs in _pairs(ranks, one, other)):
        return True
    alike = ranks(one) == ranks(other)
    found = (pair for order in orders for pair in _pairs(order, one, other))
    return any(mine > theirs or (mine == theirs and not alike) for mine, theirs in found)


def surely_precedes(one: Match, other: Match, *, wins_ties: bool, orders: Iterable[Order]) -> bool:
    """Whether every gateway of these orders gives requests that meet both matches to `one`. wins_ties: as of
    `may_precede`."""
    found = (pair for order in orders for pair in _pairs(order, one, other))
    return all(mine > theirs or (mine == theirs and wins_ties) for mine, theirs in found)


def _pairs(order: Order, one: Match, other: Match) -> Iterable[tuple[Any, Any]]:
    return zip(order(one), order(other), strict=True)


def rank_by_exact_headers(match: Match) -> Rank:
    """The match's rank by the headers alone that it compares exactly: those by regular expression count less at some
    gateways (Traefik gives 10 points for the one and 100 for the other)."""
    return ranks(match)[0]._replace(headers=_exact(match, "headers"))


POINTS_OF_A_HOSTNAME = 253
"""The most that a longer hostname is worth at a gateway that adds up points: one for each character."""


def may_precede_by_host(one: Match, other: Match) -> bool:
    """Whether `one`, of a route with another hostname, may come before `other` at a gateway that adds what hostnames
    are worth to what paths, methods and headers are."""
    return max(by_points(one)) + POINTS_OF_A_HOSTNAME >= min(by_points(other)) or may_precede(
        one, other, wins_ties=True
    )


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
