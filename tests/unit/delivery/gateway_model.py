"""A gateway as Gateway API's specification describes it, written for the tests alone, after the specification's text.

Where that leaves something to the implementation, a `Reading` says which way this gateway goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

Manifest = dict[str, Any]


class Reading(NamedTuple):
    """isolated: a host is served by the most specific listener alone, else by all listeners of the port.
    expressions_first: paths by regular expression come before all others, else after them.
    slash_counts: the slash at the end of a prefix counts as a character of it.
    ties: which of two routes comes first where their matches rank alike, a key of `TIES`.
    order: which of two matches of a host comes first, a key of `ORDERS`.
    """

    isolated: bool
    expressions_first: bool
    slash_counts: bool
    ties: str = "age"
    order: str = "specified"


@dataclass(frozen=True)
class Asked:
    """A request. at: Gateway (namespace and name) and port that it comes in at. headers: by lower-case name."""

    at: tuple[str, str, int]
    host: str
    path: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One match of a rule, at one host of a listener. order: the smaller one is tried first."""

    order: tuple[Any, ...]
    match: dict[str, Any]
    rule: dict[str, Any]
    route: Manifest


class GatewayModel:
    """Which rule of which route a request meets. namespaces: labels of each, for listeners that select by them."""

    def __init__(
        self,
        gateways: Iterable[Manifest],
        routes: Iterable[Manifest],
        namespaces: Mapping[str, Mapping[str, str]],
        reading: Reading,
    ) -> None:
        self._gateways = list(gateways)
        self._routes = list(routes)
        self._namespaces = namespaces
        self._reading = reading
        self._tables = cache(self._table)

    def route(self, asked: Asked) -> Entry | None:
        """The match that gets the request, None when no rule takes it."""
        return next((each for each in self._tables(asked.at, asked.host) if meets(asked, each.match)), None)

    def _table(self, at: tuple[str, str, int], host: str) -> list[Entry]:
        """Every match for a host, in the order in which they are tried."""
        listed = {id(route): place for place, route in enumerate(self._routes)}
        tie = TIES[self._reading.ties]

        def before(route: Manifest) -> tuple[Any, ...]:
            return tie(route, listed[id(route)])

        entries = [
            Entry(
                (-exactness, -length, *ORDERS[self._reading.order](match, self._reading), *before(route), index),
                match,
                rule,
                route,
            )
            for route, exactness, length in self._served(at, host)
            for index, rule in enumerate(route["spec"].get("rules") or [])
            for match in in_http(route, rule)
        ]
        return sorted(entries, key=lambda each: each.order)

    def _served(self, at: tuple[str, str, int], host: str) -> Iterator[tuple[Manifest, bool, int]]:
        """The routes for a host, and how specific the hostname is by which each is served."""
        listeners = list(self._listeners(at, host))
        for route in self._routes:
            specificities = [
                found
                for gateway, listener in listeners
                if any(self._attached(route, reference, gateway, listener) for reference in _parents(route))
                for written in route["spec"].get("hostnames") or [""]
                if (found := specificity(listener.get("hostname") or "", written, host)) is not None
            ]
            if specificities:
                yield route, *max(specificities)

    def _listeners(self, at: tuple[str, str, int], host: str) -> Iterator[tuple[Manifest, dict[str, Any]]]:
        """The listeners of the port that take the host, at every Gateway of the same address."""
        here = next(each for each in self._gateways if _name(each) == at[:2])
        found = [
            (gateway, listener)
            for gateway in self._gateways
            if gateway is here or _addresses(gateway) & _addresses(here)
            for listener in gateway["spec"]["listeners"]
            if listener["port"] == at[2] and specificity(listener.get("hostname") or "", "", host) is not None
        ]
        if not self._reading.isolated:
            return iter(found)
        best = max((specificity(each.get("hostname") or "", "", host) or (False, 0) for _, each in found), default=None)
        return (pair for pair in found if specificity(pair[1].get("hostname") or "", "", host) == best)

    def _attached(
        self, route: Manifest, reference: dict[str, Any], gateway: Manifest, listener: dict[str, Any]
    ) -> bool:
        namespace = route["metadata"]["namespace"]
        kind = reference.get("kind", "Gateway") == gateway.get("kind", "Gateway")
        named = kind and (reference.get("namespace", namespace), reference["name"]) == _name(gateway)
        section = reference.get("sectionName") in (None, listener["name"])
        port = reference.get("port") in (None, listener["port"])
        if not (named and section and port) or _rejected(route, reference):
            return False
        return self._allowed(route, gateway, listener)

    def _allowed(self, route: Manifest, gateway: Manifest, listener: dict[str, Any]) -> bool:
        allowed, namespace = listener.get("allowedRoutes", {}), route["metadata"]["namespace"]
        if listener["protocol"] not in ("HTTP", "HTTPS"):
            return False
        if "kinds" in allowed and route["kind"] not in [each["kind"] for each in allowed["kinds"]]:
            return False
        source = allowed.get("namespaces", {"from": "Same"})
        if source["from"] == "Selector":
            labels = self._namespaces.get(namespace, {})
            return all(labels.get(key) == value for key, value in source["selector"]["matchLabels"].items())
        return bool(source["from"] == "All" or namespace == _name(gateway)[0])


