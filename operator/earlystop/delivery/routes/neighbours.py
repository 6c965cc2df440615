"""Routes of anybody that are served for the same hosts as a user's route, and what they take of its requests.

They are compared as Gateway API orders them: `served_hosts` says which, `precedence` whose match comes first. Between
matches that rank alike the older route should come first, then the one whose "namespace/name" comes first; gateways
differ in it, so neither is relied upon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from earlystop.api.json_once import read_json
from earlystop.delivery.object_key import version_of
from earlystop.delivery.routes.precedence import EVERYTHING, Match
from earlystop.delivery.routes.served_hosts import (
    GatewayKey,
    Manifest,
    ServedHost,
    common_hostname,
    is_set,
    is_unread,
    served_hosts,
    service_place,
    shared_hosts,
)

MATCHES_KEPT = 1024

RouteKey = tuple[str, str, str]
"""Kind, namespace and name of a route."""


@dataclass(frozen=True, slots=True)
class NeighbourRoute:
    """What has to be known of a route to compare it with another one.

    key: kind, namespace and name. hosts: where it is served. matches: of all of its rules, those of a GRPCRoute as what
    they are in HTTP. version: its resourceVersion, which compares nothing; None where that is no number.
    """

    key: RouteKey
    hosts: frozenset[ServedHost]
    matches: tuple[Match, ...]
    version: int | None = field(default=None, compare=False)


def neighbour_route(route: Manifest, kind: str, gateways: Mapping[GatewayKey, Manifest]) -> NeighbourRoute:
    """What has to be known of a route. kind: HTTPRoute or GRPCRoute, which objects of a list do not repeat."""
    metadata = route["metadata"]
    written = [match for rule in route["spec"].get("rules") or [] for match in rule.get("matches") or [EVERYTHING]]
    return NeighbourRoute(
        key=(kind, metadata["namespace"], metadata["name"]),
        hosts=served_hosts({**route, "kind": kind}, gateways),
        matches=tuple(
            _match_in(json.dumps(_as_http(match) if kind == "GRPCRoute" else match, sort_keys=True))
            for match in written
        ),
        version=version_of(metadata),
    )


@lru_cache(maxsize=MATCHES_KEPT)
def _match_in(text: str) -> Match:
    """The match that a text in JSON is, as one object for equal ones: overlays of a fleet are alike, and each of their
    matches takes a KiB of memory."""
    found: Match = read_json(text)
    return found


def _as_http(match: dict[str, Any]) -> Match:
    """A match of a GRPCRoute as what it is in HTTP: POST to /SERVICE/METHOD."""
    asked = match.get("method") or {}
    service, method = asked.get("service"), asked.get("method")
    if asked.get("type", "Exact") != "Exact" or (method and not service):
        path = {"type": "RegularExpression", "value": f"/{service or '[^/]+'}/{method or '[^/]+'}"}
    elif service:
        path = {"type": "Exact", "value": f"/{service}/{method}"} if method else {"value": f"/{service}"}
    else:
        path = EVERYTHING["path"]
    return {"path": path, **({"headers": match["headers"]} if match.get("headers") else {})}


class Neighbourhood:
    """Routes by the hosts that they are served for: those beside one of them are found without a walk over all."""

    def __init__(self, routes: Iterable[NeighbourRoute] = ()) -> None:
        self._routes = {each.key: each for each in routes}
        self._by_host: dict[ServedHost, list[NeighbourRoute]] = {}
        self._by_place: dict[str, list[NeighbourRoute]] = {}
        self._by_hostname: dict[str, list[NeighbourRoute]] = {}
        self._in_sets: dict[str, list[NeighbourRoute]] = {}
        self._names_at: dict[str, dict[str, list[NeighbourRoute]]] = {}
        for each in self._routes.values():
            for host in each.hosts:
                self._by_host.setdefault(host, []).append(each)
                self._names_at.setdefault(host.place, {}).setdefault(host.hostname, []).append(each)
                self._by_hostname.setdefault(host.hostname, []).append(each)
                if is_set(host):
                    self._in_sets.setdefault(host.hostname, []).append(each)
                if is_unread(host):
                    self._by_place.setdefault(host.place, []).append(each)

    def __iter__(self) -> Iterator[NeighbourRoute]:
        """All of them, in no order."""
        return iter(self._routes.values())

    def replaced(self, changes: Mapping[RouteKey, NeighbourRoute | None]) -> Neighbourhood:
        """The same with these routes as they are now; without those of None, which are gone."""
        if not changes:
            return self
        now = {**self._routes, **changes}
        return Neighbourhood(each for each in now.values() if each is not None)

    def beside(self, route: NeighbourRoute) -> tuple[NeighbourRoute, ...]:
        """The routes that share a host with a route, without itself, by kind, namespace and name."""
        found = {each.key: each for host in route.hosts for each in self._by_host.get(host, ())}
        # Whose set it is, is not read, so only hostnames tell.
        named = [
            (self._by_hostname if is_a_set else self._in_sets).get(hostname, ())
            for hostname, is_a_set in {(host.hostname, is_set(host)) for host in route.hosts}
        ]
        at_place = [self._by_place.get(place, ()) for place in {host.place for host in route.hosts if is_unread(host)}]
        for group in (*named, *at_place):
            found |= {each.key: each for each in group if shared_hosts(each.hosts, route.hosts)}
        found.pop(route.key, None)
        return tuple(found[key] for key in sorted(found))

    def overlapping(self, route: NeighbourRoute) -> tuple[NeighbourRoute, ...]:
        """The routes of other hosts at the same places that have hosts in common with a route, as `*.example.com` has
        with `a.example.com`, by kind, namespace and name."""
        found = {
            each.key: each
            for place, hostname in route.hosts
            for other, routes in self._of_place(place, hostname)
            if other != hostname and common_hostname(other, hostname) is not None
            for each in routes
        }
        found.pop(route.key, None)
        return tuple(found[key] for key in sorted(found))

    def _of_place(self, place: str, hostname: str) -> Iterable[tuple[str, list[NeighbourRoute]]]:
        """Hostnames of a place that a hostname may overlap with; those of one host are its own domains' alone."""
        names = self._names_at.get(place, {})
        if not hostname or hostname.startswith("*."):
            return names.items()
        parts = hostname.split(".")
        wider = ("", *(".".join(("*", *parts[begin:])) for begin in range(1, len(parts))))
        return [(each, names[each]) for each in wider if each in names]

    def of_services(self, namespace: str) -> tuple[NeighbourRoute, ...]:
        """The routes by which a mesh leads requests to Services of a namespace, by kind, namespace and name."""
        begin = service_place(namespace, "")
        places = [place for place in self._by_place if place.startswith(begin)]
        found = {each.key: each for place in places for each in self._by_place[place]}
        return tuple(found[key] for key in sorted(found))
