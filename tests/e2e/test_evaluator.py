"""A setting is certified on golden questions alone: an evaluator asks both variants by the real route, as pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.api.counts import Look, Pairs
from earlystop.api.verdict import VerdictSpec
from earlystop.cli.main import app
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.verify.verdict import differences
from earlystop.simulation.planning import Question, forecast
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import Child
from tests.e2e.golden_evaluator import evaluating, evaluating_each, write_questions
from tests.e2e.own_stage import own_stage, recorded
from tests.e2e.proof import Manifest, only_verdict
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import phase_is
from tests.e2e.watching import following

PAIRS_A_SECOND, LIVE_RATE = 60, 50.0
SIDE_BY_SIDE = [{"name": f"w{window}", "values": [{"name": "window", "value": str(window)}]} for window in (10, 5)]


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[Stage]:
    with own_stage(cluster, gateway, recorded()) as stage:
        stage.start_operator()
        yield stage


@pytest.fixture
def evaluator(stage: Stage, tmp_path: Path) -> Iterator[Child]:
    """Asks every recorded question as a golden one, and is scraped."""
    golden = write_questions(stage, tmp_path)
    with evaluating(stage, "golden", golden, pairs_per_second=PAIRS_A_SECOND) as child:
        yield child


def test_golden_questions_of_both_variants_certify_a_setting_with_a_fraction_of_the_requests(
    stage: Stage, evaluator: Child
) -> None:
    stage.start_load(LIVE_RATE)
    with following(stage) as watched:
        policy = stage.apply_policy(
            "golden",
            5,
            "0.02",
            risk="0.05",
            objective={"exactMatch": {"margin": "0.02", "evidence": "Pairs"}},
            steps=[{"weight": 50, "minimumSeconds": 2}],
            settleSeconds=1,
        )
        watched.wait_status("golden", phase_is("Promoted"), 180, "promoted")
        sooner = seconds_without_evidence(watched.policies("golden"))
        assert evaluator.alive, evaluator.tail()
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
    record = only_verdict(stage, "golden")["spec"]
    assert (record["decision"], record["reason"]) == ("Promote", "NonInferiorAndSaving")
    assert "questions that both answered (about their file" in record["message"]
    assert differences(record) == []
    pairs = sum(Look.from_row(list(row)).candidate.pairs.total for row in VerdictSpec.model_validate(record).looks)
    unpaired = forecast(Question(0.816, 0.0, 0.02), 0.5).mean
    assert 100 < pairs < unpaired / 6
    assert_the_command_reads_the_same(stage, policy, record, pairs, sooner)
    stage.delete_policy("golden")  # promoted, it would keep its target from the next one


def test_candidates_side_by_side_are_judged_by_an_evaluator_of_each(stage: Stage, tmp_path: Path) -> None:
    stage.start_load(LIVE_RATE)
    golden, names = write_questions(stage, tmp_path), [each["name"] for each in SIDE_BY_SIDE]
    options = [(f"--candidate-name={each}",) for each in names]
    with evaluating_each(stage, "beside", golden, options, pairs_per_second=PAIRS_A_SECOND // 2) as evaluators:
        stage.apply_policy(
            "beside",
            5,
            "0.05",
            risk="0.05",
            objective={"exactMatch": {"margin": "0.05", "evidence": "Pairs"}},
            spec={"candidates": SIDE_BY_SIDE},
            strategy="ABTest",
            steps=[{"weight": 30, "minimumSeconds": 2}],
            settleSeconds=1,
        )
        stage.wait_for("beside", phase_is("Promoted"), 240, "promoted")
        assert all(each.alive for each in evaluators), [each.tail() for each in evaluators]
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
    record = only_verdict(stage, "beside")["spec"]
    assert differences(record) == []
    assert {record["candidate"], *(each["candidate"] for each in record["others"])} == set(names)
    read = VerdictSpec.model_validate(record)
    for looks in (read.looks, *(each.looks for each in read.others)):
        assert sum(Look.from_row(list(row)).candidate.pairs.total for row in looks) > 100
    stage.delete_policy("beside")


def seconds_without_evidence(revisions: Sequence[Manifest]) -> int:
    """From the beginning of the step to that of its evidence."""
    observed = [each["status"] for each in revisions if phase_is("Observing")(each.get("status", {}))]
    return from_rfc3339(observed[-1]["evidenceFrom"]) - from_rfc3339(observed[-1]["stepStartedAt"])


def assert_the_command_reads_the_same(
    stage: Stage, policy: Manifest, record: Manifest, pairs: int, sooner: int
) -> None:
    """`kubectl earlystop counts` at the moment of the decision holds the looks of the verdict. sooner: seconds whose
    answers are no evidence."""
    file = stage.access.directory / "golden-policy.json"
    file.write_text(json.dumps(policy))
    at = from_rfc3339(record["at"])
    words = ["counts", str(file), f"--prometheus={stage.prometheus.url}", f"--at={at}", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    candidate = told["revisions"][record["revision"]]["steps"]["0"]["candidate"]
    counted = sum(candidate[f"pairs_{name}"] for name in Pairs._fields)
    # Those of the seconds until the evidence began, and after the last look's moment; and answers that were open then.
    later = from_rfc3339(record["at"]) - VerdictSpec.model_validate(record).looks[-1][0]
    assert pairs <= counted <= pairs + (sooner + later + 3) * PAIRS_A_SECOND
    assert record["revision"] in told["query"]
