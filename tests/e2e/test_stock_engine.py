"""A stock engine, which reads no header and counts no variant, gets its verdicts through an injector before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from earlystop.demo.recordings import load_recordings
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.processes import Child
from tests.cluster.prometheus import Prometheus
from tests.e2e.capped_engine import WITHOUT_CAP
from tests.e2e.own_stage import DELAY_SECONDS, recorded
from tests.e2e.proof import only_verdict
from tests.e2e.stage import Stage, phase_is, status_of
from tests.e2e.watching import following

ENGINE_PORT, ADMIN_PORT, EVALUATOR_PORT = 8081, 9465, 9464
CAP = {"name": "cap", "type": "Integer", "minimum": "1", "maximum": str(WITHOUT_CAP), "stopsSooner": "WhenLower"}


class EngineStage(Stage):
    """The Service leads to an injector, which stands before an engine."""

    engine: Child | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.metrics_port = ADMIN_PORT

    def start_server(self, *options: str) -> None:
        """Start the engine and its injector, or the injector again. options: more of the injector's."""
        if self.engine is None:
            where = (f"--host={self.server_address}", f"--port={ENGINE_PORT}", f"--data={self.data}")
            self.engine = self.python("engine", "tests.e2e.capped_engine", *where)
            self.engine.wait_ready(lambda: status_of(f"{self._engine_url}/health") == 200, 30.0)
        self.server = self.python(
            "injector",
            "earlystop.injector",
            "--engine=VLLM",
            f"--upstream={self._engine_url}",
            "--parameter=cap=AnswerCap",
            f"--host={self.server_address}",
            f"--port={self.server_port}",
            f"--admin-port={ADMIN_PORT}",
            "--drain-seconds=2",
            *options,
        )
        url = f"http://{self.server_address}:{ADMIN_PORT}/readyz"
        self.server.wait_ready(lambda: status_of(url) == 200, 30.0)

    def apply_cap(self, name: str, cap: int) -> None:
        """A policy that tries a cap, judged on golden questions."""
        setting = {"name": f"cap{cap}", "values": [{"name": "cap", "value": str(cap)}]}
        self.apply_policy(
            name,
            5,
            "0.05",
            risk="0.05",
            objective={"exactMatch": {"margin": "0.05", "evidence": "Pairs"}},
            spec={
                "parameters": [CAP],
                "baseline": {"values": [{"name": "cap", "value": str(WITHOUT_CAP)}]},
                "candidates": [setting],
            },
            steps=[{"weight": 50, "minimumSeconds": 2}],
            settleSeconds=1,
        )

    @property
    def _engine_url(self) -> str:
        return f"http://{self.server_address}:{ENGINE_PORT}"


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[EngineStage]:
    with (
        Prometheus(cluster.access.directory, address=own_address()) as prometheus,
        EngineStage(cluster.access, gateway, prometheus, data=recorded()) as stage,
    ):
        stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
        stage.start_operator()
        yield stage
        if stage.engine is not None:
            stage.engine.stop(patience_seconds=2.0)


@contextmanager
def evaluator(stage: EngineStage, policy: str, directory: Path) -> Iterator[Child]:
    """Asks every recorded question as a golden one of a policy, and is scraped beside the injector."""
    golden = directory / "golden.jsonl"
    rows = {each.question: {"question": each.question, "answers": each.gold} for each in load_recordings(stage.data)}
    golden.write_text("\n".join(map(json.dumps, rows.values())))
    child = stage.python(
        f"evaluator-{policy}",
        "earlystop.evaluator",
        f"--url={stage.gateway.url}/v1",
        f"--host-header={stage.host}",
        f"--golden={golden}",
        f"--policy={stage.namespace}/{policy}",
        "--token-budget=1000000000",
        "--pairs-per-second=60",
        "--repeat",  # the recorded questions are few, and the verdict is about them
        "--mode=regex",
        r"--pattern=Answer: (\S+)",
        "--seed=1",
        f"--port={EVALUATOR_PORT}",
    )
    stage.prometheus.set_targets(
        {
            "injector": [f"{stage.server_address}:{ADMIN_PORT}"],
            "engine": [f"{stage.server_address}:{ENGINE_PORT}"],
            "evaluator": [f"{own_address()}:{EVALUATOR_PORT}"],
        }
    )
    try:
        yield child
    finally:
        child.stop(patience_seconds=10.0)


def total(stage: EngineStage, query: str) -> float:
    found: list[dict[str, Any]] = stage.prometheus.query(f"sum({query})")
    return float(found[0]["value"][1]) if found else 0.0


def test_a_cap_that_cuts_only_talk_is_promoted_and_one_that_cuts_answers_is_rolled_back(
    stage: EngineStage, tmp_path: Path
) -> None:
    stage.start_load(50)
    for name, cap, phase, reason in (
        ("talk", 32, "Promoted", "NonInferiorAndSaving"),
        ("answers", 16, "RolledBack", "HarmShown"),
    ):
        with following(stage) as watched, evaluator(stage, name, tmp_path) as asking:
            stage.apply_cap(name, cap)
            watched.wait_status(name, phase_is(phase), 180, phase)
            assert asking.alive, asking.tail()
        assert only_verdict(stage, name)["spec"]["reason"] == reason
        stage.delete_policy(name)
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
    assert total(stage, 'earlystop_injector_settings_total{effect="refused"}') == 0
    assert total(stage, 'earlystop_injector_settings_total{effect="set",variant="candidate"}') > 0
