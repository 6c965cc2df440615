"""Which hosts a route is served for, and at which Gateway: routes compete where these are the same.

Gateway API gives a request to the routes with the most specific hostname first, whatever their paths. So an overlay,
which has the hostnames of its user's route, can take requests only from routes with the very same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Manifest = Mapping[str, Any]
GATEWAY_API = "gateway.networking.k8s.io"
PROTOCOLS_WITHOUT_ROUTES = frozenset({"TCP", "UDP", "TLS"})

GatewayKey = tuple[str, str]


class ServedHost(NamedTuple):
    """A hostname at one place where requests come in.

    place: a Gateway, or an address of it, or the class of Gateways without one, with a port; or a parent of another
        kind, as `Service llm/qa`.
    hostname: may begin with `*.`; "" for every host.
    """

    place: str
    hostname: str


def served_hosts(route: Manifest, gateways: Mapping[GatewayKey, Manifest]) -> frozenset[ServedHost]:
    """Where a route, HTTPRoute or GRPCRoute, is served, or may be as far as its Gateways have said.

    gateways: all Gateways by namespace and name. Listeners with one port are one place, since not every gateway keeps
    them apart. So are Gateways with one address.
    """
    return frozenset(
        host
        for reference in _parents(route, gateways)
        if not is_refused(route, reference)
        for host in _hosts_at(route, reference, gateways)
    )


def _parents(route: Manifest, gateways: Mapping[GatewayKey, Manifest]) -> Iterator[dict[str, Any]]:
    """What a route is attached to: what it names, and the default Gateways if it asks for these (GEP-3793)."""
    yield from route["spec"].get("parentRefs") or []
    if route["spec"].get("useDefaultGateways") == "All":
        for (namespace, name), gateway in gateways.items():
            if gateway["spec"].get("defaultScope") == "All":
                yield {"namespace": namespace, "name": name}


def _hosts_at(
    route: Manifest, reference: dict[str, Any], gateways: Mapping[GatewayKey, Manifest]
) -> Iterator[ServedHost]:
    own, namespace = route["metadata"]["namespace"], reference.get("namespace", route["metadata"]["namespace"])
    written = route["spec"].get("hostnames") or [""]
    if (reference.get("group", GATEWAY_API), reference.get("kind", "Gateway")) != (GATEWAY_API, "Gateway"):
        kind = reference.get("kind", "Gateway")
        place = f"{kind} {namespace}/{reference['name']}"
        # A mesh leads a Service's requests by their address, and does not look at hostnames (GEP-1426). Of a set of
        # listeners nothing is read.
        yield from (ServedHost(place, hostname) for hostname in ([""] if kind == "Service" else written))
        return
    gateway = gateways.get((namespace, reference["name"]))
    for listener in gateway["spec"].get("listeners") or [] if gateway is not None else []:
        if attaches_to(reference, listener) and _admits(listener, route.get("kind", "HTTPRoute"), own, namespace):
            common = (common_hostname(listener.get("hostname") or "", each) for each in written)
            found = [each for each in common if each is not None]
            assert gateway is not None  # it has listeners
            yield from (ServedHost(place, each) for place in _places(gateway, listener) for each in found)


def shared_hosts(one: Iterable[ServedHost], other: Iterable[ServedHost]) -> frozenset[ServedHost]:
    """The hosts of one route for which the other is, or may be, served as well.

    A route without hostnames at a set of listeners has those of the listeners, which are not read: it may share any.
    Nor is read whose set it is: a hostname there may be served where that hostname is served at a Gateway.
    """
    mine, theirs = frozenset(one), frozenset(other)
    somewhere = {each.hostname for each in theirs if each.hostname and not _is_service(each)}
    in_sets = {each.hostname for each in theirs if each.hostname and is_set(each)}
    unread = {each.place for each in theirs if is_unread(each)}
    open_here = {each.place for each in theirs if is_unread(each) and not each.hostname}
    return frozenset(
        each
        for each in mine
        if each in theirs
        or each.place in open_here
        or (each.place in unread and not each.hostname)
        or (each.hostname in (somewhere if is_set(each) else in_sets) and not _is_service(each))
    )


def service_place(namespace: str, name: str) -> str:
    """The place of a mesh's requests to a Service."""
    return f"Service {namespace}/{name}"


