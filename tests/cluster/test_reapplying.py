"""A file that did not change changes nothing, however it is applied and compared; what is not built is refused."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from earlystop.api.modes import built_modes
from earlystop.api.unbuilt import UnbuiltPart, unbuilt_parts
from earlystop.api.wire import GROUP
from earlystop.cli.files.yaml_values import SAFE_LOADER
from earlystop.controller.cluster import POLICIES
from earlystop.rollout.stored.status_codec import to_status
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest, changed, policy
from tests.cluster.refusing import refusal
from tests.cluster.signing import APPLIES, signed
from tests.unit.rollout.states import REACHED, TIMES

ROOT = Path(__file__).parents[2]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
UNBUILT: dict[str, Any] = {
    "delivery.mode": "MeshHeader",
    "metrics.preset": "EnvoyAIGateway",
}
PARTS = {".".join(part.path): part for part in unbuilt_parts()}


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


def example_policies(namespace: str) -> list[Manifest]:
    """Every policy of the examples, and one with as little written as the kinds allow."""
    files = sorted((ROOT / "manifests" / "examples").glob("*.yaml"))
    found = [each for path in files for each in yaml.load_all(signed(path.read_text()), Loader=SAFE_LOADER) if each]
    policies = [each for each in found if each["kind"] == "EarlyStopPolicy"]
    return [{**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in policies] + [
        policy(namespace, "little")
    ]


def three_way_merge(last_applied: Any, file: Any, live: Any) -> dict[str, Any]:
    """The JSON merge patch by which a client-side three-way merge makes `live` what `file` says: lists as a whole."""
    patch: dict[str, Any] = {name: None for name in last_applied if name not in file and name in live}
    for name, value in file.items():
        if isinstance(value, dict) and isinstance(live.get(name), dict):
            deeper = three_way_merge(last_applied.get(name) or {}, value, live[name])
            patch |= {name: deeper} if deeper else {}
        elif live.get(name) != value:
            patch[name] = value
    return patch


def test_a_policy_that_is_applied_again_is_unchanged_by_every_way_to_compare(cluster: Cluster, namespace: str) -> None:
    policies = example_policies(namespace)
    assert len(policies) >= 5
    file = json.dumps({"apiVersion": "v1", "kind": "List", "items": policies})
    where, names = f"--namespace={namespace}", [each["metadata"]["name"] for each in policies]
    apply = ("apply", where, "--filename=-")
    cluster.access.kubectl(*apply, input=file)
    again = cluster.access.kubectl(*apply, input=file)
    assert again.splitlines() == [f"earlystoppolicy.earlystop.dev/{name} unchanged" for name in names]
    assert cluster.access.kubectl("diff", where, "--filename=-", input=file) == ""
    for written in policies:
        live = cluster.access.get(f"esp/{written['metadata']['name']}", where)
        last_applied = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
        assert three_way_merge(last_applied["spec"], written["spec"], live["spec"]) == {}
        assert live["metadata"]["generation"] == 1


def test_a_policy_that_is_applied_again_by_the_server_is_unchanged(cluster: Cluster, namespace: str) -> None:
    file = json.dumps({"apiVersion": "v1", "kind": "List", "items": example_policies(namespace)})
    where = f"--namespace={namespace}"
    apply = ("apply", "--server-side", "--field-manager=delivery", where, "--filename=-")
    cluster.access.kubectl(*apply, input=file)
    before = {each["metadata"]["name"]: each["metadata"] for each in cluster.access.get("esp", where)["items"]}
    cluster.access.kubectl(*apply, input=file)
    cluster.access.kubectl(*apply[:2], "--field-manager=another", *apply[3:], input=file)  # nobody is in conflict
    assert cluster.access.kubectl("diff", *apply[1:], input=file) == ""
    after = {each["metadata"]["name"]: each["metadata"] for each in cluster.access.get("esp", where)["items"]}
    assert {name: each["generation"] for name, each in after.items()} == dict.fromkeys(before, 1)


def without_what_git_does_not_write(live: Any, last_applied: Any) -> Any:
    """Of the live object what was applied once, as gitops-engine's `RemoveMapFields`: no other field is drift."""
    if isinstance(live, dict) and isinstance(last_applied, dict):
        kept = {name: value for name, value in live.items() if name in last_applied}
        return {name: without_what_git_does_not_write(value, last_applied[name]) for name, value in kept.items()}
    if isinstance(live, list) and isinstance(last_applied, list):
        paired = [without_what_git_does_not_write(*pair) for pair in zip(live, last_applied, strict=False)]
        return [*paired, *live[len(paired) :]]
    return live


