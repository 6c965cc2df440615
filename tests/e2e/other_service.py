"""A second service beside the stage's own, answered by the same server: policies of both are carried out at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from earlystop.api.wire import MODEL_LABEL
from earlystop.demo import manifests
from earlystop.demo.load import LoadPlan, LoadSummary, run_load
from earlystop.demo.recordings import load_recordings
from tests.cluster.gateway import GATEWAY
from tests.e2e.stage import Stage, status_of

NAME = "other"


@dataclass(frozen=True, slots=True)
class OtherService:
    """Deployment, Service and HTTPRoute of this name in the stage's namespace."""

    stage: Stage

    @property
    def host(self) -> str:
        """The host by which its route is asked."""
        return f"{NAME}.{self.stage.host}"

    @property
    def spec(self) -> dict[str, Any]:
        """The parts of a policy's spec that make it about this service."""
        return {
            "targetRef": {"kind": "Deployment", "name": NAME},
            "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": NAME}}},
        }

    def create(self) -> None:
        """Create its objects."""
        stage, labels = self.stage, {"app": NAME}
        deployment, service = manifests.service(stage.namespace, stage.server_port)
        for each in (deployment, service):
            each["metadata"]["name"] = NAME
        deployment["spec"]["selector"] = {"matchLabels": labels}
        deployment["spec"]["template"]["metadata"]["labels"] = labels
        service["spec"]["selector"] = labels
        route = manifests.route(stage.namespace, self.host, GATEWAY, stage.gateway.namespace)
        route["metadata"]["name"] = NAME
        route["spec"]["rules"][0]["backendRefs"][0]["name"] = NAME
        stage.access.apply(deployment, service, route)

    def label_model(self, model: str) -> None:
        """Its owner says that another model serves now."""
        template = {"metadata": {"labels": {MODEL_LABEL: model}}}
        patch = json.dumps({"spec": {"template": template}})
        self.stage.access.kubectl(
            "patch", f"deployment/{NAME}", f"--namespace={self.stage.namespace}", f"--patch={patch}"
        )

    @contextmanager
    def load(self, rate: float) -> Iterator[None]:
        """Clients that ask while the block runs."""
        stage = self.stage
        child = stage.python(
            f"load-{NAME}",
            "earlystop.demo.load",
            f"--url={stage.gateway.url}",
            f"--host-header={self.host}",
            f"--rate={rate}",
            "--seed=3",
            "--concurrency=8",
        )
        try:
            child.wait_ready(lambda: status_of(f"{stage.gateway.url}/v1/models", self.host) == 200, 30.0)
            yield
        finally:
            child.stop(patience_seconds=10.0)

    def ask(self, requests: int = 100) -> LoadSummary:
        """Ask as a client; the summary says which variant answered how often."""
        questions = [each.question for each in load_recordings(self.stage.data)]
        plan = LoadPlan(self.stage.gateway.url, rate=100.0, requests=requests, seed=7, headers={"Host": self.host})
        return asyncio.run(run_load(plan, questions))