def is_unread(host: ServedHost) -> bool:
    """Whether nothing is read of what a route is served by: a mesh's Service, or a set of listeners."""
    return not host.place.startswith("Gateway ") and " port " not in host.place


def _is_service(host: ServedHost) -> bool:
    return host.place.startswith("Service ")


def is_set(host: ServedHost) -> bool:
    """Whether a route is served by a set of listeners, which belongs to some Gateway."""
    return is_unread(host) and not _is_service(host)


def attaches_to(reference: dict[str, Any], listener: dict[str, Any]) -> bool:
    """Whether a parent reference names a listener, or all of its Gateway."""
    return bool(
        reference.get("sectionName", listener["name"]) == listener["name"]
        and reference.get("port", listener["port"]) == listener["port"]
    )


def _admits(listener: dict[str, Any], kind: str, namespace: str, gateway_namespace: str) -> bool:
    """Whether a listener takes routes of this kind and namespace. Labels of namespaces are not read: where these
    decide, only the status of a route can say that it is not admitted."""
    allowed = listener.get("allowedRoutes") or {}
    kinds = [each["kind"] for each in allowed.get("kinds") or []]
    if listener.get("protocol") in PROTOCOLS_WITHOUT_ROUTES or (kinds and kind not in kinds):
        return False
    admitted = (allowed.get("namespaces") or {}).get("from", "Same")
    return namespace == gateway_namespace if admitted == "Same" else admitted != "None"


def _places(gateway: Manifest, listener: dict[str, Any]) -> list[str]:
    """The Gateway itself, and each of its addresses: gateways with one address are served by the same proxy. One that
    tells no address may be served by the same proxy as another one of its class that tells none."""
    metadata, port = gateway["metadata"], listener["port"]
    addresses = [each.get("value", "") for each in gateway.get("status", {}).get("addresses") or []]
    known = [each for each in addresses if each] or [f"GatewayClass {gateway['spec'].get('gatewayClassName', '')}"]
    names = [f"Gateway {metadata['namespace']}/{metadata['name']}", *known]
    return [f"{name} port {port}" for name in names]


def common_hostname(one: str, other: str) -> str | None:
    """The hostname of all hosts that two hostnames have in common, None when there is none. "" stands for any."""
    wide, narrow = sorted((one.lower(), other.lower()), key=_specificity)
    if wide in ("", narrow):
        return narrow
    return narrow if wide.startswith("*.") and narrow.endswith(wide[1:]) else None


def _specificity(hostname: str) -> tuple[bool, bool, int]:
    return hostname != "", not hostname.startswith("*."), len(hostname)


def acceptances(route: Manifest, reference: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions `Accepted` that controllers wrote of one parent for the present generation of a route."""
    generation, namespace = route["metadata"].get("generation"), route["metadata"]["namespace"]
    return [
        condition
        for parent in route.get("status", {}).get("parents") or []
        if _parent(parent["parentRef"], namespace) == _parent(reference, namespace)
        for condition in parent.get("conditions") or []
        if condition["type"] == "Accepted" and condition.get("observedGeneration", generation) == generation
    ]


def _parent(reference: dict[str, Any], namespace: str) -> tuple[Any, ...]:
    """What tells one parent of a route from another."""
    written = {"kind": "Gateway", "namespace": namespace, "sectionName": None, "port": None, **reference}
    return tuple(written[key] for key in ("kind", "namespace", "name", "sectionName", "port"))


def is_refused(route: Manifest, reference: dict[str, Any]) -> bool:
    """Whether every controller that speaks of this parent says that it does not accept the route there."""
    said = acceptances(route, reference)
    return bool(said) and all(each["status"] == "False" for each in said)
