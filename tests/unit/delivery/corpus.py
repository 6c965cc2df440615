"""Clusters with routes as people write them, policies for each of their backends, and requests near their matches."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import GOLDEN_HEADER
from earlystop.cli.files.yaml_values import SAFE_LOADER
from earlystop.delivery.agentgateway import DEFINITION
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
    Neighbours,
)
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.routes.neighbours import Neighbourhood, neighbour_route
from tests.unit.delivery.cluster import AGENTGATEWAYS, BY_AGENTGATEWAY, KNOBS, body_changes, settable_deployment
from tests.unit.delivery.gateway_model import Asked, in_http
from tests.unit.rollout.policies import UID, policy

CORPUS = Path(__file__).parent / "route_corpus"
NEW = "2030-01-01T00:00:00Z"
ENDS = ("", "", "/", "/chat/completions", "/completions", "/v1/chat/completions", "/v1/completions", "/models")
FOR_EXPRESSIONS = ("/v1/chat/completions", "/v2/x", "/v1/completions")


@dataclass(frozen=True)
class CorpusCluster:
    """The objects of one file of the corpus. listener_sets: whose listeners stand beside those of a Gateway, and which
    the operator does not read. namespaces: labels of each; those that a listener of the corpus selects by are on all
    but `nobody`."""

    name: str
    gateways: tuple[Manifest, ...]
    routes: tuple[Manifest, ...]
    services: Mapping[tuple[str, str], Manifest]
    listener_sets: tuple[Manifest, ...] = ()

    @property
    def proxies(self) -> tuple[Manifest, ...]:
        """Gateways, and sets of listeners with the addresses of their Gateways: wherever requests come in."""
        by_key = {_key(each): each for each in self.gateways}
        served = [
            {
                **each,
                "status": by_key[each["spec"]["parentRef"]["namespace"], each["spec"]["parentRef"]["name"]]["status"],
            }
            for each in self.listener_sets
        ]
        return (*self.gateways, *served)

    @property
    def namespaces(self) -> dict[str, dict[str, str]]:
        names = {each["metadata"]["namespace"] for each in self.routes}
        return {name: {} if name == "nobody" else {"gateway": "shared"} for name in names}

    def inputs(self, route: Manifest, backend: str, mode: str) -> ClusterInputs:
        """What the operator would read for a policy of this mode on a route, whose target is behind a backend."""
        namespace = route["metadata"]["namespace"]
        gateways = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in self.gateways}
        parents = {
            (each.get("namespace", namespace), each["name"])
            for each in route["spec"].get("parentRefs", [])
            if each.get("kind", "Gateway") == "Gateway"
        }
        objects = {ObjectKey("HTTPRoute", namespace, route["metadata"]["name"]): route}
        objects |= {ObjectKey("Gateway", *key): each for key, each in gateways.items() if key in parents}
        objects |= {ObjectKey("Service", *key): each for key, each in self.services.items() if key[0] == namespace}
        labels = self.services[namespace, backend]["spec"]["selector"]
        deployment = settable_deployment()
        deployment["metadata"]["name"] = backend
        deployment["spec"]["template"]["metadata"]["labels"] = labels
        objects[ObjectKey("Deployment", namespace, backend)] = deployment
        all_routes = [neighbour_route(each, each["kind"], gateways) for each in self.routes]
        users = neighbour_route(route, "HTTPRoute", gateways)
        return ClusterInputs(
            namespace=namespace,
            policy=f"{route['metadata']['name']}-{backend}",
            uid=UID,
            spec=spec_of(mode, route["metadata"]["name"], backend),
            objects=objects | {DEFINITION: AGENTGATEWAYS},
            neighbours=Neighbours(routes=Neighbourhood(all_routes).beside(users)),
            injector_image="earlystop:1",
            pods=(),
            writes_gateway_objects=True,
        )


def spec_of(mode: str, route: str, target: str) -> PolicySpec:
    """A policy of a mode with two candidates."""
    settings: dict[str, Any] = {"routeRef": {"name": route}}
    names = ("w10", "w5")
    if mode == "HeaderCohort":
        cohorts = [{"variant": "baseline", "values": ["a"]}, *({"variant": each, "values": [each]} for each in names)]
        settings |= {"header": "X-Cohort", "cohorts": cohorts}
    settings |= {"RequestBody": {"engine": "VLLM"}, "GatewayBody": BY_AGENTGATEWAY}.get(mode, {})
    if mode == "Workload":
        settings |= {"container": "server", "settings": list(KNOBS)}
    field = mode[0].lower() + mode[1:]
    return policy(
        {
            **body_changes(mode),
            "targetRef": {"kind": "Deployment", "name": target},
            "candidates": [{"name": each, "values": [{"name": "window", "value": each[1:]}]} for each in names],
            "delivery": {"gatewayHeader": None, field: settings, "mode": mode},
            "rollout": {"strategy": "ABTest"},
        }
    )


def clusters() -> list[CorpusCluster]:
    """Every cluster of the corpus."""
    return [_cluster(path) for path in sorted(CORPUS.glob("*.yaml"))]


def _cluster(path: Path) -> CorpusCluster:
    objects = [each for each in yaml.load_all(path.read_text(), Loader=SAFE_LOADER) if each]
    routes = tuple(each for each in objects if each["kind"] in ("HTTPRoute", "GRPCRoute"))
    services = {_key(each): each for each in objects if each["kind"] == "Service"}
    for route in routes:
        for name in backends(route):
            services.setdefault((route["metadata"]["namespace"], name), _service(name))
    gateways = tuple(each for each in objects if each["kind"] == "Gateway")
    sets = tuple(each for each in objects if each["kind"] == "ListenerSet")
    return CorpusCluster(path.stem, gateways, routes, services, sets)


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _service(name: str) -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"kind": "Service", "metadata": {"name": name, "uid": name}, "spec": spec}


def backends(route: Manifest) -> list[str]:
    """Names of the Services of its own namespace that an HTTPRoute leads to."""
    if route["kind"] != "HTTPRoute":
        return []
    found = [
        backend["name"]
        for rule in route["spec"].get("rules", [])
        for backend in rule.get("backendRefs", [])
        if backend.get("kind", "Service") == "Service" and "namespace" not in backend
    ]
    return sorted(set(found))


HOSTNAMES: tuple[list[str], ...] = (
    [],
    ["a.example"],
    ["*.example"],
    ["a.example", "b.example"],
    ["*.a.example", "a.example"],
)
LISTENERS = (
    {"name": "any", "port": 80, "protocol": "HTTP"},
    {"name": "wild", "port": 80, "protocol": "HTTP", "hostname": "*.example"},
    {"name": "tls", "port": 443, "protocol": "HTTPS", "hostname": "a.example"},
)
PARENTS: list[dict[str, Any]] = [{"name": "edge"}, {"name": "inner"}, {"name": "edge", "sectionName": "any"}]
PATHS: tuple[dict[str, Any], ...] = (
    {},
    {"path": {"type": "PathPrefix", "value": "/v1"}},
    {"path": {"type": "PathPrefix", "value": "/v1/"}},
    {"path": {"type": "PathPrefix", "value": "/v1/chat"}},
    {"path": {"type": "Exact", "value": "/v1/chat/completions"}},
    {"path": {"type": "Exact", "value": "/v1/completions"}},
    {"path": {"type": "RegularExpression", "value": "/v1/.*"}},
)
CONDITIONS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"method": "POST"},
    {"method": "GET"},
    {"headers": [{"name": "x-a", "value": "1"}]},
    {"headers": [{"name": "X-A", "value": "2"}]},
    {"headers": [{"name": "x-a", "value": "1"}, {"name": "x-b", "value": "1"}]},
    {"headers": [{"name": "x-a", "value": "1.*", "type": "RegularExpression"}]},
    {"queryParams": [{"name": "q", "value": "1"}]},
    {"queryParams": [{"name": "Q", "value": "2"}], "method": "POST"},
)

REPLACEMENTS = ("/", "", "/v1", "/v1/", "/v1/chat", "/llm")


def drawn_cluster(rng: random.Random) -> CorpusCluster:
    """Two Gateways, of one address now and then, and a few routes drawn at random. The first is an HTTPRoute."""
    gateways = [
        {
            "metadata": {"name": name, "namespace": "llm"},
            "spec": {"gatewayClassName": "drawn", "listeners": rng.sample(LISTENERS, rng.randint(1, 3))},
            "status": {"addresses": [{"value": rng.choice(("10.0.0.1", "10.0.0.2"))}]},
        }
        for name in ("edge", "inner")
    ]
    routes = [_drawn_route(rng, f"r{number}") for number in range(rng.randint(2, 4))]
    services = {("llm", name): _service(name) for route in routes for name in backends(route)}
    return CorpusCluster("drawn", tuple(gateways), tuple(routes), services)


def _drawn_route(rng: random.Random, name: str) -> Manifest:
    parents = rng.sample(PARENTS, rng.choice((1, 1, 2)))
    rules: list[dict[str, Any]] = [
        {
            "matches": [rng.choice(PATHS) | rng.choice(CONDITIONS) for _ in range(rng.choice((1, 1, 2)))],
            "backendRefs": [{"name": f"{name}-{rng.choice('ab')}", "port": 80}],
            **rng.choice(({}, {}, {"timeouts": {"request": "9s"}})),
        }
        for _ in range(rng.choice((1, 1, 2, 3)))
    ]
    for each in rules:
        paths = [match.get("path", {}) for match in each["matches"]]
        if len(paths) == 1 and paths[0].get("type", "PathPrefix") == "PathPrefix" and rng.random() < 0.25:
            path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": rng.choice(REPLACEMENTS)}
            each["filters"] = [{"type": "URLRewrite", "urlRewrite": {"path": path}}]
    created = f"2024-01-0{rng.randint(1, 3)}T00:00:00Z"
    metadata = {"name": name, "namespace": "llm", "creationTimestamp": created}
    spec = {"parentRefs": parents, "hostnames": rng.choice(HOSTNAMES), "rules": rules}
    return {"kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def requests(cluster: CorpusCluster, near: Manifest, rng: random.Random, number: int) -> Iterator[Asked]:
    """Requests near the matches of the cluster's routes, every other one near those of the route `near`."""
    places = [(*_key(each), listener["port"]) for each in cluster.proxies for listener in each["spec"]["listeners"]]
    hosts = _hosts(cluster)
    own_hosts = [_host(each) for each in near["spec"].get("hostnames", [])] or hosts
    every, own = (_matches(*routes) for routes in (cluster.routes, (near,)))
    asked_for = [each for match in every for each in match.get("headers", [])]
    for turn in range(number):
        match = rng.choice(own if turn % 2 else every)
        headers, query = _conditions(match, "headers", rng), _conditions(match, "queryParams", rng)
        if asked_for and rng.random() < 0.4:
            headers |= _conditions({"headers": rng.sample(asked_for, min(2, len(asked_for)))}, "headers", rng)
        if rng.random() < 0.5:
            headers["content-type"] = "application/json"
        if rng.random() < 0.2:
            headers |= rng.choice(({"x-cohort": "w5"}, {GOLDEN_HEADER: "w10"}, {GOLDEN_HEADER: "baseline"}))
        yield Asked(
            at=rng.choice(places),
            host=rng.choice(own_hosts if rng.random() < 0.8 else hosts),
            path=_path(match, rng),
            method=rng.choice(("POST", "POST", "POST", match.get("method", "GET"))),
            headers=headers,
            query=query,
        )


