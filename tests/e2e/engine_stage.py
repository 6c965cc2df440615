"""A stage whose Service leads to an injector, which stands before an engine that reads no header."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earlystop.api.body_knobs import Engine
from tests.cluster.kit import own_address
from tests.cluster.processes import Child
from tests.e2e.stage import Stage, status_of

ENGINE_PORT, ADMIN_PORT, EVALUATOR_PORT = 8081, 9465, 9464
LONGEST_ANSWER = 48
"""Tokens that a client gets without a cap, and the baseline's cap."""
PATTERN = r"Answer: (\S+)"
"""Its one group is the answer, in the text that the engines of these stages write."""
CAP = {"name": "cap", "type": "Integer", "minimum": "1", "maximum": str(LONGEST_ANSWER), "stopsSooner": "WhenLower"}


class EngineStage(Stage):
    """A subclass says which engine it is, and starts it.

    kind: whose fields the injector writes. engine: the engine's process, once it runs.
    """

    kind: Engine
    engine: Child | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.metrics_port = ADMIN_PORT

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if self.engine is not None:
            self.engine.stop(patience_seconds=2.0)

    @abstractmethod
    def start_engine(self) -> Child:
        """Start the engine at `server_address` and ENGINE_PORT, ready to answer."""

    def start_server(self, *options: str) -> None:
        """Start the engine and its injector, or the injector again. options: more of the injector's."""
        if self.engine is None:
            self.engine = self.start_engine()
        self.server = self.python(
            "injector",
            "earlystop.injector",
            f"--engine={self.kind}",
            f"--upstream={self.engine_url}",
            "--parameter=cap=AnswerCap",
            f"--host={self.server_address}",
            f"--port={self.server_port}",
            f"--admin-port={ADMIN_PORT}",
            "--drain-seconds=2",
            *options,
        )
        url = f"http://{self.server_address}:{ADMIN_PORT}/readyz"
        self.server.wait_ready(lambda: status_of(url) == 200, 30.0)

    def apply_cap(
        self,
        name: str,
        cap: int,
        *,
        tokens: Mapping[str, Any] | None = None,
        questions: Mapping[str, Any] | None = None,
        **rollout: Any,
    ) -> None:
        """A policy that tries a cap, judged on golden questions.

        tokens: adds to its objective.tokens; questions: what the golden ones are; rollout: overrides its spec.rollout.
        """
        setting = {"name": f"cap{cap}", "values": [{"name": "cap", "value": str(cap)}]}
        asked = {} if questions is None else {"questions": questions}
        self.apply_policy(
            name,
            5,
            "0.05",
            risk="0.05",
            objective={
                "exactMatch": {"margin": "0.05", "evidence": "Pairs", **asked},
                "tokens": {"minimumSaving": "0.10", **(tokens or {})},
            },
            spec={
                "parameters": [CAP],
                "baseline": {"values": [{"name": "cap", "value": str(LONGEST_ANSWER)}]},
                "candidates": [setting],
            },
            **{"steps": [{"weight": 50, "minimumSeconds": 2}], "settleSeconds": 1, **rollout},
        )

    @property
    def engine_url(self) -> str:
        """Where the engine itself answers."""
        return f"http://{self.server_address}:{ENGINE_PORT}"


@contextmanager
def evaluator(
    stage: Stage,
    policy: str,
    directory: Path,
    golden: Mapping[str, str],
    *options: str,
    port: int = EVALUATOR_PORT,
    injector_port: int = ADMIN_PORT,
) -> Iterator[Child]:
    """Asks golden questions for a policy, and is scraped beside the injector.

    golden: the answer to each question; options: more of the evaluator's. port, injector_port: of their metrics.
    """
    file = directory / "golden.jsonl"
    file.write_text("".join(f"{json.dumps({'question': key, 'answers': [golden[key]]})}\n" for key in golden))
    child = stage.python(
        f"evaluator-{policy}",
        "earlystop.evaluator",
        f"--url={stage.gateway.url}/v1",
        f"--host-header={stage.host}",
        f"--golden={file}",
        f"--policy={stage.namespace}/{policy}",
        "--token-budget=1000000000",
        "--mode=regex",
        f"--pattern={PATTERN}",
        "--seed=1",
        f"--port={port}",
        *options,
    )
    stage.prometheus.set_targets(
        {
            "injector": [f"{stage.server_address}:{injector_port}"],
            "engine": [f"{stage.server_address}:{ENGINE_PORT}"],
            "evaluator": [f"{own_address()}:{port}"],
        }
    )
    try:
        yield child
    finally:
        child.stop(patience_seconds=10.0)
