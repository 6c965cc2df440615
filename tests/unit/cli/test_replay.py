"""`replay` prints a line a look, and ends with 1 where a record decides what its looks do not call for."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import yaml
from typer.testing import CliRunner

from earlystop.api.counts import Pairs
from earlystop.api.look_table import number_of_looks
from earlystop.cli.main import app
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.transitions import expire
from earlystop.rollout.verdict import verdict_object
from tests.unit.rollout.claims import PAIRED, arms, judging, observed, paired
from tests.unit.rollout.in_rows import object_in_rows
from tests.unit.rollout.record.chains import chain_of


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["replay", *arguments], env={"COLUMNS": "400"})
    return result.exit_code, result.output


def test_a_line_for_each_look_and_the_decision_at_the_last(tmp_path: Path) -> None:
    verdicts = chain_of(2)
    path = tmp_path / "record.yaml"
    path.write_text(yaml.safe_dump_all(verdicts))
    code, output = run(str(path))
    lines = output.splitlines()
    assert code == 0 and len(lines) == sum(number_of_looks(each["spec"]) + 1 for each in verdicts)
    assert lines[-1].endswith("The replay agrees.") and "all is proven" in lines[-2]
    code, output = run(str(path), "-o", "json")
    rows = [json.loads(line) for line in output.splitlines()]
    assert code == 0 and [each["agrees"] for each in rows if "agrees" in each] == [True, True]
    last = [each for each in rows if "log_e" in each][-1]
    assert last["proven"] and last["log_e"]["promote"] > 3 and last["verdict"] == verdicts[-1]["metadata"]["name"]


def test_a_file_of_checkpoints_alone_is_said_to_hold_nothing_to_replay(tmp_path: Path) -> None:
    (path := tmp_path / "record.yaml").write_text(
        "{apiVersion: earlystop.dev/v1alpha1, kind: EarlyStopCheckpoint, metadata: {name: qa}, spec: {}}"
    )
    for output in ((), ("-o", "json")):
        code, said = run("-f", str(path), *output)
        assert code == 1 and "record.yaml has no verdict to replay" in said, said


def test_the_evidence_that_more_is_missing_in_one_variant_stands_beside_the_others(tmp_path: Path) -> None:
    spec = judging(PAIRED)
    more = paired(Pairs(both=50, baseline_only=5, candidate_only=40, neither=5), arms(200))
    lacking = {"pairs_whole": 60, "pairs_without_baseline_right": 38, "pairs_without_baseline_wrong": 2}
    more = replace(more, candidate=replace(more.candidate, **lacking))
    ended = expire(LiveTimes.of(spec), observed(spec, *[more] * 10), 10**10)
    verdict = json.loads(json.dumps(verdict_object("qa", "llm", "uid-1", ended)))
    path = tmp_path / "record.json"
    path.write_text(json.dumps(verdict))
    code, output = run(str(path), "-o", "json")
    rows = [json.loads(line) for line in output.splitlines()]
    last = [each for each in rows if "log_e" in each][-1]
    assert code == 0 and last["log_e"]["attrition"] == float(verdict["spec"]["logE"]["attrition"]) > 10
    code, output = run(str(path))
    assert code == 0 and "attrition 1 in a million+  EM" in output.splitlines()[-2], output


def test_a_look_at_no_moment_is_no_record_and_a_name_without_end_is_shown_by_its_ends(tmp_path: Path) -> None:
    verdict = object_in_rows(chain_of(1)[0])
    path = tmp_path / "record.json"
    for at in (-1, 253_402_300_800, 10**400):
        later = copy.deepcopy(verdict)
        later["spec"]["looks"][0][0] = at
        path.write_text(json.dumps(later))
        code, output = run(str(path))
        assert code == 1 and "a look is at no moment of the years 1970 to 9999" in output, output
    verdict["metadata"]["name"] = "x" * 100_000
    path.write_text(json.dumps(verdict))
    code, output = run(str(path))
    assert code == 0 and all(len(line) < 1000 for line in output.splitlines())


def test_a_promotion_too_early_ends_with_1(tmp_path: Path) -> None:
    verdict = object_in_rows(chain_of(1)[0])
    verdict["spec"]["looks"] = verdict["spec"]["looks"][:1]
    path = tmp_path / "record.yaml"
    path.write_text(yaml.safe_dump(verdict))
    code, output = run(str(path))
    assert code == 1 and "The replay does not agree" in output


def test_what_cannot_be_replayed_is_said_in_a_sentence(tmp_path: Path) -> None:
    verdict = copy.deepcopy(chain_of(1)[0])
    verdict["spec"]["plan"] = "{}"
    path = tmp_path / "record.yaml"
    path.write_text(yaml.safe_dump(verdict))
    code, output = run(str(path))
    assert code == 1 and "is no verdict that this release can replay" in output
