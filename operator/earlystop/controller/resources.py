"""The kinds of objects that the operator and its commands read or write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from earlystop.api.wire import GROUP, VERSION

Manifest = dict[str, Any]
"""An object as the API has it."""
Key = tuple[str, str]
"""Namespace and name of an object."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API's paths name it. `group` is empty for the core kinds."""

    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        """The field `apiVersion` of objects of this kind."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The URL path of a collection, an object, or its subresource. `namespace` None: cluster-scoped."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, *(("namespaces", namespace) if namespace else ()), self.plural, name, subresource]
        return "/".join(part for part in parts if part)


POLICIES = Resource(GROUP, VERSION, "earlystoppolicies")
VERDICTS = Resource(GROUP, VERSION, "earlystopverdicts")
SOURCES = Resource(GROUP, VERSION, "metricsources")
CHECKPOINTS = Resource(GROUP, VERSION, "earlystopcheckpoints")
PROPOSALS = Resource(GROUP, VERSION, "earlystopproposals")
APPROVALS = Resource(GROUP, VERSION, "earlystopapprovals")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
SECRETS = Resource("", "v1", "secrets")
SERVICES = Resource("", "v1", "services")
PODS = Resource("", "v1", "pods")
NAMESPACES = Resource("", "v1", "namespaces")
CLAIMS = Resource("", "v1", "persistentvolumeclaims")
ROUTES = Resource("gateway.networking.k8s.io", "v1", "httproutes")
GATEWAYS = Resource("gateway.networking.k8s.io", "v1", "gateways")
GATEWAY_CLASSES = Resource("gateway.networking.k8s.io", "v1", "gatewayclasses")
GRPC_ROUTES = Resource("gateway.networking.k8s.io", "v1", "grpcroutes")
DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies")
DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
EVENTS = Resource("", "v1", "events")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
CONFIG_MAPS = Resource("", "v1", "configmaps")
INFERENCE_POOLS = Resource("inference.networking.k8s.io", "v1", "inferencepools")
AGENTGATEWAY_BACKENDS = Resource("agentgateway.dev", "v1alpha1", "agentgatewaybackends")
AI_GATEWAY_ROUTES = Resource("aigateway.envoyproxy.io", "v1beta1", "aigatewayroutes")
AI_SERVICE_BACKENDS = Resource("aigateway.envoyproxy.io", "v1beta1", "aiservicebackends")
ENVOY_BACKENDS = Resource("gateway.envoyproxy.io", "v1alpha1", "backends")
FEATURE_FLAGS = Resource("core.openfeature.dev", "v1beta1", "featureflags")

# Every kind that a delivery mode reads or writes.
BY_KIND = {
    "Deployment": DEPLOYMENTS,
    "Service": SERVICES,
    "PersistentVolumeClaim": CLAIMS,
    "HTTPRoute": ROUTES,
    "Gateway": GATEWAYS,
    "GatewayClass": GATEWAY_CLASSES,
    "ConfigMap": CONFIG_MAPS,
    "FeatureFlag": FEATURE_FLAGS,
    "PodDisruptionBudget": DISRUPTION_BUDGETS,
    "NetworkPolicy": NETWORK_POLICIES,
    "InferencePool": INFERENCE_POOLS,
    "AgentgatewayBackend": AGENTGATEWAY_BACKENDS,
    "AIGatewayRoute": AI_GATEWAY_ROUTES,
    "AIServiceBackend": AI_SERVICE_BACKENDS,
    "Backend": ENVOY_BACKENDS,
    "CustomResourceDefinition": DEFINITIONS,
}
KIND_OF = {resource: kind for kind, resource in BY_KIND.items()}