def specificity(listener: str, written: str, host: str) -> tuple[bool, int] | None:
    """How specific the hostname is by which a listener and a route take a host together: whether it is exact, and its
    length. None when they do not take it."""
    if not _takes(listener, host) or not _takes(written, host):
        return None
    common = max(listener, written, key=lambda each: (bool(each) and "*" not in each, len(each)))
    return bool(common) and "*" not in common, len(common)


def _takes(pattern: str, host: str) -> bool:
    return not pattern or host == pattern or (pattern[:1] == "*" and host.endswith(pattern[1:]) and host != pattern[2:])


def rank(match: dict[str, Any], reading: Reading) -> tuple[int, int, int, int, int]:
    """The order of matches within a host: the smaller comes first."""
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    places = {"Exact": 1, "PathPrefix": 2, "RegularExpression": 0 if reading.expressions_first else 3}
    length = len(value) if reading.slash_counts or kind != "PathPrefix" else len(value.rstrip("/"))
    conditions = (len(match.get("headers", [])), len(match.get("queryParams", [])))
    return places[kind], -length, -("method" in match), -conditions[0], -conditions[1]


def rank_with_methods_as_headers(match: dict[str, Any], reading: Reading) -> tuple[int, ...]:
    """The order of Envoy Gateway's `XdsIRRoutes`, to which a method is one of the headers."""
    place, length, method, headers, parameters = rank(match, reading)
    exact = [
        len([each for each in match.get(key, []) if not is_expression(each)]) for key in ("headers", "queryParams")
    ]
    return place, length, method + headers, method - exact[0], parameters, -exact[1]


def is_expression(condition: dict[str, Any]) -> bool:
    return condition.get("type") == "RegularExpression"


def points(match: dict[str, Any], reading: Reading, of_an_expression: int) -> tuple[int, ...]:
    """The order of Traefik's `buildMatchRule`, which adds up points."""
    path = match.get("path", {})
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    length = len(value) if reading.slash_counts or kind != "PathPrefix" else len(value.rstrip("/"))
    found = {"Exact": 100_000, "PathPrefix": 10_000 + 100 * length, "RegularExpression": 10_000 + 100 * length}[kind]
    found = 1 if (kind, value) == ("PathPrefix", "/") else found
    found += 1_000 * ("method" in match) + 10 * len(match.get("queryParams", []))
    of_headers = [of_an_expression if is_expression(each) else 100 for each in match.get("headers", [])]
    return (-found - sum(of_headers),)


