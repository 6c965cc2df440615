"""A stage whose engine is a real vLLM, behind the injectors that the operator runs for a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earlystop.controller.cluster import PODS
from earlystop.delivery.injector.objects import ADMIN_PORT
from earlystop.delivery.names import injector_name
from tests.cluster.kit import own_address
from tests.cluster.processes import Child
from tests.e2e.engine_stage import LONGEST_ANSWER, evaluator
from tests.e2e.injected_stage import CAP, ENGINE_PORT, InjectedStage
from tests.e2e.vllm_engine import start_vllm

EVALUATOR_PORT = 9466
PASSED = 5
"""Of a load so slow that the gateway has followed any change between two requests."""


class VllmStage(InjectedStage):
    """Of that vLLM not a line is changed, and it reads no header. vllm: its command."""

    def __init__(self, *arguments: Any, vllm: Path, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._vllm = vllm

    def __exit__(self, *exception: Any) -> None:
        self.stop_injector()
        if self.server is not None:
            self.server.stop(patience_seconds=20.0)  # it has processes of its own to end
        super().__exit__(*exception)

    def start_server(self, *_: str) -> None:
        """Start vLLM."""
        self.server = start_vllm(self._vllm, self.directory, self.server_address, ENGINE_PORT, LONGEST_ANSWER)

    def try_cap(self, name: str, cap: int, questions: Mapping[str, Any], deadline_seconds: int) -> None:
        """A policy that tries a cap by an injector of the operator's, judged on golden questions and users' tokens.
        Without it, bodies are left alone. questions: what the golden ones are."""
        setting = {"name": f"cap{cap}", "values": [{"name": "cap", "value": str(cap)}]}
        self.apply_policy(
            name,
            5,
            "0.05",
            risk="0.05",
            objective={
                "exactMatch": {"margin": "0.05", "evidence": "Pairs", "questions": questions},
                "tokens": {"minimumSaving": "0.10", "longestAnswer": LONGEST_ANSWER},
            },
            spec={
                "parameters": [CAP | {"body": {"knob": "AnswerCap"}}],
                "baseline": {"values": []},
                "candidates": [setting],
                "delivery": {"mode": "RequestBody", "requestBody": {"routeRef": {"name": "qa"}, "engine": "VLLM"}},
                "metrics": {"sourceRef": {"name": self.source}, "crossCheck": "VLLM"},
            },
            steps=[{"weight": 50, "minimumSeconds": 2}],
            settleSeconds=1,
            deadlineSeconds=deadline_seconds,
        )
        self.start_injector(name)
        self._scrape_pods(name)

    def end_try(self, name: str) -> None:
        """Delete the policy, and stop its injector once users go past it."""
        self.delete_policy(name)
        self.leave_injector(PASSED)

    @contextmanager
    def evaluating(self, name: str, folder: Path, golden: Mapping[str, str], *options: str) -> Iterator[Child]:
        """As `evaluator`, beside an injector of the operator's."""
        with evaluator(self, name, folder, golden, *options, port=EVALUATOR_PORT, injector_port=ADMIN_PORT) as child:
            yield child

    def _scrape_pods(self, name: str) -> None:
        """Let Prometheus name the Pods that it scrapes, as a cluster's does, for a cross-check of their counts."""
        owners = {"engine": "qa-server", "injector": injector_name(name)}
        self.prometheus.set_targets(
            {
                "engine": [f"{self.server_address}:{ENGINE_PORT}"],
                "injector": [f"{self.server_address}:{ADMIN_PORT}"],
                "evaluator": [f"{own_address()}:{EVALUATOR_PORT}"],
            },
            labels={job: {"namespace": self.namespace, "pod": self._pod_of(owner)} for job, owner in owners.items()},
        )

    def _pod_of(self, deployment: str) -> str:
        """The first Pod of a Deployment: one process stands for all of them."""
        found = [str(item["metadata"]["name"]) for item in self.access.items(PODS, self.namespace)]
        return min(name for name in found if name.rsplit("-", 2)[0] == deployment)
