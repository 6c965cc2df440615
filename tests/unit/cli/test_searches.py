"""`plan` and `simulate` of a policy that searches: from a curve file, with the search that runs in the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from earlystop.cli import searches
from earlystop.cli.main import app
from tests.cluster.objects import changed, policy

CURVE = "setting,em,tokens\nbaseline,0.80,600\nwindow-20,0.80,420\nwindow-10,0.80,300\nwindow-2,0.60,120\n"
SEARCH: dict[str, Any] = {"strategy": "Ladder", "parameters": [{"name": "window", "values": ["20", "10", "2"]}]}


def asked(
    tmp_path: Path,
    command: str,
    *options: str,
    curve: str | None = CURVE,
    search: object = SEARCH,
    manifest: dict[str, Any] | None = None,
) -> Result:
    manifest = changed(manifest or policy(), "spec.search", search)
    if search is not None:
        del manifest["spec"]["candidates"]
    (tmp_path / "policy.json").write_text(json.dumps(manifest))
    if curve is not None:
        (tmp_path / "curve.csv").write_text(curve)
        options = ("--curve", str(tmp_path / "curve.csv"), *options)
    return CliRunner().invoke(app, [command, str(tmp_path / "policy.json"), *options])


@pytest.mark.slow
def test_simulate_says_how_often_the_best_setting_is_found_and_is_the_same_each_time(tmp_path: Path) -> None:
    once, again = (asked(tmp_path, "simulate", "--runs", "4", "--json") for _ in range(2))
    assert once.exit_code == 0, once.output
    (found,) = json.loads(once.output)["searches"]
    assert found["strategy"] == "Ladder" and found["best"] == 0.5
    assert found["at_best"] >= 0.75 and found["requests_mean"] > 1000
    assert once.output == again.output


@pytest.mark.slow
def test_plan_plays_the_policys_own_strategy_and_says_of_each_other_why_it_is_not_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "SEARCHES_PLANNED", 2)
    done = asked(tmp_path, "plan")
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "Ladder Bayesian" in text and "Recommended: search.strategy" in text
    for name in ("Grid", "Bandit"):
        assert f"{name} is not played, since it does not take the rest of the policy: spec: rollout.steps" in text
    assert "External is not played: what it tries is up to those who propose." in text


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["Grid", "Bandit"])
def test_a_search_in_one_campaign_is_played_as_it_goes_in_the_cluster(tmp_path: Path, strategy: str) -> None:
    one_step = changed(policy(), "spec.rollout.steps", [{"weight": 60}])
    search = {**SEARCH, "strategy": strategy}
    done = asked(tmp_path, "simulate", "--runs", "2", "--json", search=search, manifest=one_step)
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.output)["searches"]
    assert found["strategy"] == strategy and found["at_best"] == 1 and found["requests_mean"] > 1000


@pytest.mark.slow
def test_a_search_that_misses_the_best_setting_says_by_which_end_and_what_was_missing(tmp_path: Path) -> None:
    done = asked(tmp_path, "simulate", "--runs", "1", search={**SEARCH, "budget": {"seconds": 60}})
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "Ladder did not end with the best setting, window-10, in 1 of them (" in text
    assert "SearchBudgetUsed" in text or "never tried" in text


def test_external_is_refused_by_simulate_with_what_to_write(tmp_path: Path) -> None:
    done = asked(tmp_path, "simulate", search={**SEARCH, "strategy": "External"})
    assert done.exit_code != 0
    assert "up to those who propose" in done.output and "Ladder or Grid or Bayesian or Bandit" in done.output


@pytest.mark.parametrize("command", ["validate", "plan", "simulate"])
def test_a_search_that_cannot_begin_is_refused_with_the_operators_sentence(tmp_path: Path, command: str) -> None:
    search = {**SEARCH, "horizonRequests": 1000, "failureBudget": 1}
    demanding = changed(policy(), "spec.objective.tokens", {"minimumSaving": "0.9"})
    curve = None if command == "validate" else CURVE
    done = asked(tmp_path, command, search=search, curve=curve, manifest=demanding)
    assert done.exit_code != 0
    assert "No setting of the search is worth a trial" in " ".join(done.output.split())


def test_a_curve_that_is_not_there_is_told_as_any_file_is(tmp_path: Path) -> None:
    done = asked(tmp_path, "plan", "--curve", str(tmp_path / "none.csv"), curve=None)
    assert done.exit_code != 0
    assert "cannot be read: No such file or directory." in " ".join(done.output.split())


def test_a_search_without_a_curve_is_told_which_rows_one_has(tmp_path: Path) -> None:
    done = asked(tmp_path, "simulate", curve=None)
    assert done.exit_code != 0
    assert "needs --curve" in done.output and "window-20" in done.output


def test_a_curve_without_a_setting_that_may_be_tried_is_refused(tmp_path: Path) -> None:
    done = asked(tmp_path, "simulate", curve=CURVE.replace("window-10", "window-11"))
    assert done.exit_code != 0 and "no row for window-10" in done.output


def test_a_policy_without_a_search_has_no_use_for_a_curve(tmp_path: Path) -> None:
    done = asked(tmp_path, "plan", search=None)
    assert done.exit_code != 0 and "no use for --curve" in done.output


@pytest.mark.parametrize(
    ("command", "option"),
    [("plan", "--em-loss=0.5"), ("plan", "--dispersion=2"), ("simulate", "--saving=0.5"), ("simulate", "--tokens=9")],
)
def test_what_the_curve_says_is_supposed_by_no_option_beside_it(tmp_path: Path, command: str, option: str) -> None:
    done = asked(tmp_path, command, option)
    assert done.exit_code != 0
    assert f"{option.partition('=')[0]}: of a policy that searches" in " ".join(done.output.split())


@pytest.mark.slow
def test_a_search_that_fails_before_it_tries_the_best_setting_names_the_failure_budget(tmp_path: Path) -> None:
    curve = "setting,em,tokens\nbaseline,0.80,600\nwindow-20,0.50,420\nwindow-10,0.50,300\nwindow-2,0.80,120\n"
    search = {**SEARCH, "failureBudget": 1}
    done = asked(tmp_path, "simulate", "--runs", "1", curve=curve, search=search)
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "window-2, in 1 of them (never tried, 1 failed before it in 1)" in text
    assert "A larger search.failureBudget lets more settings fail." in text


@pytest.mark.slow
def test_a_curve_on_which_no_setting_holds_is_told_as_such_with_what_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "SEARCHES_PLANNED", 1)
    harmful = "setting,em,tokens\nbaseline,0.94,145\nwindow-20,0.89,120\nwindow-10,0.545,90\nwindow-2,0.12,60\n"
    done = asked(tmp_path, "plan", curve=harmful)
    text = " ".join(done.output.split())
    assert done.exit_code == 0 and "by this curve no setting holds what objective asks for" in text
    assert "Write other values to try, or another margin or minimumSaving." in text


@pytest.mark.slow
def test_a_floor_above_the_curves_baseline_is_told_beside_searches_that_all_end_with_the_baseline(
    tmp_path: Path,
) -> None:
    floored = changed(policy(), "spec.objective.exactMatch.floor", "0.95")
    done = asked(tmp_path, "simulate", "--runs", "2", manifest=floored)
    text = " ".join(done.output.split())
    assert done.exit_code == 0 and "below objective.exactMatch.floor: 80 by the curve's row baseline" in text
    assert "ends with the baseline 100 %" in text
