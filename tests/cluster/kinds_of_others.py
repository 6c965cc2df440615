"""Kinds of other projects, in a cluster for as long as a test needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.go_modules import AGENTGATEWAY, ENVOY_AI_GATEWAY, ENVOY_GATEWAY, INFERENCE_POOLS, file_of
from tests.cluster.packaging import objects
from tests.cluster.processes import wait_until

BACKENDS = Path(__file__).parent / "agentgateway-api" / "agentgatewaybackends.yaml"
PUBLISHED_BACKENDS = "controller/install/helm/agentgateway-crds/templates/agentgateway.dev_agentgatewaybackends.yaml"
PUBLISHED_POOLS = "config/crd/bases/inference.networking.k8s.io_inferencepools.yaml"
AI_GATEWAY_DEFINITIONS = "manifests/charts/ai-gateway-crds-helm/templates"
ENVOY_DEFINITIONS = "charts/gateway-helm/crds/generated"
OF_ENVOY = {
    "aigatewayroutes.aigateway.envoyproxy.io": (
        ENVOY_AI_GATEWAY,
        f"{AI_GATEWAY_DEFINITIONS}/aigateway.envoyproxy.io_aigatewayroutes.yaml",
    ),
    "aiservicebackends.aigateway.envoyproxy.io": (
        ENVOY_AI_GATEWAY,
        f"{AI_GATEWAY_DEFINITIONS}/aigateway.envoyproxy.io_aiservicebackends.yaml",
    ),
    "backends.gateway.envoyproxy.io": (ENVOY_GATEWAY, f"{ENVOY_DEFINITIONS}/gateway.envoyproxy.io_backends.yaml"),
}
"""By the name of its definition, where each kind is published that an Envoy AI Gateway's objects are of."""


def agentgateways_kind(access: Access, *, is_published: bool = False) -> AbstractContextManager[None]:
    """The API server knows the kind that the operator makes objects of, by a definition of the tests' own that takes no
    field which the operator does not write, or by agentgateway's own as it is published."""
    definition = file_of(AGENTGATEWAY, PUBLISHED_BACKENDS) if is_published else BACKENDS.read_text()
    return _known(access, "agentgatewaybackends.agentgateway.dev", definition)


@contextmanager
def kinds_of_envoy(access: Access) -> Iterator[None]:
    """The API server knows the kinds of which the operator makes objects for an Envoy AI Gateway, as published. Raises
    ClusterError where these are not to be had."""
    with ExitStack() as known:
        for name, (module, file) in OF_ENVOY.items():
            known.enter_context(_known(access, name, file_of(module, file)))
        yield


def inference_pools(access: Access) -> AbstractContextManager[None]:
    """The API server knows the kind InferencePool, by its own project's definition. Raises ClusterError where that is
    not to be had."""
    return _known(access, "inferencepools.inference.networking.k8s.io", file_of(INFERENCE_POOLS, PUBLISHED_POOLS))


@contextmanager
def _known(access: Access, name: str, definition: str) -> Iterator[None]:
    """name: of the CRD that the definition holds as YAML."""
    access.apply(*objects(definition))
    wait_until(lambda: _is_served(access, name), 60, "the kind to be served")
    yield
    access.kubectl("delete", "crd", name)


def _is_served(access: Access, name: str) -> bool:
    try:
        access.kubectl("get", name, "--all-namespaces")
    except ClusterError:
        return False
    return True