def _matches(*routes: Manifest) -> list[dict[str, Any]]:
    return [match for route in routes for rule in route["spec"].get("rules", []) for match in in_http(route, rule)]


def _hosts(cluster: CorpusCluster) -> list[str]:
    """A host for each hostname of routes and listeners, and one that nobody names."""
    listeners = [each.get("hostname", "") for gateway in cluster.proxies for each in gateway["spec"]["listeners"]]
    written = [each for route in cluster.routes for each in route["spec"].get("hostnames", [])]
    return sorted({_host(each) for each in (*listeners, *written) if each} | {"nobody.invalid"})


def _host(pattern: str) -> str:
    return pattern.replace("*", "some")


def _conditions(match: dict[str, Any], field: str, rng: random.Random) -> dict[str, str]:
    """Values for what a match asks for, now and then another one or none."""
    found: dict[str, str] = {}
    for each in reversed(match.get(field, [])):
        value = each["value"].replace(".*", "x").replace(".+", "y")
        name = each["name"].lower() if field == "headers" else each["name"]
        if rng.random() < 0.85:
            found[name] = value if rng.random() < 0.9 else "other"
    return found


def _path(match: dict[str, Any], rng: random.Random) -> str:
    path = match.get("path", {})
    if path.get("type") == "RegularExpression":
        return rng.choice(FOR_EXPRESSIONS)
    value = str(path.get("value", "/"))
    if path.get("type") == "Exact" and rng.random() < 0.9:
        return value
    return (value.rstrip("/") + rng.choice(ENDS)) or "/"
