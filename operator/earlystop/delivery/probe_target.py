"""Where a probe can be sent: an address of the Gateway, and a request that meets some rule of the overlay."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.proof import ProbeTarget


def probe_target(
    inputs: ClusterInputs,
    overlay: Manifest,
    matches: list[dict[str, Any]],
    nonce: str,
    revision: str,
    weights: tuple[tuple[str, int], ...],
) -> ProbeTarget | None:
    """Where a probe that meets one of an overlay's matches can be sent, or None when no plain-http address of a
    Gateway is known or no plain request meets any of them. revision, weights: what must come back."""
    request = _request(matches)
    if request is None:
        return None
    target, headers = request
    hostnames = overlay["spec"].get("hostnames", [])
    for reference in overlay["spec"]["parentRefs"]:
        gateway = inputs.gateways.get((reference.get("namespace", inputs.namespace), reference["name"]))
        for listener in _listeners(gateway, reference):
            hosts = _hosts(hostnames, listener.get("hostname"))
            if hosts:
                assert gateway is not None  # it has listeners
                url = f"http://{_address(gateway, listener)}{target}"
                return ProbeTarget(
                    url=url, host=hosts[0], nonce=nonce, headers=headers, revision=revision, weights=weights
                )
    return None


def _request(matches: list[dict[str, Any]]) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Path with query, and headers, of a request that meets one of the matches; regular expressions are passed over."""
    for match in matches:
        headers, parameters = match.get("headers", []), match.get("queryParams", [])
        if all(each.get("type", "Exact") == "Exact" for each in (*headers, *parameters)):
            query = urlencode([(each["name"], each["value"]) for each in parameters])
            path = quote(match["path"]["value"], safe="/%:@!$&'()*+,;=~-._")
            return path + ("?" + query if query else ""), tuple((each["name"], each["value"]) for each in headers)
    return None


def _listeners(gateway: Manifest | None, reference: dict[str, Any]) -> list[dict[str, Any]]:
    """The plain-http listeners that a parent reference attaches to, of a Gateway whose address is known."""
    if gateway is None or not gateway.get("status", {}).get("addresses"):
        return []
    return [
        listener
        for listener in gateway["spec"].get("listeners", [])
        if listener["protocol"] == "HTTP"
        and reference.get("sectionName", listener["name"]) == listener["name"]
        and reference.get("port", listener["port"]) == listener["port"]
    ]


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
    value = gateway["status"]["addresses"][0]["value"]
    return f"[{value}]:{listener['port']}" if ":" in value else f"{value}:{listener['port']}"
