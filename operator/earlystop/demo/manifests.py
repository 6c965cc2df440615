"""The objects of the demonstration: a question answering service behind a gateway, and two policies to judge."""

from __future__ import annotations

from typing import Any

from earlystop.api.wire import API_VERSION
from earlystop.delivery.names import alias_name

Manifest = dict[str, Any]

SERVICE_PORT = 80


def service(namespace: str, pod_port: int, replicas: int = 1) -> list[Manifest]:
    """The Deployment and Service of the server. On hollow nodes its Pods are entries only; the server that answers
    at their address is a process of its own."""
    labels = {"app": "qa-server"}
    container = {
        "name": "server",
        "image": "earlystop-operator:demo",
        "command": ["python", "-m", "earlystop.demo.server", "--host", "0.0.0.0", "--port", str(pod_port)],  # noqa: S104
        "ports": [{"containerPort": pod_port, "name": "http"}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "qa-server", "namespace": namespace},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "qa", "namespace": namespace},
            "spec": {"selector": labels, "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": pod_port}]},
        },
    ]


def endpoints(namespace: str, address: str, port: int) -> list[Manifest]:
    """Hand-made EndpointSlices that lead the Service and its alias to a server outside of the cluster."""
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{name}-outside",
                "namespace": namespace,
                "labels": {
                    "kubernetes.io/service-name": name,
                    "endpointslice.kubernetes.io/managed-by": "demo.earlystop.dev",
                },
            },
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        }
        for name in ("qa", alias_name("qa"))
    ]


def route(namespace: str, host: str, gateway: str, gateway_namespace: str) -> Manifest:
    """The user's own HTTPRoute, which the operator reads and never changes."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "qa", "namespace": namespace},
        "spec": {
            "parentRefs": [{"name": gateway, "namespace": gateway_namespace}],
            "hostnames": [host],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"name": "qa", "port": SERVICE_PORT}],
                }
            ],
        },
    }


def source(name: str, url: str) -> Manifest:
    """A MetricSource for a Prometheus that scrapes every second."""
    return {
        "apiVersion": API_VERSION,
        "kind": "MetricSource",
        "metadata": {"name": name},
        "spec": {"url": url, "scrapeIntervalSeconds": 1, "evaluationDelaySeconds": 1, "timeoutSeconds": 5},
    }


def policy(namespace: str, name: str, source_name: str, window: int, margin: str) -> Manifest:
    """A policy that tries one window against the baseline of 40, with risk 0.01, so that it can be relied on."""
    return {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "targetRef": {"kind": "Deployment", "name": "qa-server"},
            "parameters": [
                {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}
            ],
            "baseline": {"values": [{"name": "window", "value": "40"}]},
            "candidates": [{"name": f"w{window}", "values": [{"name": "window", "value": str(window)}]}],
            "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}},
            "rollout": {
                "steps": [
                    {"weight": 5, "minimumSeconds": 3},
                    {"weight": 25, "minimumSeconds": 3},
                    {"weight": 50, "minimumSeconds": 3},
                ],
                "lookSeconds": 1,
                "settleSeconds": 2,
                "deadlineSeconds": 900,
            },
            "metrics": {"sourceRef": {"name": source_name}},
            "objective": {
                # The load asks each question by itself, in random order: nothing keeps a session on a variant.
                "exactMatch": {"margin": margin, "assumeIndependent": True},
                "tokens": {"minimumSaving": "0.10"},
                "risk": {"promote": "0.01", "harm": "0.01"},
            },
        },
    }
