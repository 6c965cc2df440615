"""The objects of the scale benchmark: many policies, each with a target, a Service and a route of its own.

Most try a candidate; some search, and more were promoted and are watched over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from earlystop.controller.campaign_tokens import DEFAULT_SECRET
from earlystop.controller.record.keeper import DEFAULT_LEASE
from earlystop.controller.release_lease import NAMES_LEASE, RELEASE_LEASE
from tests.bench.scale_exporter import GUARDED, HOLDBACK
from tests.cluster.access import Access

Manifest = dict[str, Any]

NAMESPACES = 20
LOOK_SECONDS = 15
GUARD_LOOK_SECONDS = 60
SETTLE_SECONDS = 15
SCRAPE_SECONDS = 15
DELAY_SECONDS = 2
SYSTEM = "earlystop-bench"
ACCOUNT = "operator"
SOURCE = "bench"
_AT_ONCE = 200


class Kind(StrEnum):
    """What a policy is about while it is measured."""

    TRYING = "trying"
    SEARCHING = "searching"
    GUARDED = "guarded"


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many policies there are. policies: that stay undecided; searching: of them, how many are a search in its
    first trial; guarded: further ones, which are promoted and then watched over."""

    policies: int
    searching: int = 0
    guarded: int = 0

    @property
    def total(self) -> int:
        """All policies."""
        return self.policies + self.guarded

    @property
    def looks_a_second(self) -> float:
        """How many looks fall due, on average."""
        return self.policies / LOOK_SECONDS + self.guarded / GUARD_LOOK_SECONDS

    def kind_of(self, number: int) -> Kind:
        """What the policy of a number is about, from 0."""
        if number >= self.policies:
            return Kind.GUARDED
        return Kind.SEARCHING if number < self.searching else Kind.TRYING

    def __str__(self) -> str:
        searching = f", {self.searching} of them searching" if self.searching else ""
        guarded = f", and {self.guarded} promoted under guard" if self.guarded else ""
        return f"{self.policies} policies{searching}{guarded}"


def seconds_between_looks(name: str) -> int:
    """Of a policy of this name."""
    return GUARD_LOOK_SECONDS if name.startswith(GUARDED) else LOOK_SECONDS


def apply_fleet(access: Access, fleet: Fleet, prometheus_url: str) -> None:
    """Create everything that the operator needs to accept the policies, and the policies themselves."""
    prepare(access)
    access.apply(_source(prometheus_url), *_of_the_release(), *_gateway())
    kinds = [(number, fleet.kind_of(number)) for number in range(fleet.total)]
    surroundings = (manifest for number, kind in kinds for manifest in _surroundings(number, kind))
    for some in _portions(surroundings):
        access.apply(*some)
    for some in _portions(_policy(number, kind) for number, kind in kinds):
        access.apply(*some)


def prepare(access: Access) -> None:
    """Create namespaces, an account with all rights for who is measured, and addresses for many Services."""
    access.apply(*_namespaces(), _account(), _rights(), _addresses())
    # Without controllers nobody else says that the addresses may be used.
    ready = '{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "", "message": "",'
    ready += ' "lastTransitionTime": "2025-01-01T00:00:00Z"}]}}'
    access.kubectl("patch", "servicecidr/bench", "--subresource=status", "--type=merge", f"--patch={ready}")


def revisions(access: Access) -> dict[str, str]:
    """The label `policy` of every policy whose campaign has begun, and its revision: what a server would export."""
    begun = (each for each in access.get("esp", "--all-namespaces")["items"] if "revision" in each.get("status", {}))
    return {f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["status"]["revision"] for each in begun}


def _portions(manifests: Iterator[Manifest]) -> Iterator[list[Manifest]]:
    while some := list(islice(manifests, _AT_ONCE)):
        yield some


def _namespaces() -> list[Manifest]:
    names = [SYSTEM, *(namespace_of(number) for number in range(NAMESPACES))]
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]


