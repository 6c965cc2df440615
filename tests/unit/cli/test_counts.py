"""`counts` shows what the operator would read, from a real HTTP server, and says what is in the way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from earlystop.cli.main import app
from tests.unit.metrics.source.faulty_server import Handler, serving
from tests.unit.rollout.policies import written
from tests.unit.rollout.several import TOGETHER

AT = 1_760_000_000
LABELS = {"policy": "llm/qa", "revision": "5f3a9c", "step": "1", "variant": "candidate", "query_class": "default"}


def row(value: float, **labels: str) -> dict[str, object]:
    return {"metric": {**LABELS, **labels}, "value": [AT, str(value)]}


ROWS: list[dict[str, object]] = [
    row(7, __name__="earlystop_requests_started_total", process="p1"),
    row(5, __name__="earlystop_requests_started_total", process="p2"),
    row(4, __name__="earlystop_answers_total", result="match", process="p2"),
    row(3, __name__="earlystop_pairs_total", outcome="both", process="e1", variant=""),
    {"metric": {"policy": "llm/qa", "revision": "5f3a9c", "reading": "newest_sample"}, "value": [AT, str(AT - 3)]},
]


def run(
    tmp_path: Path,
    rows: Sequence[dict[str, object]],
    *words: str,
    metrics: object = None,
    changes: Mapping[str, object] | None = None,
) -> tuple[Result, str]:
    """The command on these rows; returns the last request's body as well."""
    policy = tmp_path / "policy.yaml"
    spec = written({"metrics": metrics} if metrics else changes)
    metadata = {"name": "qa", "namespace": "llm"}
    policy.write_text(yaml.safe_dump({"kind": "EarlyStopPolicy", "metadata": metadata, "spec": spec}))

    def answer(handler: Handler) -> None:
        body = {"status": "success", "data": {"resultType": "vector", "result": list(rows)}}
        handler.reply(200, json.dumps(body).encode())

    with serving(answer) as server:
        done = CliRunner().invoke(app, ["counts", str(policy), f"--prometheus={server.url}", f"--at={AT}", *words])
        return done, server.requests[-1][2] if server.requests else ""


def test_counts_are_summed_over_processes_and_pairs_stand_with_the_candidate(tmp_path: Path) -> None:
    done, _ = run(tmp_path, ROWS, "--json")
    assert done.exit_code == 0, done.output
    (reading,) = json.loads(done.output)["revisions"].values()
    candidate = reading["steps"]["1"]["candidate"]
    assert (candidate["started"], candidate["match"], candidate["pairs_both"]) == (12, 4, 3)
    assert reading["steps"]["1"]["baseline"]["started"] == 0
    assert reading["newest_sample_at"] == AT - 3 and reading["processes"] == 3
    assert reading["query_classes"]["default"]["1"]["candidate"]["started"] == 12


def named(value: float, variant: str, step: str = "1") -> dict[str, object]:
    return row(value, __name__="earlystop_requests_started_total", process="p1", variant=variant, step=step)


def test_every_candidate_of_the_policy_is_counted_by_its_name_and_no_other(tmp_path: Path) -> None:
    rows = [*ROWS, named(9, "baseline"), named(8, "w10"), named(3, "w1", "2"), named(99, "forged")]
    rows.append(row(6, __name__="earlystop_pairs_total", outcome="both", process="e1", variant="w10"))
    done, _ = run(tmp_path, rows, "--json", changes=TOGETHER)
    assert done.exit_code == 0, done.output
    (reading,) = json.loads(done.output)["revisions"].values()
    assert {name: arm["started"] for name, arm in reading["steps"]["1"].items()} == {
        "baseline": 9,
        "w10": 8,
        "w5": 0,
        "w1": 0,
    }
    assert reading["steps"]["1"]["w10"]["pairs_both"] == 6 and reading["steps"]["2"]["w1"]["started"] == 3
    assert reading["query_classes"]["default"]["2"]["w1"]["started"] == 3
    shown, _ = run(tmp_path, rows, changes=TOGETHER)
    columns = [f"step {step}, {name}" for step in (2, 3) for name in ("baseline", "w10", "w5", "w1")]
    assert all(column in shown.output for column in columns) and "forged" not in shown.output


def test_the_one_candidate_of_cohorts_or_shadow_is_counted_by_its_name(tmp_path: Path) -> None:
    delivery = {"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}}
    done, _ = run(tmp_path, [*ROWS, named(8, "w10")], "--json", changes={"delivery": delivery})
    (reading,) = json.loads(done.output)["revisions"].values()
    assert {name: arm["started"] for name, arm in reading["steps"]["1"].items()} == {"baseline": 0, "w10": 8}


def test_the_table_ends_with_the_query_that_reads_it(tmp_path: Path) -> None:
    done, _ = run(tmp_path, ROWS, "--revision=5f3a9c", "--window=600")
    assert done.exit_code == 0, done.output
    assert "step 2, candidate" in done.output and "last_over_time" in done.output and "[600s]" in done.output


def test_a_policy_that_nobody_counts_for_is_said_to_be_so(tmp_path: Path) -> None:
    done, _ = run(tmp_path, [])
    assert done.exit_code == 0 and "No counter carries the policy llm/qa" in done.output


@pytest.mark.parametrize(
    ("words", "metrics", "says"),
    [
        (["--flavour=Influx"], None, "write one of Prometheus, Thanos"),
        (["--revision=unknown"], None, "no counter carries the policy"),
        ([], {"preset": "Custom"}, "write --templates with the file of its MetricSource"),
    ],
)
def test_what_stands_in_the_way_is_said_in_a_sentence(
    tmp_path: Path, words: list[str], metrics: object, says: str
) -> None:
    done, _ = run(tmp_path, ROWS, *words, metrics=metrics)
    assert done.exit_code == 1
    assert says in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("preset", ["VLLM", "SGLang", "EnvoyAIGateway"])
def test_the_queries_of_an_engine_are_shown_and_nothing_is_counted_by_them(tmp_path: Path, preset: str) -> None:
    done, asked = run(tmp_path, ROWS, metrics={"preset": preset})
    assert done.exit_code == 0, done.output
    assert "nothing is counted" in done.output and "qa-server" in done.output and "process_start_time" in done.output
    assert asked == ""
    texts = json.loads(run(tmp_path, ROWS, "--json", metrics={"preset": preset})[0].output)["queries"]
    assert len(texts) > 4 and all(text in done.output for text in texts)
