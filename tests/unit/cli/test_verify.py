"""`verify` recomputes a stored verdict, and says where a changed one differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.main import app
from earlystop.rollout.verdict import digest_of, verdict_spec
from tests.cluster.objects import verdict
from tests.unit.rollout.in_rows import object_in_rows
from tests.unit.rollout.policies import UID
from tests.unit.rollout.states import REACHED


def verify(tmp_path: Path, manifest: dict[str, Any]) -> tuple[int, str]:
    path = tmp_path / "verdict.yaml"
    path.write_text(yaml.safe_dump(manifest))
    result = CliRunner().invoke(app, ["verify", str(path)], env={"COLUMNS": "400"})
    return result.exit_code, result.output


def test_a_verdict_as_it_was_stored_can_be_recomputed(tmp_path: Path) -> None:
    code, output = verify(tmp_path, verdict())
    assert output.strip() == "Inconclusive of w10 follows from its 1 look."
    assert code == 0


@pytest.mark.parametrize("column", range(3, 31))
def test_a_count_that_was_changed_is_noticed(tmp_path: Path, column: int) -> None:
    manifest = object_in_rows(verdict())
    manifest["spec"]["looks"][0][column] += 1
    code, output = verify(tmp_path, manifest)
    assert code == 1
    assert "The digest does not belong to this record" in output


def test_counts_that_were_changed_together_with_the_digest_are_noticed(tmp_path: Path) -> None:
    manifest = object_in_rows(verdict())
    manifest["spec"]["looks"][0][6] -= 9
    manifest["spec"]["looks"][0][7] += 9
    manifest["spec"]["digest"] = digest_of(manifest["spec"])
    code, output = verify(tmp_path, manifest)
    assert code == 1
    assert "for promote, the record says" in output


def test_a_file_without_a_verdict_is_refused_in_a_sentence(tmp_path: Path) -> None:
    code, output = verify(tmp_path, {"kind": "ConfigMap", "spec": {}})
    assert code == 1
    assert "holds no EarlyStopVerdict, only: ConfigMap" in output


def test_a_verdict_that_a_person_asked_for_is_told_as_such(tmp_path: Path) -> None:
    spec = verdict_spec("qa", UID, REACHED["promoted by request"])
    code, output = verify(tmp_path, {"kind": "EarlyStopVerdict", "spec": json.loads(json.dumps(spec))})
    assert (code, "was asked for by user alice; its" in output) == (0, True), output


def test_a_guards_alarm_is_told_with_what_was_recomputed_and_what_had_to_be_believed(tmp_path: Path) -> None:
    spec = json.loads(json.dumps(verdict_spec("qa", UID, REACHED["rolled back by its guard"])))
    code, output = verify(tmp_path, {"kind": "EarlyStopVerdict", "spec": spec})
    kept, taken = len(spec["guard"]["lookTable"].split("\n")) - 1, spec["guard"]["looksTaken"]
    assert code == 0 and f"The guard's alarm follows from its last {kept} looks; the {taken - kept} looks" in output
    code, output = verify(
        tmp_path, {"kind": "EarlyStopVerdict", "spec": {**spec, "guard": {**spec["guard"], "alarm": []}}}
    )
    assert code == 1 and "The guard's looks do not show the harm" in output
