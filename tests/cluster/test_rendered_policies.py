"""Policies that kustomize and Helm render: names find what they name, and applying again changes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER
from earlystop.controller.cluster import POLICIES
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest, policy, source
from tests.cluster.packaging import helm, named, objects

PAGE = Path(__file__).parents[2] / "operator" / "docs" / "gitops.md"
NAMESPACE = "in-git"
OVERLAY = """
resources: [../base]
namespace: {namespace}
namePrefix: prod-
labels: [{{pairs: {{team: qa}}, includeSelectors: false}}]
commonAnnotations: {{example.com/owner: qa}}
configMapGenerator:
- {{name: windows, literals: [candidate=8]}}
patches:
- target: {{kind: EarlyStopPolicy}}
  patch: '[{{"op": "replace", "path": "/spec/objective/exactMatch/margin", "value": "0.01"}}]'
- patch: |-
    {{apiVersion: earlystop.dev/v1alpha1, kind: EarlyStopPolicy, metadata: {{name: qa, namespace: in-git}},
     spec: {{rollout: {{deadlineSeconds: 7200}}}}}}
replacements:
- source: {{kind: ConfigMap, name: windows, fieldPath: data.candidate}}
  targets: [{{select: {{kind: EarlyStopPolicy}}, fieldPaths: [spec.candidates.0.values.0.value]}}]
"""


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


def names_in_policies() -> str:
    """The file by which kustomize finds the names that policies hold, as the page has it."""
    (text,) = re.findall(r"```yaml\n(nameReference:.*?)```", PAGE.read_text(), re.DOTALL)
    return str(text)


def users_objects() -> list[Manifest]:
    """What a policy names, as little as the API server takes."""
    labels = {"app": "qa"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": "qa"}]}}
    rules = [{"backendRefs": [{"name": "qa", "port": 80}]}]
    job = {"containers": [{"name": "smoke", "image": "qa"}], "restartPolicy": "Never"}
    found: list[tuple[str, str, str, Any]] = [
        ("apps/v1", "Deployment", "qa-server", {"selector": {"matchLabels": labels}, "template": template}),
        ("v1", "Service", "qa", {"selector": labels, "ports": [{"port": 80}]}),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "qa", {"parentRefs": [{"name": "gateway"}], "rules": rules}),
        ("batch/v1", "Job", "smoke", {"suspend": True, "template": {"spec": job}}),
    ]
    return [
        {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}
        for version, kind, name, spec in found
    ]


def write_base(folder: Path) -> None:
    written = policy(NAMESPACE)
    gate = {"name": "smoke", "before": "Promotion", "jobRef": {"name": "smoke"}}
    written["spec"]["rollout"]["gates"] = [gate]
    folder.mkdir()
    (folder / "all.yaml").write_text(yaml.safe_dump_all([written, source(), *users_objects()]))
    (folder / "names.yaml").write_text(names_in_policies())
    (folder / "kustomization.yaml").write_text("resources: [all.yaml]\nconfigurations: [names.yaml]\n")


def test_a_policy_that_kustomize_renders_names_what_it_has_renamed_and_is_unchanged_when_applied_again(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    write_base(tmp_path / "base")
    (tmp_path / "prod").mkdir()
    (tmp_path / "prod" / "kustomization.yaml").write_text(OVERLAY.format(namespace=namespace))
    text = cluster.access.kubectl("kustomize", str(tmp_path / "prod"))
    spec = named(text, "EarlyStopPolicy", "prod-qa")["spec"]
    assert spec["targetRef"]["name"] == "prod-qa-server"
    assert spec["delivery"]["gatewayHeader"]["routeRef"]["name"] == "prod-qa"
    assert spec["metrics"]["sourceRef"]["name"] == "prod-default"
    assert spec["rollout"]["gates"][0]["jobRef"]["name"] == "prod-smoke"
    assert spec["objective"]["exactMatch"]["margin"] == "0.01" and spec["rollout"]["deadlineSeconds"] == 7200
    assert spec["candidates"][0]["values"] == [{"name": "window", "value": "8"}]
    cluster.access.kubectl("apply", "--filename=-", input=text)
    again = cluster.access.kubectl("apply", "--filename=-", input=text)
    assert "earlystoppolicy.earlystop.dev/prod-qa unchanged" in again.splitlines()
    assert cluster.access.kubectl("diff", "--filename=-", input=text) == ""
    assert cluster.access.read(POLICIES, namespace, "prod-qa")["metadata"]["generation"] == 1


def every_name_in(schema: Any, path: str = "") -> set[str]:
    """The paths in a schema at which another object is named, as kustomize writes them."""
    found: set[str] = set()
    for name, value in schema.get("properties", {}).items():
        if name.endswith("Ref") or (name == "configMap" and "name" in value.get("properties", {})):
            found.add(f"{path}{name}/name")
        found |= every_name_in(value, f"{path}{name}/")
    return found | (every_name_in(schema["items"], path) if "items" in schema else set())


def test_kustomize_is_told_of_every_name_that_a_policy_may_hold() -> None:
    (crd,) = (each for path in CRDS.glob("*.yaml") for each in objects(path.read_text()) if named_policies(each))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    told = yaml.load(names_in_policies(), Loader=SAFE_LOADER)["nameReference"]
    paths = {field["path"] for each in told for field in each["fieldSpecs"] if field["kind"] == "EarlyStopPolicy"}
    assert paths == every_name_in(schema, "spec/")


def named_policies(crd: Manifest) -> bool:
    return bool(crd["spec"]["names"]["kind"] == "EarlyStopPolicy")


CHART = {"apiVersion": "v2", "name": "qa", "version": "1.0.0"}
KEPT = "{{- if .Values.kept }}\n  annotations: {helm.sh/resource-policy: keep}\n{{- end }}"


def write_chart(folder: Path) -> None:
    """A user's chart, with a policy whose margin is a value."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(json.dumps(CHART))
    (folder / "values.yaml").write_text('margin: "0.02"\nkept: false\n')
    written = policy("NAMESPACE")
    written["spec"]["objective"]["exactMatch"]["margin"] = "MARGIN"
    text = yaml.safe_dump(written, sort_keys=False).replace("NAMESPACE", "{{ .Release.Namespace }}")
    text = text.replace("MARGIN", "{{ .Values.margin | quote }}").replace("metadata:\n", f"metadata:\n  {KEPT}\n", 1)
    (folder / "templates" / "policy.yaml").write_text(text)


