"""The objects of an injector: a Deployment of its own between an overlay's alias Services and the user's Service.

None of them may call the API server. What is written into bodies is an argument of the process and no ConfigMap, so a
Pod and what it writes change together, in one rolling update. By which weights it draws variants, where it does, stands
in a mounted file, which changes without one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from earlystop.api.body_settings import written_settings
from earlystop.api.by_headers import RequestBody
from earlystop.api.gateway_body import GatewayBody
from earlystop.api.injector import InjectorSpec, UserKey
from earlystop.api.values import bounded
from earlystop.api.wire import INJECTOR_LABEL
from earlystop.delivery.injector.inner_route import InnerWay
from earlystop.delivery.inputs import INFERENCE_POOL, POOL_GROUP, ClusterInputs, Manifest
from earlystop.delivery.names import injected_alias_name, injector_name
from earlystop.delivery.overlay import TargetRule
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.split import VariantWeight

PORT, ADMIN_PORT = 8000, 9464
COMMAND = ["python", "-m", "earlystop.injector"]
# Until no gateway leads here any more; running requests then have 60 s, and two scrapes the rest.
PRE_STOP_SECONDS = 5
GRACE_SECONDS = 90
MOUNT = "/etc/earlystop"


class Upstream(NamedTuple):
    """A Service before the engine, and one of its ports; or an InferencePool, the port of the Services before the
    injector, and the way to the pool."""

    service: str
    port: int
    inner: InnerWay | None = None

    def arguments(self, namespace: str) -> list[str]:
        """What tells an injector where to send requests on to."""
        if self.inner is None:
            return [f"--upstream=http://{self.service}.{namespace}.svc:{self.port}"]
        host = [f"--upstream-host={self.inner.host}"] if self.inner.host else []
        return [f"--upstream=http://{self.inner.address}", *host, f"--inner-mark={self.inner.mark}"]


def settings_of(inputs: ClusterInputs) -> RequestBody | GatewayBody:
    """The injector's settings in the policy's delivery."""
    assert inputs.spec.delivery.in_bodies is not None  # the CRD demands it for these modes
    return inputs.spec.delivery.in_bodies


def drawing_settings(inputs: ClusterInputs) -> RequestBody:
    """The settings of a mode whose injector draws the variant."""
    drawn = inputs.spec.delivery.drawn_by_injector
    assert drawn is not None  # asked only in such a mode
    return drawn


def settings_text(inputs: ClusterInputs) -> str:
    """What the injector writes into bodies, as its argument."""
    settings = written_settings(inputs.spec.parameters, settings_of(inputs).engine)
    return json.dumps(settings.wire(), sort_keys=True, separators=(",", ":"))


def weights_key(inputs: ClusterInputs) -> str:
    """The key of the ConfigMap that holds the weights. It follows from what the injector writes into bodies: a Pod that
    writes something else, since it has not been replaced yet, finds no weights that are not meant for it."""
    return f"weights-{hashlib.sha256(settings_text(inputs).encode()).hexdigest()[:12]}.json"


def owned_with_service(inputs: ClusterInputs, name: str, service: str) -> dict[str, Any]:
    """Metadata of an object that stays until no overlay leads to it: the user's Service, or InferencePool, owns it as
    well. When the policy is deleted, the operator lets it go (`orphans`)."""
    metadata = owned_metadata(inputs, name)
    kind, version, found = ("Service", "v1", inputs.services.get(service))
    if found is None:
        kind, version, found = INFERENCE_POOL, f"{POOL_GROUP}/v1", inputs.pools[service]
    owner = {"apiVersion": version, "kind": kind, "name": service, "uid": found["metadata"]["uid"]}
    metadata["ownerReferences"].append(owner)
    return metadata


def selector(inputs: ClusterInputs) -> dict[str, str]:
    """Labels of the injector's Pods. A Deployment's selector can never be changed, so it has no UID."""
    return {INJECTOR_LABEL: bounded(inputs.policy, 63)}


def injected_alias(inputs: ClusterInputs, users: TargetRule, variant: VariantWeight) -> Manifest:
    """The Service through which a variant's requests come to the injector, at the port that the user's route names."""
    service = users.backend["name"]
    port = {"name": "http", "port": users.backend["port"], "targetPort": PORT, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned_with_service(inputs, injected_alias_name(service, variant.variant), service),
        "spec": {"type": "ClusterIP", "selector": selector(inputs), "ports": [port]},
    }


def injector_service(inputs: ClusterInputs, upstream: Upstream) -> Manifest:
    """The Service of an injector to which all variants' requests come, at the port of the Service before the engine."""
    port = {"name": "http", "port": upstream.port, "targetPort": PORT, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned_with_service(inputs, injector_name(inputs.policy), upstream.service),
        "spec": {"type": "ClusterIP", "selector": selector(inputs), "ports": [port]},
    }


