"""`kubectl earlystop history` shows people what was learned, and says where it comes from and what did not count."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from earlystop.cli.history import table_of
from earlystop.cli.main import app
from earlystop.rollout.record.checkpoint import checkpoint_object
from earlystop.rollout.search.history import read_history
from earlystop.rollout.search.learned import learned_of
from tests.unit.cli.api_server import api_with
from tests.unit.cli.shown_policies import text_of
from tests.unit.rollout.record.chains import chain_of, removed
from tests.unit.rollout.search.past_verdicts import altered, past_verdict, window_policy

VERDICTS = [past_verdict("10", 0.0, 0.3), past_verdict("5", 0.01, 0.6, name="bold")]
POLICY = {
    "kind": "EarlyStopPolicy",
    "metadata": {"name": "qa", "namespace": "llm"},
    "spec": window_policy().wire(),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["history", *arguments], env={"COLUMNS": "300"})


def saved(folder: Path, *objects: dict[str, Any]) -> str:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


@pytest.mark.parametrize("width", [60, 80])
def test_no_number_is_cut_on_a_narrow_terminal(width: int) -> None:
    learned = learned_of(read_history(None, VERDICTS).comparisons, None)
    for each in learned:
        text, whole = text_of(table_of(each), width), text_of(table_of(each), 300)
        assert "…" not in text and max(map(len, text.splitlines())) <= width
        assert set(re.findall(r"[\d.]+", whole)) == set(re.findall(r"[\d.]+", text))


def test_a_row_for_each_setting_and_where_it_comes_from(tmp_path: Path) -> None:
    shown = run("-f", saved(tmp_path, *VERDICTS))
    assert shown.exit_code == 0, shown.output
    assert "Against the baseline window 40" in shown.output
    assert [line.split()[:2] for line in shown.output.splitlines()[2:4]] == [["window", "10"], ["window", "5"]]
    assert "HOLDS 5 POINTS" in shown.output
    assert "1 verdict of llm/qa on Deployment qa-server" in shown.output
    assert "they prove nothing" in shown.output


def test_a_policy_says_the_margin_and_what_it_is_about(tmp_path: Path) -> None:
    spec = window_policy("10", {"objective": {"exactMatch": {"margin": "0.03"}}}).wire()
    other = window_policy("10", {"baseline": {"values": [{"name": "window", "value": "20"}]}})
    objects = [{**POLICY, "spec": spec}, *VERDICTS, past_verdict("10", spec=other, name="elsewhere")]
    shown = run("qa", "-f", saved(tmp_path, *objects))
    assert "HOLDS 3 POINTS" in shown.output
    assert "1 verdict passed over, of llm/elsewhere: the baseline is window 20, not window 40." in shown.output


def test_a_changed_verdict_is_named_and_teaches_nothing(tmp_path: Path) -> None:
    shown = run("-f", saved(tmp_path, altered(VERDICTS[0], message="It is better.")))
    assert shown.exit_code == 0
    assert "No verdict teaches anything yet." in shown.output
    assert "is refused: The digest does not belong to this record" in shown.output


def test_as_json_it_holds_numbers_and_sentences(tmp_path: Path) -> None:
    told = json.loads(run("-f", saved(tmp_path, *VERDICTS), "--output", "json").output)
    (subject,) = told["subjects"]
    assert subject["baseline"] == {"window": "40"}
    assert subject["margin"] == 0.05
    row = subject["settings"][0]
    assert row["values"] == {"window": "10"}
    assert (row["verdicts"], row["promoted"], row["rolledBack"], row["undecided"]) == (1, 1, 0, 0)
    assert row["loss"]["mean"] == pytest.approx(0, abs=0.03)
    assert row["saving"]["mean"] == pytest.approx(0.3, abs=0.05)
    assert 0.9 < row["probabilityToHoldMargin"] <= 1
    assert told["refused"] == told["passedOver"] == []


def test_a_policy_that_is_in_no_file_is_asked_for(tmp_path: Path) -> None:
    refused = run("other", "-f", saved(tmp_path, POLICY, *VERDICTS))
    assert refused.exit_code == 1
    assert "holds no EarlyStopPolicy other; name a file with it, too" in refused.output


@pytest.mark.parametrize("objects", [[POLICY], [{"kind": "List", "items": []}]], ids=["policy", "nothing"])
def test_files_without_verdicts_are_told_as_such(tmp_path: Path, objects: list[dict[str, Any]]) -> None:
    refused = run("-f", saved(tmp_path, *objects))
    assert refused.exit_code == 1
    assert "holds no EarlyStopVerdict; save them by kubectl get esv" in refused.output


def test_a_policy_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    refused = run("qa", "-f", saved(tmp_path, {**POLICY, "spec": {"parameters": []}}, *VERDICTS))
    assert refused.exit_code == 1
    assert "The policy qa is none that this release can read" in refused.output


@pytest.mark.slow
def test_verdicts_of_the_cluster_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with api_with(VERDICTS, tmp_path, monkeypatch):
        shown = run()
    assert shown.exit_code == 0, shown.output
    assert "window 5" in shown.output


def test_nothing_in_a_verdict_reaches_a_terminal_as_more_than_text(tmp_path: Path) -> None:
    shown = run("-f", saved(tmp_path, {**VERDICTS[0], "metadata": {"name": "x\x1b[31m", "namespace": "llm"}}))
    assert "\x1b[31m" not in shown.output


def test_verdicts_that_retention_removed_are_no_gap(tmp_path: Path) -> None:
    first, second = chain_of(2)
    alone = run("-f", saved(tmp_path, second))
    assert "No verdict teaches anything yet." in alone.output and "is not there" in alone.output
    told = run("-f", saved(tmp_path, second, checkpoint_object("qa", "llm", removed(first))))
    assert "From 1 verdict of llm/qa" in told.output and "refused" not in told.output
