"""A stock engine, which reads no header and counts no variant, gets its verdicts through an injector before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earlystop.demo.recordings import load_recordings
from earlystop.injector.knobs import Engine
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.processes import Child
from tests.cluster.prometheus import Prometheus
from tests.e2e.engine_stage import ENGINE_PORT, EngineStage, evaluator
from tests.e2e.own_stage import DELAY_SECONDS, recorded
from tests.e2e.proof import only_verdict
from tests.e2e.stage import phase_is, status_of
from tests.e2e.watching import following


class CappedEngineStage(EngineStage):
    """The engine answers from recordings."""

    kind = Engine.VLLM

    def start_engine(self) -> Child:
        where = (f"--host={self.server_address}", f"--port={ENGINE_PORT}", f"--data={self.data}")
        engine = self.python("engine", "tests.e2e.capped_engine", *where)
        engine.wait_ready(lambda: status_of(f"{self.engine_url}/health") == 200, 30.0)
        return engine


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[EngineStage]:
    with (
        Prometheus(cluster.access.directory, address=own_address()) as prometheus,
        CappedEngineStage(cluster.access, gateway, prometheus, data=recorded()) as stage,
    ):
        stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
        stage.start_operator()
        yield stage


def test_a_cap_that_cuts_only_talk_is_promoted_and_one_that_cuts_answers_is_rolled_back(
    stage: EngineStage, tmp_path: Path
) -> None:
    golden = {each.question: each.gold[0] for each in load_recordings(stage.data)}
    # The recorded questions are few, and the verdict is about them: so they may be asked again.
    asked = ("--pairs-per-second=60", "--repeat")
    stage.start_load(50)
    for name, cap, phase, reason in (
        ("talk", 32, "Promoted", "NonInferiorAndSaving"),
        ("answers", 16, "RolledBack", "HarmShown"),
    ):
        with following(stage) as watched, evaluator(stage, name, tmp_path, golden, *asked) as asking:
            stage.apply_cap(name, cap)
            watched.wait_status(name, phase_is(phase), 180, phase)
            assert asking.alive, asking.tail()
        assert only_verdict(stage, name)["spec"]["reason"] == reason
        stage.delete_policy(name)
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
    assert stage.total('earlystop_injector_settings_total{effect="refused"}') == 0
    assert stage.total('earlystop_injector_settings_total{effect="set",variant="candidate"}') > 0