def without_empty_annotations(last_applied: Manifest) -> Manifest:
    """As gitops-engine's `removeNamespaceAnnotation`: kubectl notes `annotations: {}` also for a file without any."""
    found = last_applied["metadata"]
    kept = {name: value for name, value in found.items() if value or name != "annotations"}
    return {**last_applied, "metadata": kept}


def test_in_no_phase_is_a_policy_out_of_sync_with_its_file_as_argo_cd_and_flux_compare(
    cluster: Cluster, namespace: str
) -> None:
    states = {"-".join(re.findall("[a-z0-9]+", name)): state for name, state in REACHED.items()}
    files = [policy(namespace, name) for name in states]
    list_of = json.dumps({"apiVersion": "v1", "kind": "List", "items": files})
    where = f"--namespace={namespace}"
    cluster.access.kubectl("apply", where, "--filename=-", input=list_of)
    paused = {f"{GROUP}/{verb}": text for verb, text in (("suspend-by", f"{APPLIES} for true"), ("retry", "again"))}
    for name, state in states.items():
        uid = cluster.access.read(POLICIES, namespace, name)["metadata"]["uid"]
        status = {"status": to_status(name, uid, TIMES, state, "")}
        assert cluster.access.write("PATCH", POLICIES, namespace, f"{name}/status", status) == 200, name
        by_a_person = {"metadata": {"annotations": paused}, "spec": {"suspend": True}}
        assert cluster.access.write("PATCH", POLICIES, namespace, name, by_a_person) == 200, name
    lives = {name: cluster.access.read(POLICIES, namespace, name) for name in states}
    for written in files:
        live = lives[written["metadata"]["name"]]
        # Argo CD's default: a three-way merge of the last-applied annotation, the file and the cluster.
        last_applied = without_empty_annotations(json.loads(live["metadata"]["annotations"][LAST_APPLIED]))
        merge = three_way_merge(last_applied, written, without_what_git_does_not_write(live, last_applied))
        assert merge == {}, (written["metadata"]["name"], merge)
    # Flux, and Argo CD's server-side diff: an apply that the server tries, compared with what is there.
    for manager in ("kustomize-controller", "argocd-controller"):
        options = ("--server-side", "--dry-run=server", "--force-conflicts", f"--field-manager={manager}")
        tried = cluster.access.kubectl("apply", where, *options, "--filename=-", "--output=json", input=list_of)
        found = {each["metadata"]["name"]: each for each in json.loads(tried)["items"]}
        assert found.keys() == states.keys() and len(found) > 40
        for name, live in lives.items():
            assert {**found[name], "metadata": None, "status": None} == {**live, "metadata": None, "status": None}, name
            for part in ("labels", "annotations"):
                assert found[name]["metadata"].get(part) == live["metadata"].get(part), (name, part)


@pytest.mark.parametrize("pinned", [False, True])
def test_a_server_side_apply_that_empties_the_baselines_values_is_taken_as_it_is_written(
    cluster: Cluster, namespace: str, pinned: bool
) -> None:
    (emptied,) = (each for each in example_policies(namespace) if each["metadata"]["name"] == "qwen-cap")
    earlier, values = copy.deepcopy(emptied), [{"name": "cap", "value": "4096"}]
    for each, written in ((earlier, values), (emptied, [])):
        each["spec"]["baseline"] = {"values": written} | ({"pinned": {"values": written}} if pinned else {})
        apply = ("apply", "--server-side", "--field-manager=delivery", f"--namespace={namespace}", "--filename=-")
        cluster.access.kubectl(*apply, input=json.dumps(each))
    baseline = cluster.access.get("esp/qwen-cap", f"--namespace={namespace}")["spec"]["baseline"]
    assert baseline == {"values": []} | ({"pinned": {"values": [], "promotions": 2}} if pinned else {})


@pytest.mark.parametrize("path", PARTS)
def test_what_is_not_built_is_refused_by_the_api_server_in_the_operators_words(cluster: Cluster, path: str) -> None:
    part = PARTS[path]
    wrong = policy()
    wrong = changed(wrong, f"spec.{path}", UNBUILT[path])
    # The API server ends its own sentence.
    assert says(part, wrong).removesuffix(".") in refusal(cluster, wrong)


def says(part: UnbuiltPart, manifest: Manifest) -> str:
    sentence = part.refuses(manifest["spec"])
    assert sentence is not None
    return sentence


def test_kubectl_explains_nothing_as_working_that_is_not(cluster: Cluster) -> None:
    mode = cluster.access.kubectl("explain", "esp.spec.delivery.mode")
    assert all(each in mode for each in built_modes())
    preset = " ".join(cluster.access.kubectl("explain", "esp.spec.metrics.preset").split())
    assert "EnvoyAIGateway" not in preset and "no objective can be judged by them alone" in preset
