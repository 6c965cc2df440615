"""promtool finds the alert rules in order, and each fires when it should and at no other time."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dashboard_build.build import dashboard
from earlystop.cli.files.yaml_values import SAFE_LOADER
from tests.cluster.errors import ClusterError
from tests.cluster.packaging import CHART, named, objects, template
from tests.cluster.promtool import promtool

RULES = CHART / "files" / "alerts.yaml"
CASES = Path(__file__).parent / "alerts" / "rules_test.yaml"
CASES_OF_TWO = Path(__file__).parent / "alerts" / "two_releases_test.yaml"
EVERYTHING = "metrics.serviceMonitor.enabled=true,metrics.alerts.enabled=true,metrics.dashboard.enabled=true"


def test_each_alert_fires_when_it_should_and_at_no_other_time(tmp_path: Path) -> None:
    for file in (RULES, CASES):
        shutil.copy(file, tmp_path)
    for command in (["check", "rules", "--lint=all", "--lint-fatal", RULES.name], ["test", "rules", CASES.name]):
        done = subprocess.run([promtool(), *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_of_the_dashboard_is_one_that_prometheus_parses(tmp_path: Path) -> None:
    shown = dashboard()
    asked = [target["expr"] for panel in shown["panels"] for target in panel.get("targets", [])]
    asked += [each["expr"] for each in shown["annotations"]["list"]]
    variables = [each["definition"] for each in shown["templating"]["list"] if each["type"] == "query"]
    asked += [re.sub(r"^label_values\((.*), \w+\)$", r"\1", each) for each in variables]
    texts = [re.sub(r"\$__(?:rate_)?(?:interval|range)\b", "5m", each) for each in asked]
    rules = [{"record": f"shown:{number}", "expr": each} for number, each in enumerate(texts)]
    (tmp_path / "shown.yaml").write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))
    done = subprocess.run([promtool(), "check", "rules", "shown.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(asked)} rules found" in done.stdout, done.stdout + done.stderr


def test_of_two_releases_side_by_side_each_ones_alerts_are_about_itself_alone(tmp_path: Path) -> None:
    for release, namespaces in (("one", "{llm,search}"), ("two", "{chat}")):
        text = template(f"--set={EVERYTHING}", f"--set=watchNamespaces={namespaces}", f"--namespace={release}")
        rules = named(text, "PrometheusRule", "earlystop")["spec"]
        (tmp_path / f"{release}.yaml").write_text(yaml.safe_dump(rules))
    shutil.copy(CASES_OF_TWO, tmp_path)
    done = subprocess.run(
        [promtool(), "test", "rules", CASES_OF_TWO.name], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("setting", "matchers"),
    [
        ("metrics.serviceMonitor.enabled=true", {'namespace="earlystop-system"', 'service="earlystop-metrics"'}),
        ("fullnameOverride=es,metrics.serviceMonitor.enabled=true", {'service="es-metrics"'}),
        ("metrics.alerts.matchLabels.job=own/pods", {'job="own/pods"'}),
        ("metrics.alerts.matchLabels.job=a,metrics.serviceMonitor.enabled=true", {'job="a"'}),
    ],
)
def test_every_query_of_the_operators_metrics_is_about_this_release_and_every_other_about_its_namespaces(
    setting: str, matchers: set[str]
) -> None:
    text = template(f"--set=crds.install=false,metrics.alerts.enabled=true,{setting}", "--set=watchNamespaces={llm}")
    rendered = next(each for each in objects(text) if each["kind"] == "PrometheusRule")["spec"]
    written = yaml.load(RULES.read_text(), Loader=SAFE_LOADER)
    for group, original in zip(rendered["groups"], written["groups"], strict=True):
        for rule, before in zip(group["rules"], original["rules"], strict=True):
            for metric in re.findall(r"earlystop_[a-z_]+[^ )\[]*", before["expr"]):
                name = re.match(r"[a-z_]+", metric)
                assert name is not None
                for found in re.findall(rf"{name[0]}(?:\{{[^}}]*\}}|\b)", rule["expr"]):
                    wanted = matchers if "_operator_" in metric else {'namespace=~"llm"'}
                    assert all(each in found for each in wanted), rule["expr"]
            assert {**rule, "expr": ""} == {**before, "expr": ""}


def test_the_charts_rules_are_those_of_the_file_with_links_to_where_the_runbooks_are() -> None:
    text = template("--set=metrics.alerts.enabled=true,metrics.alerts.runbookUrl=https://docs.example.com/runbooks")
    expected = RULES.read_text().replace("operator/docs/runbooks.md#", "https://docs.example.com/runbooks#")
    assert named(text, "PrometheusRule", "earlystop")["spec"] == yaml.load(expected, Loader=SAFE_LOADER)


def test_the_service_monitor_finds_the_service_of_the_metrics_and_keeps_the_policies_namespaces() -> None:
    text = template(f"--set={EVERYTHING},metrics.serviceMonitor.labels.release=prometheus")
    monitor, service = named(text, "ServiceMonitor", "earlystop"), named(text, "Service", "earlystop-metrics")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True and endpoint["port"] in {each["name"] for each in service["spec"]["ports"]}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_the_dashboard_is_a_config_map_for_grafanas_sidecar() -> None:
    found = named(template(f"--set={EVERYTHING}"), "ConfigMap", "earlystop-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["data"]["earlystop-policies.json"].strip() == (CHART / "files" / "dashboard.json").read_text().strip()


def test_nothing_of_it_is_there_unless_it_is_asked_for_and_policies_can_be_left_out_of_the_metrics() -> None:
    assert not {"ServiceMonitor", "PrometheusRule", "earlystop-dashboard"} & set(template().replace(":", " ").split())
    assert "--no-policy-metrics" not in template()
    assert "--no-policy-metrics" in template("--set=metrics.policies=false")


@pytest.mark.parametrize("wanted", ["alerts", "dashboard"])
def test_alerts_and_a_dashboard_of_policies_that_have_no_metrics_are_refused(wanted: str) -> None:
    with pytest.raises(ClusterError, match=f"metrics/{wanted}"):
        template(f"--set=metrics.policies=false,metrics.{wanted}.enabled=true")


@pytest.mark.parametrize(
    "setting",
    ["metrics.serviceMonitor.interval=often", "metrics.alerts.runbookUrl=runbooks", "metrics.dashbord.enabled=true"],
)
def test_a_wrong_value_of_the_metrics_is_refused(setting: str) -> None:
    with pytest.raises(ClusterError, match="schema"):
        template(f"--set={setting}")
