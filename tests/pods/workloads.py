"""The Pods beside the operator's: Prometheus, Traefik and the reference server, with the rights that each needs."""

from __future__ import annotations

import json
from typing import Any

from earlystop.demo import manifests
from tests.pods.pod_images import OPERATOR, PROMETHEUS_IMAGE, TAG, TRAEFIK_IMAGE

Manifest = dict[str, Any]

# There is no name server in this cluster, so Services have addresses that are known before.
GATEWAY_ADDRESS, GATEWAY_PORT = "10.0.0.80", 8000
PROMETHEUS_ADDRESS, PROMETHEUS_PORT = "10.0.0.90", 9090
SERVER_PORT = 8080
STAYING_SECONDS = 5
"""For so long a Pod that is being ended takes requests: those who send them hear of its end a moment later."""
_RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
_GATEWAY_RULES = [
    {"apiGroups": [""], "resources": ["namespaces", "services", "secrets", "nodes", "configmaps"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"]},
    {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["*"]},
]
_PROMETHEUS_RULES = [{"apiGroups": [""], "resources": ["pods"]}]


def prometheus(namespace: str) -> list[Manifest]:
    """A Prometheus that finds Pods as many installations do: by annotations."""
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "pods", "kubernetes_sd_configs": [{"role": "pod"}], "relabel_configs": _FOUND}],
    }
    name = "prometheus"
    arguments = [
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/data",
        f"--web.listen-address=:{PROMETHEUS_PORT}",
    ]
    pod = _pod(name, PROMETHEUS_IMAGE, arguments, PROMETHEUS_PORT, ready="/-/ready")
    pod["containers"][0]["volumeMounts"] = [
        {"name": "settings", "mountPath": "/etc/prometheus"},
        {"name": "data", "mountPath": "/data"},
    ]
    pod["volumes"] = [{"name": "settings", "configMap": {"name": name}}, {"name": "data", "emptyDir": {}}]
    kept = {"prometheus.yml": json.dumps(settings)}  # JSON is YAML
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": kept},
        *_account(name, namespace, _PROMETHEUS_RULES),
        *_deployment(name, namespace, pod, PROMETHEUS_ADDRESS, PROMETHEUS_PORT),
    ]


_FOUND = [
    {
        "source_labels": ["__meta_kubernetes_pod_annotation_prometheus_io_scrape"],
        "action": "keep",
        "regex": "true",
    },
    {"source_labels": ["__meta_kubernetes_pod_phase"], "action": "keep", "regex": "Running"},
    {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
    {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
]


def traefik(namespace: str) -> list[Manifest]:
    """Traefik, a GatewayClass and a Gateway open to routes of all namespaces."""
    name = "traefik"
    arguments = [
        f"--entrypoints.web.address=:{GATEWAY_PORT}",
        # Whoever sends it requests hears a moment later that its Pod is being ended.
        f"--entrypoints.web.transport.lifecycle.requestacceptgracetimeout={STAYING_SECONDS}s",
        "--entrypoints.ping.address=:8082",
        "--ping=true",
        "--ping.entrypoint=ping",
        "--providers.kubernetesgateway=true",
        f"--providers.kubernetesgateway.statusaddress.ip={GATEWAY_ADDRESS}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    pod = _pod(name, TRAEFIK_IMAGE, arguments, GATEWAY_PORT, ready="/ping", ready_port=8082)
    pod["containers"][0]["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
    pod["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    api = "gateway.networking.k8s.io/v1"
    listener = {
        "name": "web",
        "protocol": "HTTP",
        "port": GATEWAY_PORT,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        {
            "apiVersion": api,
            "kind": "GatewayClass",
            "metadata": {"name": name},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": api,
            "kind": "Gateway",
            "metadata": {"name": "gateway", "namespace": namespace},
            "spec": {"gatewayClassName": name, "listeners": [listener]},
        },
        *_account(name, namespace, _GATEWAY_RULES, writes_status=True),
        *_deployment(name, namespace, pod, GATEWAY_ADDRESS, GATEWAY_PORT),
    ]


def server(namespace: str, replicas: int = 2) -> list[Manifest]:
    """The reference server, by the image of the operator, which holds it too."""
    deployment, service = manifests.service(namespace, SERVER_PORT, replicas)
    pod = deployment["spec"]["template"]
    pod["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}
    arguments = ["--host=0.0.0.0", f"--port={SERVER_PORT}", "--names-variants", "--drain-seconds=2"]
    pod["spec"] = _pod("server", f"{OPERATOR}:{TAG}", arguments, SERVER_PORT, ready="/metrics")
    pod["spec"]["containers"][0]["command"] = ["python", "-m", "earlystop.demo.server"]
    stay = ["python", "-c", f"import time; time.sleep({STAYING_SECONDS})"]
    pod["spec"]["containers"][0]["lifecycle"] = {"preStop": {"exec": {"command": stay}}}
    pod["spec"]["automountServiceAccountToken"] = False
    del pod["spec"]["serviceAccountName"]
    return [deployment, service]


def _pod(
    name: str, image: str, arguments: list[str], port: int, *, ready: str, ready_port: int | None = None
) -> Manifest:
    probe = {"httpGet": {"path": ready, "port": ready_port or port}, "periodSeconds": 1}
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "args": arguments,
        "ports": [{"name": "http", "containerPort": port}],
        "readinessProbe": probe,
        "securityContext": _RESTRICTED,
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    # There is no name server, as kubelet would say again and again.
    return {
        "serviceAccountName": name,
        "dnsPolicy": "Default",
        "securityContext": security,
        "containers": [container],
    }


def _deployment(name: str, namespace: str, pod: Manifest, address: str, port: int) -> list[Manifest]:
    labels = {"app": name}
    where = {"name": name, "namespace": namespace}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": where,
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": where,
            "spec": {"clusterIP": address, "selector": labels, "ports": [{"port": port, "targetPort": port}]},
        },
    ]


def _account(name: str, namespace: str, rules: list[Manifest], *, writes_status: bool = False) -> list[Manifest]:
    """A service account that may read by these rules, and write the status of objects of Gateway API if asked."""
    written = [{"apiGroups": ["gateway.networking.k8s.io"], "resources": ["*/status"], "verbs": ["update", "patch"]}]
    reading = [{**rule, "verbs": ["get", "list", "watch"]} for rule in rules]
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    api = "rbac.authorization.k8s.io/v1"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}},
        {
            "apiVersion": api,
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [*reading, *(written if writes_status else ())],
        },
        {
            "apiVersion": api,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        },
    ]
