"""A stage whose injector draws the variants, from weights that the kubelet mounts."""

from __future__ import annotations

import itertools
from typing import Any

from earlystop.controller.cluster import ROUTES
from earlystop.delivery.injector.objects import ADMIN_PORT, MOUNT
from earlystop.delivery.names import injector_name
from tests.e2e.injected_stage import InjectedStage
from tests.e2e.mounted_stage import Kubelet


class DrawnStage(InjectedStage):
    """The injector's one process stands for its one Pod."""

    kubelet: Kubelet | None = None
    _mounts = itertools.count()

    def mounted(self, policy: str, arguments: list[str]) -> list[str]:
        """Mount the policy's weights anew, as for a new Pod."""
        self.stop_kubelet()
        path = self.directory / f"mount-{next(self._mounts)}"
        self.kubelet = Kubelet(self.access, self.namespace, {"weights": path}, injector_name(policy))
        return [each.replace(f"={MOUNT}/", f"={path}/") for each in arguments]

    def scrape_injector(self) -> None:
        """Scrape the injector alone, as where nobody asks golden questions yet."""
        self.prometheus.set_targets({"injector": [f"{self.server_address}:{ADMIN_PORT}"]})

    def apply_drawn(self, name: str, cap: int, way: dict[str, Any]) -> None:
        """A policy that tries a cap by an injector that draws. way: what leads to the engine."""
        drawn = {**way, "split": "Injector", "injector": {"replicas": 1}}
        self.apply_cap(name, cap, request_body=drawn)

    def lead_clients_to(self, service: str) -> None:
        """Let the user's route lead to this Service, at the same port."""
        route = self.access.read(ROUTES, self.namespace, "qa")
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                backend["name"] = service
        kept = {key: route["metadata"][key] for key in ("name", "namespace")}
        self.access.apply({key: route[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": kept})

    def stop_kubelet(self) -> None:
        """End it."""
        if self.kubelet is not None:
            self.kubelet.stop()
            self.kubelet = None
