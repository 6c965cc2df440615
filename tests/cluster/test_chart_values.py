"""Values of the chart that an API server would drop or refuse, or a Pod would end on, are refused before anything is
installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.packaging import CHART, helm, named, template


def rendered(path: str, value: object) -> str:
    return template("--set-json", f"{path}={json.dumps(value)}")


def open_objects(part: dict[str, Any], path: str = "") -> Iterator[str]:
    """The objects of a schema that take keys of any name. path: of this part."""
    if part.get("type") == "object" and part.get("additionalProperties") is not False and "propertyNames" not in part:
        values = part.get("additionalProperties")
        if not isinstance(values, dict) or "pattern" not in values:
            yield path
    for name, each in part.get("properties", {}).items():
        yield from open_objects(each, f"{path}.{name}".lstrip("."))
    inner = part.get("items")
    for each in [*([inner] if isinstance(inner, dict) else []), *part.get("oneOf", [])]:
        yield from open_objects(each, path)


def test_no_object_of_the_values_takes_a_key_that_is_misspelt_but_for_what_helm_owns() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    found = {*open_objects(schema)}
    for name, each in schema["definitions"].items():
        found |= {*open_objects(each, name)}
    assert found == {"global"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("networkPolicy.egress", [{"tos": []}]),
        ("networkPolicy.egress", [{}]),
        ("networkPolicy.egress", [{"to": [{}]}]),
        ("networkPolicy.egress", [{"to": [{"ipBlock": {"cidr": "10.0.0.1"}}]}]),
        ("networkPolicy.ingressFrom", [{"podSelectr": {}}]),
        ("networkPolicy.ingressFrom", [{"podSelector": {"matchLabel": {"a": "b"}}}]),
        ("hooks.refusedNetworks", ["999.1.1.1/8"]),
        ("hooks.refusedNetworks", ["10.0.0.0/33"]),
        ("hooks.refusedNetworks", ["fd00::/129"]),
        ("podLabels", {"bad label": "x"}),
        ("podLabels", {"a": "x y"}),
        ("podAnnotations", {"a b": "1"}),
        ("nodeSelector", {"a": "x/y"}),
        ("metrics.serviceMonitor.labels", {"": "x"}),
        ("extraEnv", [{"name": "A B", "value": "x"}]),
        ("extraEnv", [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
        ("extraEnv", [{"name": "A", "valueFrom": {"secretKeyReff": {}}}]),
        ("tolerations", [{"ky": "a"}]),
        ("affinity", {"nodeAfinity": {}}),
        ("topologySpreadConstraints", [{}]),
        ("topologySpreadConstraints", [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "Never"}]),
        ("affinity", {"nodeAffinity": {"requiredDuringScheduling": {}}}),
        ("networkPolicy.ingressFrom", [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}]),
        ("extraEnv", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "kye": "k"}}}]),
        ("extraEnv", [{"name": "A", "valueFrom": {"fieldRef": {"path": "metadata.name"}}}]),
        ("podSecurityContext.seccompProfile", {"type": "Localhost"}),
        ("podSecurityContext.seccompProfile", {"type": "RuntimeDefault", "localhostProfile": "x"}),
        ("podSecurityContext.seLinuxOptions", {"tpye": "x"}),
        ("securityContext.privileged", True),
        ("securityContext.runAsNonRoot", False),
        ("securityContext.runAsUser", 0),
        ("podSecurityContext.runAsUser", 0),
        ("podSecurityContext.runAsUser", 2**31),
        ("podSecurityContext.fsGroup", 2**31),
        ("resources.requests", {"cpus": "50m"}),
        ("resources.limits", {"Memory": "1Gi"}),
        ("metrics.serviceMonitor.interval", "30s1m"),
        ("metrics.serviceMonitor.interval", ""),
        ("image.repository", "operator:1"),
        ("image.repository", "UPPER/Case"),
        ("extraArgs", ["--log-level DEBUG"]),
        ("extraArgs", ["--"]),
        ("extraArgs", ["--x=1\n--host=0.0.0.0"]),
        ("evaluator.url", "http://user:password@engine:8000/v1"),
        ("evaluator.policy", "llm/.."),
        ("evaluator.goldenConfigMap", "a..b"),
        ("serviceAccount", {"create": False, "name": "default"}),
        ("serviceAccount.name", "a..b"),
        ("imagePullSecrets", [{"name": "A B"}]),
        ("metricSecrets", ["a..b"]),
        ("priorityClassName", "a..b"),
    ],
)
def test_a_value_that_says_something_else_than_it_seems_to_is_refused(path: str, value: object) -> None:
    with pytest.raises(ClusterError, match="schema"):
        rendered(path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("networkPolicy.egress", [{"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 6443}]}]),
        ("networkPolicy.egress", [{"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}]}]),
        ("networkPolicy.ingressFrom", [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "m"}}}]),
        ("hooks.refusedNetworks", ["10.0.0.0/8", "fd00::/8", "::ffff:0:0/96", "0.0.0.0/0"]),
        ("podLabels", {"team": "", "example.com/part_of": "LLM-1.0"}),
        ("extraEnv", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
        ("tolerations", [{"operator": "Exists"}, {"key": "gpu", "effect": "NoExecute", "tolerationSeconds": 5}]),
        ("podSecurityContext.seccompProfile", {"type": "Localhost", "localhostProfile": "profiles/a.json"}),
        ("podSecurityContext.runAsGroup", 0),
        ("securityContext.runAsNonRoot", True),
        ("securityContext.privileged", False),
        ("securityContext.seccompProfile", {"type": "RuntimeDefault"}),
        ("metrics.serviceMonitor.interval", "1m30s"),
        ("metrics.serviceMonitor.interval", "500ms"),
        ("metrics.serviceMonitor.interval", "1h"),
        ("image.repository", "registry.example.com:5000/team/a_b"),
        ("image.repository", "localhost/earlystop"),
        ("extraArgs", ["--namespace-label=team x"]),
        ("evaluator.url", "http://engine.llm:8000/v1"),
        ("serviceAccount", {"create": False, "name": "earlystop.operator"}),
    ],
)
def test_a_value_as_people_write_it_is_taken(path: str, value: object) -> None:
    assert "kind: Deployment" in rendered(path, value)


@pytest.mark.parametrize("release", ["my.release", "1st"])
def test_a_release_whose_services_no_api_server_takes_is_refused_until_it_names_them(release: str) -> None:
    told = rf"(?s)Nothing was changed.*/fullnameOverride: release {release} would have"
    with pytest.raises(ClusterError, match=told):
        helm("template", release, str(CHART), "--kube-version=1.30")
    text = helm("template", release, str(CHART), "--kube-version=1.30", "--set=fullnameOverride=earlystop")
    assert named(text, "Service", "earlystop-metrics")["metadata"]["labels"]["app.kubernetes.io/instance"] == release


@pytest.mark.parametrize("path", ["extraEnv", "evaluator.extraEnv"])
def test_a_variable_that_is_there_twice_is_refused(path: str) -> None:
    with pytest.raises(ClusterError, match=f"/{path.replace('.', '/')}: A is there twice"):
        rendered(path, [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "A", "value": "2"}])


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_"])
def test_a_variable_that_the_chart_sets_too_is_the_one_that_people_write(name: str) -> None:
    text = rendered("extraEnv", [{"name": name, "value": "4"}])
    (container,) = named(text, "Deployment", "earlystop")["spec"]["template"]["spec"]["containers"]
    assert [each for each in container["env"] if each["name"] == name] == [{"name": name, "value": "4"}]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resources.requests", {"cpu": 0, "memory": "1e9", "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"}),
        ("resources.limits", {"cpu": ".5", "ephemeral-storage": "1.5Gi"}),
        ("podSecurityContext", {"runAsUser": 1000650000, "fsGroup": 5, "fsGroupChangePolicy": "OnRootMismatch"}),
        ("tolerations", [{"operator": "Exists"}]),
        ("nodeSelector", {"node-role.kubernetes.io/infra": ""}),
    ],
)
def test_what_an_api_server_takes_is_taken(path: str, value: object) -> None:
    assert rendered(path, value)