def _account() -> Manifest:
    """An account of its own, so that the audit log tells its writes from everyone else's."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": SYSTEM}}


def _rights() -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": SYSTEM},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM}],
    }


def _of_the_release() -> list[Manifest]:
    """What the chart makes for the operator to fill: without them it asks for them again and again."""
    labels = {"app.kubernetes.io/part-of": "earlystop"}
    leases = [
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": SYSTEM, "labels": labels},
        }
        for name in (RELEASE_LEASE, DEFAULT_LEASE)
    ]
    named = {NAMES_LEASE: f"{SYSTEM}/{RELEASE_LEASE}"}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"{SYSTEM}-release", "labels": labels, "annotations": named},
        "rules": [],
    }
    key = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": DEFAULT_SECRET, "namespace": SYSTEM}}
    return [*leases, role, key]


def _addresses() -> Manifest:
    """Room for three Services an object; the test cluster's own range ends after 254."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": "bench"},
        "spec": {"cidrs": ["10.96.0.0/16"]},
    }


def _source(url: str) -> Manifest:
    spec = {
        "url": url,
        "scrapeIntervalSeconds": SCRAPE_SECONDS,
        "evaluationDelaySeconds": DELAY_SECONDS,
        "timeoutSeconds": 10,
    }
    return {"apiVersion": "earlystop.dev/v1alpha1", "kind": "MetricSource", "metadata": {"name": SOURCE}, "spec": spec}


def _gateway() -> list[Manifest]:
    """A Gateway that nobody serves: it has no address to probe, so counts must prove the weights."""
    api = "gateway.networking.k8s.io/v1"
    listener = {"name": "web", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "All"}}}
    return [
        {
            "apiVersion": api,
            "kind": "GatewayClass",
            "metadata": {"name": "bench"},
            "spec": {"controllerName": "example.com/nobody"},
        },
        {
            "apiVersion": api,
            "kind": "Gateway",
            "metadata": {"name": "bench", "namespace": SYSTEM},
            "spec": {"gatewayClassName": "bench", "listeners": [listener]},
        },
    ]


def namespace_of(number: int) -> str:
    """Where the object of this number is, from 0."""
    return f"team-{number % NAMESPACES:02}"


def _metadata(number: int, kind: Kind) -> Manifest:
    name = GUARDED if kind is Kind.GUARDED else "qa"
    return {"name": f"{name}-{number:05}", "namespace": namespace_of(number)}


def _surroundings(number: int, kind: Kind) -> list[Manifest]:
    metadata = _metadata(number, kind)
    labels = {"app": metadata["name"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": "bench:none"}]}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"name": metadata["name"], "port": 80}],
    }
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": metadata,
            "spec": {
                "parentRefs": [{"name": "bench", "namespace": SYSTEM}],
                "hostnames": [f"{metadata['name']}.example.com"],
                "rules": [rule],
            },
        },
    ]


def _policy(number: int, kind: Kind) -> Manifest:
    """A policy that stays undecided: its candidate saves a third of the tokens, and half would have to be saved. One to
    be guarded asks for little, so that it is soon promoted."""
    metadata = _metadata(number, kind)
    parameter = {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}
    spec = {
        "targetRef": {"kind": "Deployment", "name": metadata["name"]},
        "parameters": [parameter],
        "baseline": {"values": [{"name": "window", "value": "40"}]},
        "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": metadata["name"]}}},
        "rollout": {
            "steps": [{"weight": 50}],
            "lookSeconds": seconds_between_looks(metadata["name"]),
            "settleSeconds": SETTLE_SECONDS,
        },
        "metrics": {"sourceRef": {"name": SOURCE}},
        "objective": UNDECIDED,
    }
    if kind is Kind.SEARCHING:
        spec["search"] = {"strategy": "Ladder", "parameters": [{"name": "window", "values": ["20", "10", "5"]}]}
    else:
        spec["candidates"] = [{"name": "w10", "values": [{"name": "window", "value": "10"}]}]
    if kind is Kind.GUARDED:
        spec |= {"objective": SOON_PROVEN, "guard": {"holdbackWeight": HOLDBACK}}
    return {"apiVersion": "earlystop.dev/v1alpha1", "kind": "EarlyStopPolicy", "metadata": metadata, "spec": spec}


UNDECIDED = {
    "exactMatch": {"margin": "0.02"},
    "tokens": {"minimumSaving": "0.5"},
    "risk": {"promote": "0.000001", "harm": "0.000001"},
}
SOON_PROVEN = {"exactMatch": {"margin": "0.2", "assumeIndependent": True}, "tokens": {"minimumSaving": "0.05"}}
