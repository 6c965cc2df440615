"""Dashboard and alerts name metrics that there are, panels stand beside each other, and every alert has a runbook."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

import dashboard_build.build
from dashboard_build.build import dashboard
from dashboard_build.panels import COLUMNS
from earlystop.api.wire import COUNTED_METRICS, MARKS, SERIES_LABELS
from earlystop.cli.files.yaml_values import SAFE_LOADER
from earlystop.controller.policy_metrics.table import TABLE
from earlystop.controller.telemetry import registry
from earlystop.injector.telemetry import Restarts

ROOT = Path(dashboard_build.build.__file__).parents[2]
FILES = ROOT / "charts" / "earlystop" / "files"
RULES = [
    rule
    for group in yaml.load((FILES / "alerts.yaml").read_text(), Loader=SAFE_LOADER)["groups"]
    for rule in group["rules"]
]
CASES = yaml.load((ROOT / "tests" / "cluster" / "alerts" / "rules_test.yaml").read_text(), Loader=SAFE_LOADER)["tests"]
RUNBOOKS = (ROOT / "operator" / "docs" / "runbooks.md").read_text()
PANELS: list[dict[str, Any]] = dashboard()["panels"]
KINDS = {"row", "stat", "table", "timeseries", "state-timeline"}
BY_ALERT = pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])


def known_metrics() -> dict[str, set[str]]:
    """The labels of each metric of policies; of the operator's own and an injector's, names alone."""
    suffixes = ("", "_total", "_bucket", "_count", "_sum")
    counted = {each: {*SERIES_LABELS, *MARKS} for each in COUNTED_METRICS}
    own = {f"{family.name}{suffix}" for family in registry.collect() for suffix in suffixes}
    own |= {f"{family.name}_total" for family in Restarts(0).collect()}
    return {**counted, **{name: set() for name in own}, **{each.name: set(each.labels) for each in TABLE}}


def expressions() -> list[str]:
    """Every query of dashboard and alerts."""
    shown = dashboard()
    panels = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]
    variables = [each["definition"] for each in shown["templating"]["list"] if each["type"] == "query"]
    notes = [each["expr"] for each in shown["annotations"]["list"]]
    return [*panels, *variables, *notes, *(rule["expr"] for rule in RULES)]


def test_the_dashboard_of_the_chart_is_the_generated_one() -> None:
    assert json.loads((FILES / "dashboard.json").read_text()) == dashboard(), "run `make docs`"


def test_panels_have_numbers_of_their_own_and_none_covers_another() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["w"] > 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


def test_every_panel_has_what_grafana_needs_and_says_what_it_shows() -> None:
    for panel in PANELS:
        assert panel["type"] in KINDS and panel["title"]
        if panel["type"] == "row":
            continue
        assert panel["description"] and panel["targets"] and panel["datasource"]["uid"] == "${datasource}"
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        names = {target["legendFormat"] for target in panel["targets"]}
        for each in panel["fieldConfig"]["overrides"]:
            assert each["matcher"]["options"] in names, f"{panel['title']}: an override of a series that is not there"


def test_decisions_are_annotations_at_their_own_moment() -> None:
    (decisions,) = dashboard()["annotations"]["list"]
    assert decisions["useValueForTime"] and decisions["expr"].endswith("* 1000")


def test_the_dashboard_shows_every_metric_of_a_guard_and_whether_it_sees() -> None:
    asked = " ".join(target["expr"] for panel in PANELS for target in panel.get("targets", []))
    assert all(each.name in asked for each in TABLE if each.name.startswith("earlystop_policy_guard_"))
    assert 'type="Guarded"' in asked


def test_every_variable_of_a_query_is_defined() -> None:
    defined = {each["name"] for each in dashboard()["templating"]["list"]}
    for text in expressions():
        assert set(re.findall(r"\$(\w+)", text)) <= defined


def test_queries_name_metrics_and_labels_that_there_are() -> None:
    known = known_metrics()
    for text in expressions():
        selectors = re.findall(r"\b((?:earlystop|process)_[a-z_0-9]+)(?:\{([^}]*)\})?", text)
        assert selectors
        for name, matchers in selectors:
            assert name in known, f"{name} in {text}"
            if name.startswith("earlystop_policy_"):
                assert set(re.findall(r"(\w+)=~?", matchers)) <= known[name], text


@BY_ALERT
def test_an_alert_has_a_runbook_a_severity_and_a_sentence(rule: dict[str, Any]) -> None:
    name, notes = rule["alert"], rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert notes["summary"].endswith(".") and notes["description"].endswith(".")
    assert notes["runbook_url"] == f"operator/docs/runbooks.md#{name.lower()}"
    section = RUNBOOKS.split(f"\n## {name}\n")
    assert len(section) == 2, f"operator/docs/runbooks.md has no section {name}"
    assert "**What it means.**" in section[1] and "**What to do.**" in section[1]


@BY_ALERT
def test_an_alert_has_a_case_in_which_it_fires(rule: dict[str, Any]) -> None:
    asked = [each for case in CASES for each in case["alert_rule_test"] if each["alertname"] == rule["alert"]]
    assert any(each.get("exp_alerts") for each in asked)


def test_no_runbook_is_of_an_alert_that_there_is_not() -> None:
    assert set(re.findall(r"\n## (\w+)\n", RUNBOOKS)) == {rule["alert"] for rule in RULES}
