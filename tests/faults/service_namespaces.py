"""Namespaces with a service of their own, for tests that need many policies at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from earlystop.demo import manifests
from tests.cluster.gateway import GATEWAY
from tests.e2e.stage import Stage, status_of

Manifest = dict[str, Any]
POLICY = "qa-window"


@dataclass(frozen=True, slots=True)
class ServiceNamespace:
    """A namespace with a service of its own, whose hollow Pods are a server of the stage: that at `port`, 0 for the
    first. A server keeps the counts of 16 revisions."""

    stage: Stage
    namespace: str
    port: int = 0

    @property
    def host(self) -> str:
        return f"{self.namespace}.example.com"

    @property
    def where(self) -> str:
        return f"--namespace={self.namespace}"

    def objects(self) -> dict[str, Manifest]:
        """The user's objects by kind."""
        deployment, service = manifests.service(self.namespace, self.port or self.stage.server_port)
        route = manifests.route(self.namespace, self.host, GATEWAY, self.stage.gateway.namespace)
        return {"Deployment": deployment, "Service": service, "HTTPRoute": route}

    def policy(self, name: str = POLICY) -> Manifest:
        """A policy that nothing speaks against."""
        return manifests.policy(self.namespace, name, self.stage.source, 10, "0.10")

    def apply(self, *objects: Manifest) -> None:
        self.stage.access.apply(*objects)

    def get(self, *args: str) -> Any:
        return self.stage.access.get(*args, self.where)

    def delete(self, *args: str) -> None:
        self.stage.access.kubectl("delete", *args, self.where, "--wait=true")

    def answers(self) -> bool:
        """Whether a request comes through the gateway to the server."""
        return status_of(f"{self.stage.gateway.url}/v1/models", self.host) == 200