def test_what_people_asked_for_outlives_helms_upgrades_and_rollbacks_and_an_unchanged_chart_changes_nothing(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    write_chart(tmp_path / "qa")

    def run(*args: str) -> str:
        return helm(*args, f"--namespace={namespace}", kubeconfig=cluster.access.kubeconfig)

    def seen() -> tuple[str, bool, int]:
        found = cluster.access.read(POLICIES, namespace, "qa")
        spec = found["spec"]
        margin = str(spec["objective"]["exactMatch"]["margin"])
        return margin, bool(spec.get("suspend")), int(found["metadata"]["generation"])

    run("install", "qa", str(tmp_path / "qa"))
    assert seen() == ("0.02", False, 1)
    run("upgrade", "qa", str(tmp_path / "qa"))
    assert seen() == ("0.02", False, 1)
    rendered = run("get", "manifest", "qa")
    assert cluster.access.kubectl("diff", f"--namespace={namespace}", "--filename=-", input=rendered) == ""
    paused = {"metadata": {"annotations": {"earlystop.dev/suspend-by": "admin for true"}}, "spec": {"suspend": True}}
    assert cluster.access.write("PATCH", POLICIES, namespace, "qa", paused) == 200
    run("upgrade", "qa", str(tmp_path / "qa"), "--set-string=margin=0.01")
    assert seen() == ("0.01", True, 3)
    run("rollback", "qa", "1")
    assert seen() == ("0.02", True, 4)
    signed = cluster.access.read(POLICIES, namespace, "qa")["metadata"]["annotations"]
    assert signed["earlystop.dev/suspend-by"] == "admin for true"
    run("upgrade", "qa", str(tmp_path / "qa"), "--set=kept=true")
    uid = cluster.access.read(POLICIES, namespace, "qa")["metadata"]["uid"]
    run("uninstall", "qa")
    assert seen()[1], "a policy that is kept goes on"
    run("install", "qa", str(tmp_path / "qa"), "--set=kept=true")
    assert cluster.access.read(POLICIES, namespace, "qa")["metadata"]["uid"] == uid
