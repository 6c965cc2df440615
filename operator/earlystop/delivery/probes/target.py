"""Where a probe can be sent: an address of the Gateway, and a request that meets some rule of the overlay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.proof import Metrics, ProbeTarget

SCHEMES = {"HTTP": "http", "HTTPS": "https"}
"""By protocol of a listener, in the order of preference: TLS adds nothing to what the overlay's mark proves."""


def probe_target(
    inputs: ClusterInputs,
    overlay: Manifest,
    matches: list[dict[str, Any]],
    nonce: str,
    revision: str,
    weights: tuple[tuple[str, int], ...],
) -> ProbeTarget | None:
    """Where a probe that meets one of an overlay's matches can be sent, or None when no listener of a Gateway is known
    that leads there, or when no plain request meets any of them. revision, weights: what must come back."""
    request = _request(matches)
    if request is None:
        return None
    target, headers = request
    found = list(_listeners(inputs, overlay))
    for protocol, scheme in SCHEMES.items():
        for gateway, listener, hosts in found:
            if listener["protocol"] == protocol:
                return ProbeTarget(
                    url=f"{scheme}://{_address(gateway, listener)}{target}",
                    host=hosts[0],
                    nonce=nonce,
                    headers=headers,
                    revision=revision,
                    weights=weights,
                    trust=inputs.spec.delivery.probe_trust,
                    reads_bodies=inputs.spec.delivery.traits.gateway_writes,
                )
    return None


class PlainListener(NamedTuple):
    """A listener of plain http. address, port: where it is reached. hostname: which hosts it takes, "" for all. host:
    one that the route and it take, "" where any will do. parent: namespace, name and sectionName, by which a route
    names it."""

    address: str
    port: int
    hostname: str
    host: str
    parent: dict[str, str]

    @property
    def authority(self) -> str:
        """Address and port as a URL has them."""
        return _authority(self.address, self.port)


def plain_listeners(inputs: ClusterInputs, route: Manifest) -> Iterator[PlainListener]:
    """The listeners of plain http by which a route is reached."""
    for gateway, listener, hosts in _listeners(inputs, route):
        if listener["protocol"] == "HTTP":
            metadata = gateway["metadata"]
            yield PlainListener(
                address=gateway["status"]["addresses"][0]["value"],
                port=listener["port"],
                hostname=listener.get("hostname") or "",
                host=hosts[0] or "",
                parent={
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "sectionName": listener["name"],
                },
            )


def why_no_probe(inputs: ClusterInputs, overlay: Manifest) -> Metrics:
    """The first reason why no probe can be sent to an overlay, so that the counts must prove what it does."""
    until = "so no probe can prove the weights; metrics must."
    gateways = list(_gateways(inputs, overlay))
    if not gateways:
        return Metrics("NoGatewayAddress", f"The route's parents are no Gateways that can be read, {until}")
    names = ", ".join(gateway["metadata"]["name"] for gateway, _ in gateways)
    pending = [gateway for gateway, _ in gateways if not _class_is_accepted(inputs, gateway)]
    if len(pending) == len(gateways):
        name = pending[0]["spec"]["gatewayClassName"]
        message = f"No controller has accepted GatewayClass {name}, {until}"
        return Metrics("GatewayClassNotAccepted", message)
    if not any(gateway.get("status", {}).get("addresses") for gateway, _ in gateways):
        return Metrics("NoGatewayAddress", f"Gateway {names} reports no address in its status, {until}")
    message = f"No http or https listener of Gateway {names} that ends TLS itself leads to the route's hosts, {until}"
    return Metrics("NoProbeListener", message)


def _request(matches: list[dict[str, Any]]) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Path with query, and headers, of a request that meets one of the matches; regular expressions are passed over."""
    for match in matches:
        headers = _first_of_each(match.get("headers", []), str.lower)
        parameters = _first_of_each(match.get("queryParams", []))
        if all(each.get("type", "Exact") == "Exact" for each in (*headers, *parameters)):
            query = urlencode([(each["name"], each["value"]) for each in parameters])
            path = quote(match["path"]["value"], safe="/%:@!$&'()*+,;=~-._")
            return path + ("?" + query if query else ""), tuple((each["name"], each["value"]) for each in headers)
    return None


def _first_of_each(asked: Iterable[dict[str, Any]], key: Callable[[str], str] = str) -> list[dict[str, Any]]:
    """What a match asks for, each name once: where it names one again, the first counts. key: makes names that are the
    same equal."""
    found: dict[str, dict[str, Any]] = {}
    for each in asked:
        found.setdefault(key(each["name"]), each)
    return list(found.values())


def _gateways(inputs: ClusterInputs, overlay: Manifest) -> Iterator[tuple[Manifest, dict[str, Any]]]:
    """The Gateways among an overlay's parents that could be read, each with the reference to it."""
    for reference in overlay["spec"].get("parentRefs", []):
        gateway = inputs.gateways.get((reference.get("namespace", inputs.namespace), reference["name"]))
        if gateway is not None and reference.get("kind", "Gateway") == "Gateway":
            yield gateway, reference


def _listeners(inputs: ClusterInputs, overlay: Manifest) -> Iterator[tuple[Manifest, dict[str, Any], list[str | None]]]:
    """Every listener by which an overlay can be reached, of a Gateway whose address is known, and the hosts that both
    accept."""
    for gateway, reference in _gateways(inputs, overlay):
        if not gateway.get("status", {}).get("addresses") or not _class_is_accepted(inputs, gateway):
            continue
        for listener in gateway["spec"].get("listeners", []):
            hosts = _hosts(overlay["spec"].get("hostnames", []), listener.get("hostname"))
            if hosts and _is_named(listener, reference) and _ends_tls(listener):
                yield gateway, listener, hosts


def _is_named(listener: dict[str, Any], reference: dict[str, Any]) -> bool:
    named = reference.get("sectionName", listener["name"]) == listener["name"]
    return bool(named and reference.get("port", listener["port"]) == listener["port"])


def _ends_tls(listener: dict[str, Any]) -> bool:
    """Whether requests can be read at the listener: it speaks plain http, or ends TLS itself."""
    mode = listener.get("tls", {}).get("mode", "Terminate")
    return bool(listener["protocol"] == "HTTP" or (listener["protocol"] == "HTTPS" and mode == "Terminate"))


def _class_is_accepted(inputs: ClusterInputs, gateway: Manifest) -> bool:
    """Whether a controller vouches for what a Gateway's status says: an address that anybody may have written is not
    asked. A class without any condition, as of an old controller, is taken at its word."""
    gateway_class = inputs.gateway_classes.get(gateway["spec"]["gatewayClassName"])
    if gateway_class is None:
        return False
    said = [each for each in gateway_class.get("status", {}).get("conditions", []) if each["type"] == "Accepted"]
    return all(each["status"] == "True" for each in said)


def _hosts(hostnames: list[str], listener: str | None) -> list[str | None]:
    """Hosts that both the route and the listener accept; [None] when any will do, [] when there is none."""
    patterns = [*hostnames, *([listener] if listener else [])]
    if not patterns:
        return [None]
    candidates = [pattern.replace("*", "probe", 1) for pattern in patterns]
    return [
        host
        for host in candidates
        if (not hostnames or any(_accepts(pattern, host) for pattern in hostnames))
        and (not listener or _accepts(listener, host))
    ]


def _accepts(pattern: str, host: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _address(gateway: Manifest, listener: dict[str, Any]) -> str:
    return _authority(gateway["status"]["addresses"][0]["value"], listener["port"])


def _authority(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
