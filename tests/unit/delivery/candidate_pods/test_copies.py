"""A candidate's Deployment is the target's with one value changed, and nobody else's Service selects its Pods."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.conditions import Refusal
from earlystop.delivery.candidate_pods.deployment import LONGEST_NAME, workload_name
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.preflight import preflight, rendered_or_refusal
from earlystop.delivery.split import TrafficSplit
from tests.unit.delivery.candidate_pods.corpus import CASES, deployment_of, inputs_of, split
from tests.unit.delivery.cluster import running, service
from tests.unit.rollout.policies import examples

REFUSED = [name for name, case in CASES.items() if "refused" in case]
COPIED = [name for name, case in CASES.items() if "becomes" in case]
PLAIN = CASES["a variable"]


def workload(here: ClusterInputs, wanted: TrafficSplit | None = None) -> Manifest:
    """The candidate's Deployment."""
    made = rendered_or_refusal(here, wanted or split())
    assert not isinstance(made, Refusal), made
    return next(each for each in made.objects if each["kind"] == "Deployment")


def pods(deployment: Manifest) -> dict[str, str]:
    """The labels of a Deployment's Pods."""
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


def without_node(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in ("nodeName", "containers")}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_twice_or_set_is_refused_with_what_to_write(name: str) -> None:
    refusal = preflight(inputs_of(CASES[name]), split())
    assert refusal is not None and refusal.reason == CASES[name]["refused"]
    assert refusal.message.endswith(".") and "None" not in refusal.message


@pytest.mark.parametrize("name", COPIED)
def test_a_copy_has_the_candidates_value_and_is_the_target_in_all_else(name: str) -> None:
    case = CASES[name]
    before = deployment_of(case)
    here = inputs_of(case, before)
    kept = copy.deepcopy(before)
    copied = workload(here)["spec"]["template"]["spec"]
    assert before == kept, "the target itself is not touched"
    theirs = case["spec"]
    assert without_node(copied) == without_node(theirs) and "nodeName" not in copied
    for mine, other in zip(copied["containers"], theirs["containers"], strict=True):
        changes = case["becomes"] if other["name"] == "server" else {}
        assert mine == {**other, **changes}


def test_a_corpus_of_deployments_has_more_than_twenty() -> None:
    assert len(REFUSED) > 15 and len(COPIED) > 12


LABELS_OF_PODS = {
    "app": "qa-server",
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/instance": "qa",
    "pod-template-hash": "5d9",
    "azure.workload.identity/use": "true",
    "sidecar.istio.io/inject": "true",
}


@pytest.mark.parametrize("names", [*([each] for each in LABELS_OF_PODS), list(LABELS_OF_PODS)])
def test_no_selector_by_labels_that_the_target_is_selected_by_selects_a_candidates_pod(names: list[str]) -> None:
    selector = {key: LABELS_OF_PODS[key] for key in names}
    target = deployment_of(PLAIN)
    target["spec"]["selector"] = {"matchLabels": selector}
    target["spec"]["template"]["metadata"]["labels"] = dict(LABELS_OF_PODS)
    here = inputs_of(PLAIN, target)
    mine = pods(workload(here))
    assert not all(mine.get(key) == value for key, value in selector.items())
    # Whoever selects the target's Pods, by whatever else they have, does not select these unless by what is for
    # identity or a mesh alone.
    assert set(mine) <= {"azure.workload.identity/use", "sidecar.istio.io/inject"} | {
        "earlystop.dev/policy",
        "earlystop.dev/policy-uid",
        "earlystop.dev/workload",
    }


def test_a_candidates_service_selects_its_pods_and_none_of_the_targets() -> None:
    here = inputs_of(PLAIN)
    made = rendered_or_refusal(here, split())
    assert not isinstance(made, Refusal)
    (alias,) = [each for each in made.objects if each["kind"] == "Service"]
    deployment = workload(here)
    selector = alias["spec"]["selector"]
    assert selector == deployment["spec"]["selector"]["matchLabels"]
    assert selector.items() <= pods(deployment).items()
    assert not selector.items() <= deployment_of(PLAIN)["spec"]["template"]["metadata"]["labels"].items()
    assert here.services["qa"]["spec"]["selector"] == service()["spec"]["selector"]


