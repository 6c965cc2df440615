"""The chart and the manifests say the same, and a real API server takes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from earlystop.api.crds import definitions
from earlystop.api.policy import PolicySpec
from earlystop.rollout.unsupported import unbuilt
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.packaging import CHART, MANIFESTS, ROOT, helm, named, objects, template
from tests.cluster.signing import signed

# A PodMonitor is of prometheus-operator, whose kinds this cluster does not have.
EXAMPLES = sorted(set((MANIFESTS / "examples").glob("*.yaml")) - {MANIFESTS / "examples" / "pod-monitor.yaml"})
DRY_RUN = ("apply", "--dry-run=server", "--validate=strict", "--filename=-")


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


def test_the_chart_has_nothing_that_helm_warns_of() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


@pytest.mark.parametrize(
    "setting",
    [
        "image.repo=x",
        "crd.install=true",
        "replicas=2",
        "logLevel=TRACE",
        "crds.keep=perhaps",
        "image.tag=1",
        "metricSecrets=all",
    ],
)
def test_a_value_that_the_chart_does_not_know_is_refused(setting: str) -> None:
    with pytest.raises(ClusterError, match="schema"):
        template(f"--set={setting}")


def test_the_install_manifest_is_the_namespace_and_the_rendered_chart() -> None:
    expected = (MANIFESTS / "namespace.yaml").read_text() + template()
    assert (MANIFESTS / "install.yaml").read_text() == expected, "run `make manifests`"


def test_without_injectors_the_operator_has_no_right_to_run_any() -> None:
    text = template("--set=injector.enabled=false")
    (deployments,) = (
        rule for rule in named(text, "ClusterRole", "earlystop")["rules"] if rule["resources"] == ["deployments"]
    )
    assert deployments["verbs"] == ["get", "list", "watch"]
    (maps,) = (rule for rule in named(text, "ClusterRole", "earlystop")["rules"] if rule["resources"] == ["configmaps"])
    assert maps["verbs"] == ["patch"]
    assert "networkpolicies" not in str(named(text, "ClusterRole", "earlystop")) and "--injector-image" not in text
    (container,) = named(template(), "Deployment", "earlystop")["spec"]["template"]["spec"]["containers"]
    assert f"--injector-image={container['image']}" in container["args"]


@pytest.mark.parametrize(
    ("settings", "removes"),
    [("", False), ("record.keepVerdicts=0", False), ("record.keepVerdicts=500", True), ("record.keepDays=400", True)],
)
def test_the_operator_may_delete_verdicts_only_where_the_values_say_how_many_are_kept(
    settings: str, removes: bool
) -> None:
    text = template(*([f"--set={settings}"] if settings else []))
    rights = {
        rule["resources"][0]: set(rule["verbs"])
        for rule in named(text, "ClusterRole", "earlystop")["rules"]
        if rule["resources"][0] in ("earlystopverdicts", "earlystopcheckpoints")
    }
    assert ("delete" in rights["earlystopverdicts"], "create" in rights["earlystopcheckpoints"]) == (removes, removes)
    assert ("--keep-verdicts=" in text) == removes and "--record-lease=earlystop-record" in text


def test_the_chart_carries_the_crds_and_keeps_them_on_uninstall() -> None:
    for definition in definitions().values():
        rendered = named(template(), "CustomResourceDefinition", definition["metadata"]["name"])
        assert rendered["spec"] == definition["spec"]
        assert rendered["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        loose = named(template("--set=crds.keep=false"), "CustomResourceDefinition", definition["metadata"]["name"])
        assert not loose["metadata"].get("annotations")
    assert "CustomResourceDefinition" not in {each["kind"] for each in objects(template("--set=crds.install=false"))}


@pytest.mark.parametrize("tag", ["", "1.2.3"])
def test_an_image_can_be_named_by_its_digest(tag: str) -> None:
    digest = f"sha256:{'0b7c' * 16}"
    deployment = named(template(f"--set=image.tag={tag},image.digest={digest}"), "Deployment", "earlystop")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f"@{digest}") and (not tag or f":{tag}@" in container["image"])
    for wrong in ("sha256:0b7c", digest.removeprefix("sha256:"), f"{digest} "):
        with pytest.raises(ClusterError, match="schema"):
            template(f"--set-string=image.digest={wrong}")


@pytest.mark.parametrize(("settings", "names"), [([], None), (["--set=metricSecrets={a,b.c}"], ["a", "b.c"])])
def test_the_right_to_read_secrets_can_be_narrowed_to_names(settings: list[str], names: list[str] | None) -> None:
    role = named(template(*settings), "Role", "earlystop-metric-secrets")
    (rule,) = role["rules"]
    assert role["metadata"]["namespace"] == "earlystop-system"
    assert (rule["resources"], rule["verbs"], rule.get("resourceNames")) == (["secrets"], ["get"], names)


def test_the_api_server_takes_the_install_manifest(cluster: Cluster, namespace: str) -> None:
    own, rest = (MANIFESTS / "install.yaml").read_text().split("---\n", maxsplit=1)
    assert "namespace/earlystop-system" in cluster.access.kubectl(*DRY_RUN, input=own)
    # What lies in a namespace that a dry run did not make is tried in one that is there.
    rest = rest.replace("namespace: earlystop-system", f"namespace: {namespace}")
    printed = cluster.access.kubectl(*DRY_RUN, input=rest)
    assert len(printed.splitlines()) == len(objects(rest))
    assert "deployment.apps/earlystop " in printed


def test_the_api_server_takes_the_chart_with_every_value_written(cluster: Cluster, namespace: str) -> None:
    values = {
        "image": {"repository": "registry.example.com/team/earlystop-operator", "tag": "0.1.0-rc.1"},
        "imagePullSecrets": [{"name": "registry"}],
        "metricSecrets": ["prometheus", "thanos.tls"],
        "workload": {"namespaces": [namespace]},
        "watchNamespaces": [namespace],
        "extraArgs": ["--log-level=DEBUG"],
        "extraEnv": [{"name": "TEAM", "value": "llm"}],
        "evaluator": {
            "enabled": True,
            "policy": f"{namespace}/qa",
            "url": "http://gateway/v1",
            "goldenConfigMap": "golden",
        },
        "serviceAccount": {"annotations": {"example.com/team": "llm"}},
        "service": {"annotations": {"example.com/team": "llm"}, "labels": {"team": "llm"}},
        "networkPolicy": {
            "enabled": True,
            "ingressFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "egress": [{"ports": [{"port": 443}]}],
        },
        "podDisruptionBudget": {"enabled": True},
        "priorityClassName": "system-cluster-critical",
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
        ],
        "logLevel": "DEBUG",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "podAnnotations": {"example.com/team": "llm"},
        "podLabels": {"team": "llm"},
    }
    path = cluster.access.directory / "values.json"
    path.write_text(json.dumps(values))
    text = template(f"--values={path}", "--set=crds.install=false").replace("earlystop-system", namespace)
    assert "deployment.apps/earlystop created (server dry run)" in cluster.access.kubectl(*DRY_RUN, input=text)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_is_accepted_as_it_stands(cluster: Cluster, namespace: str, path: Path) -> None:
    text = signed(path.read_text()).replace("namespace: llm", f"namespace: {namespace}")
    proposer = next((each["spec"]["proposer"] for each in objects(text) if each["kind"] == "EarlyStopProposal"), None)
    # Nobody proposes in another's name; with the rights of whoever applies the other objects beside it.
    as_proposer = () if proposer is None else (f"--as={proposer}", "--as-group=system:masters")
    create = ("create", "--dry-run=server", "--validate=strict", "--filename=-", *as_proposer)
    assert "created (server dry run)" in cluster.access.kubectl(*create, input=text)


def pins(lock: str) -> dict[str, str]:
    """Locked versions by package."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "operator" / lock).read_text(), re.MULTILINE))


def test_the_evaluators_image_holds_the_operators_packages_and_a_client_to_ask_with() -> None:
    operator, evaluator = pins("requirements.lock"), pins("evaluator.lock")
    assert operator.items() <= evaluator.items() and "openai" in evaluator and "openai" not in operator
    assert "ARG LOCK=operator/requirements.lock\n" in (ROOT / "operator" / "Containerfile").read_text()


def test_the_example_policy_asks_for_nothing_that_is_not_built() -> None:
    policy = named((MANIFESTS / "examples" / "policy.yaml").read_text(), "EarlyStopPolicy", "qa")
    assert unbuilt(PolicySpec.model_validate(policy["spec"])) is None
    sources = objects((MANIFESTS / "examples" / "metricsource.yaml").read_text())
    assert policy["spec"]["metrics"]["sourceRef"]["name"] in {each["metadata"]["name"] for each in sources}