ORDERS: Mapping[str, Callable[[dict[str, Any], Reading], tuple[int, ...]]] = {
    "specified": rank,
    "methods as headers": rank_with_methods_as_headers,
    "points": lambda match, reading: points(match, reading, 100),
    "fewer points": lambda match, reading: points(match, reading, 10),
}


def in_http(route: Manifest, rule: dict[str, Any]) -> list[dict[str, Any]]:
    """The matches of a rule; those of a GRPCRoute say the path of its calls."""
    if route["kind"] == "HTTPRoute":
        return list(rule.get("matches") or [{}])
    return [
        {"path": {"type": "RegularExpression", "value": f"/{each['service']}/{each.get('method', '.+')}"}}
        if "service" in (each := match.get("method", {}))
        else {}
        for match in rule.get("matches") or [{}]
    ]


def meets(asked: Asked, match: dict[str, Any]) -> bool:
    """Whether a request meets a match, whatever other matches there are."""
    path = match.get("path", {})
    return (
        _on_path(asked.path, path.get("type", "PathPrefix"), path.get("value", "/"))
        and match.get("method", asked.method) == asked.method
        and all(_has(asked.headers.get(name), each) for name, each in _first(match.get("headers", [])).items())
        and all(_has(asked.query.get(each["name"]), each) for each in match.get("queryParams", []))
    )


def _on_path(path: str, kind: str, value: str) -> bool:
    if kind == "Exact":
        return path == value
    if kind == "RegularExpression":
        return re.fullmatch(value, path) is not None
    wanted = [part for part in value.split("/") if part]
    return path.split("/")[1:][: len(wanted)] == wanted


def arriving_path(asked: Asked, entry: Entry) -> str:
    """The path that the backend gets, after the table of HTTPPathModifier in the specification."""
    for each in entry.rule.get("filters", []):
        rewrite = each.get("urlRewrite", {}).get("path", {})
        if "replaceFullPath" in rewrite:
            return str(rewrite["replaceFullPath"])
        if "replacePrefixMatch" in rewrite:
            prefix = [part for part in entry.match.get("path", {}).get("value", "/").split("/") if part]
            instead = [part for part in rewrite["replacePrefixMatch"].split("/") if part]
            return "/" + "/".join([*instead, *asked.path.split("/")[1:][len(prefix) :]])
    return asked.path


def _first(headers: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in headers:
        found.setdefault(each["name"].lower(), each)
    return found


def _has(value: str | None, condition: dict[str, Any]) -> bool:
    if condition.get("type", "Exact") == "RegularExpression":
        return value is not None and re.fullmatch(condition["value"], value) is not None
    return bool(value == condition["value"])


def _age(route: Manifest) -> tuple[str, str]:
    return route["metadata"].get("creationTimestamp", ""), _full_name(route)


def _full_name(route: Manifest) -> str:
    return "/".join(_name(route))


TIES: Mapping[str, Callable[[Manifest, int], tuple[Any, ...]]] = {
    "age": lambda route, _: _age(route),
    "name": lambda route, _: (_full_name(route),),
    "reverse name": lambda route, _: tuple(-ord(each) for each in f"{_full_name(route)}\U0010ffff"),
    "first listed": lambda _, place: (place,),
    "last listed": lambda _, place: (-place,),
}
"""Which of two routes comes first where their matches rank alike: the one whose value is smaller. route: and its place
in the list of all. The first is the specification's; gateways that sort names, or nothing, go by others."""


def _parents(route: Manifest) -> list[dict[str, Any]]:
    return [each for each in route["spec"].get("parentRefs", []) if each.get("kind", "Gateway") == "Gateway"]


def _name(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _addresses(gateway: Manifest) -> set[str]:
    return {each["value"] for each in gateway.get("status", {}).get("addresses", [])}


def _rejected(route: Manifest, reference: dict[str, Any]) -> bool:
    return any(
        condition["status"] == "False"
        for parent in route.get("status", {}).get("parents", [])
        if parent["parentRef"]["name"] == reference["name"]
        for condition in parent["conditions"]
        if condition["type"] == "Accepted"
    )