def test_marks_of_tools_that_would_prune_or_roll_the_copy_are_left_out_and_others_kept() -> None:
    target = deployment_of(PLAIN)
    target["spec"]["template"]["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/restartedAt": "now",
        "argocd.argoproj.io/tracking-id": "qa",
        "meta.helm.sh/release-name": "qa",
        "prometheus.io/scrape": "true",
        "checksum/config": "abc",
    }
    made = workload(inputs_of(PLAIN, target))
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    assert {key for key in annotations if not key.startswith("earlystop.dev/")} == {
        "prometheus.io/scrape",
        "checksum/config",
    }
    owners = [(each["kind"], each.get("controller", False)) for each in made["metadata"]["ownerReferences"]]
    assert owners == [("EarlyStopPolicy", True), ("Deployment", False)]


def test_without_the_owners_consent_nothing_is_set_and_nothing_but_what_is_named() -> None:
    for annotation in (None, "", "server/OTHER", "proxy/WINDOW", "WINDOW", "server/WINDOWS", "*"):
        target = deployment_of(PLAIN)
        target["metadata"]["annotations"] = {"earlystop.dev/settable": annotation} if annotation is not None else {}
        refusal = preflight(inputs_of(PLAIN, target), split())
        assert refusal is not None and refusal.reason == "SettingNotAllowed"
        assert '"server/WINDOW"' in refusal.message
    target["metadata"]["annotations"] = {"earlystop.dev/settable": " proxy/X , server/WINDOW"}
    assert preflight(inputs_of(PLAIN, target), split()) is None


def test_where_the_operator_may_run_no_pods_the_policy_is_refused() -> None:
    refusal = preflight(replace(inputs_of(PLAIN), pods=None), split())
    assert refusal is not None and refusal.reason == "WorkloadsNotAllowed" and "workload.namespaces" in refusal.message


def test_no_value_becomes_a_word_that_a_program_takes_for_a_flag() -> None:
    apart = CASES["an argument with its value in the next word"]
    refusal = preflight(inputs_of(apart), split(value="-1"))
    assert refusal is not None and refusal.reason == "SettingUnclear"
    joined = inputs_of(CASES["an argument with its value behind ="])
    container = workload(joined, split(value="-1"))["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][0] == "--window=-1"


def test_pods_are_as_many_as_the_largest_share_of_the_targets_and_never_more() -> None:
    # The steps' largest weight is 50 %, and the target has 4 Pods.
    assert workload(inputs_of(PLAIN))["spec"]["replicas"] == 2
    assert workload(inputs_of(PLAIN, replicas=3))["spec"]["replicas"] == 3
    assert workload(inputs_of(PLAIN, replicas=9))["spec"]["replicas"] == 4
    asleep = deployment_of(PLAIN)
    asleep["spec"]["replicas"] = 0
    assert workload(inputs_of(PLAIN, asleep, replicas=9))["spec"]["replicas"] == 1


def test_an_autoscaler_of_the_candidates_is_not_fought_and_another_campaign_begins_anew() -> None:
    here = inputs_of(PLAIN)
    made = workload(here)
    scaled = running({**made, "spec": {**made["spec"], "replicas": 7}})
    later = here.with_objects([scaled])
    assert workload(later)["spec"]["replicas"] == 7
    assert workload(later, split(revision="9876543210"))["spec"]["replicas"] == 2


@examples
@given(st.text("abcdefghij-", min_size=1, max_size=60), st.text("abcdefghij-", min_size=1, max_size=32))
def test_names_leave_room_for_a_pods_own_ending(target: str, variant: str) -> None:
    assert len(workload_name(target, variant)) <= LONGEST_NAME
    assert workload_name(target, variant) != workload_name(f"{target}b", variant)