def injector_deployment(inputs: ClusterInputs, upstream: Upstream) -> Manifest:
    """The Deployment of the injector's processes."""
    own = settings_of(inputs)
    labels = {**selector(inputs), "app.kubernetes.io/name": "earlystop-injector"}
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": str(ADMIN_PORT)}
    arguments = [
        f"--engine={own.engine}",
        *upstream.arguments(inputs.namespace),
        f"--settings={settings_text(inputs)}",
        f"--policy={inputs.namespace}/{inputs.policy}",
        f"--header-prefix={own.header_prefix}",
        *_drawing(inputs),
        *(["--gateway-writes"] if inputs.spec.delivery.traits.gateway_writes else []),
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": owned_with_service(inputs, injector_name(inputs.policy), upstream.service),
        "spec": {
            "replicas": own.injector.replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selector(inputs)},
            # A Pod goes only after another one has come.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": labels, "annotations": scraped},
                "spec": _pod(inputs, own.injector, arguments),
            },
        },
    }


def _drawing(inputs: ClusterInputs) -> list[str]:
    """Arguments by which the injector draws variants itself, none where a gateway does."""
    drawn = inputs.spec.delivery.drawn_by_injector
    if drawn is None:
        return []
    return [
        f"--weights={MOUNT}/{weights_key(inputs)}",
        *([f"--user-key={_words(drawn.user_key)}"] if drawn.user_key else []),
    ]


def _words(key: UserKey) -> str:
    return key.kind if key.name is None else f"{key.kind}={key.name}"


def _pod(inputs: ClusterInputs, injector: InjectorSpec, arguments: list[str]) -> dict[str, Any]:
    """A Pod that is admitted under the `restricted` Pod Security Standard."""
    container = _container(inputs.injector_image, injector, arguments)
    mounted: dict[str, Any] = {}
    if inputs.spec.delivery.drawn_by_injector is not None:
        container["volumeMounts"] = [{"name": "weights", "mountPath": MOUNT, "readOnly": True}]
        # Where there is none any more, as after the policy's end, Pods that come serve by no weights.
        source = {"name": injector_name(inputs.policy), "optional": True}
        mounted = {"volumes": [{"name": "weights", "configMap": source}]}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(inputs)},
            }
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ],
        "containers": [container],
        **mounted,
    }


def _container(image: str, injector: InjectorSpec, arguments: list[str]) -> dict[str, Any]:
    wait = f"import time; time.sleep({PRE_STOP_SECONDS})"
    return {
        "name": "injector",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": COMMAND,
        "args": arguments,
        "ports": [
            {"name": "http", "containerPort": PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": ADMIN_PORT, "protocol": "TCP"},
        ],
        "lifecycle": {"preStop": {"exec": {"command": ["python", "-c", wait]}}},
        # The engine's own health is asked for in it, and a busy engine takes its time.
        "readinessProbe": _probe("/readyz", period=2),
        "livenessProbe": _probe("/healthz", period=20),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": injector.resources.cpu, "memory": "64Mi"},
            "limits": {"memory": injector.resources.canonical_memory},
        },
    }


def _probe(path: str, period: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": ADMIN_PORT},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": 3,
    }


def disruption_budget(inputs: ClusterInputs) -> Manifest:
    """One Pod at a time may be evicted, whatever their number: a budget never stops the drain of a node for good."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": owned_metadata(inputs, injector_name(inputs.policy)),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(inputs)},
        },
    }


def network_policy(inputs: ClusterInputs) -> Manifest:
    """Requests from the gateways' namespaces alone, where the policy names them, and scrapes from anywhere."""
    injector = settings_of(inputs).injector
    requests: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": PORT}]}
    if injector.gateway_namespaces:
        requests["from"] = [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": each}}}
            for each in injector.gateway_namespaces
        ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": owned_metadata(inputs, injector_name(inputs.policy)),
        "spec": {
            "podSelector": {"matchLabels": selector(inputs)},
            "policyTypes": ["Ingress"],
            "ingress": [requests, {"ports": [{"protocol": "TCP", "port": ADMIN_PORT}]}],
        },
    }
