"""`plan` and `simulate` of a policy that searches: from a curve file, with the search that runs in the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

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
def test_plan_compares_strategies_and_recommends_one_in_words(tmp_path: Path) -> None:
    done = asked(tmp_path, "plan")
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "Ladder" in text and "Bayesian" in text
    assert "Recommended: search.strategy" in text and "ends with the best setting in" in text


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


def test_a_strategy_of_one_campaign_is_refused_with_those_that_can_be_simulated(tmp_path: Path) -> None:
    one_step = changed(policy(), "spec.rollout.steps", [{"weight": 60}])
    done = asked(tmp_path, "simulate", search={**SEARCH, "strategy": "Grid"}, manifest=one_step)
    assert done.exit_code != 0
    assert "cannot be simulated" in done.output and "Ladder and Bayesian" in done.output
