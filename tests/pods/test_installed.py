"""From `helm install` to `helm uninstall`, with real Pods: what people are promised of an installation.

The tests of this file look at one story, which is played once: a policy is rolled back, another promoted while the
operator's Pod is killed, the release is upgraded and in the end uninstalled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from earlystop.controller.cluster import DEFINITIONS, DEPLOYMENTS, POLICIES, VERDICTS
from tests.cluster.packaging import CHART
from tests.cluster.processes import wait_until
from tests.e2e.proof import weights
from tests.pods.installation import RELEASE, RELEASE_NAMESPACE, TEAM, VERDICT_SECONDS, Installation

PATIENT, HASTY = "patient", "hasty"
DEFINITION, VERSION_LABEL = "earlystoppolicies.earlystop.dev", "app.kubernetes.io/version"
ALL_TO_CANDIDATE = {(0, 100)}


@dataclass
class Story:
    """What was seen at each turn. summaries: those of the load, by what happened under it; overlays: the route of the
    promoted policy, by when it was read."""

    notes: str = ""
    tested: str = ""
    killed_at: dict[str, Any] = field(default_factory=dict)
    pods: list[dict[str, str]] = field(default_factory=list)
    phases: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    overlays: dict[str, dict[str, Any]] = field(default_factory=dict)
    uninstalled: str = ""


@pytest.fixture(scope="module")
def story(installation: Installation) -> Story:
    """The whole story. A turn that does not come within its time fails every test."""
    told = Story(notes=installation.helm("get notes"), tested=installation.helm("test", "--timeout=2m"))
    with installation.load() as told.summaries["rollouts"]:
        _roll_back(installation, told)
        _promote_while_the_operator_is_killed(installation, told)
        # The overlay says it first; the gateway follows a moment later.
        wait_until(lambda: _only_candidate(installation.ask(1, rate=50)), 30, "the gateway to follow the promotion")
    with installation.load() as told.summaries["upgrade"]:
        _upgrade(installation, told)
    _uninstall(installation, told)
    return told


def _roll_back(installation: Installation, told: Story) -> None:
    installation.apply_policy(HASTY, 1, "0.01", (50,))
    installation.wait_for(HASTY, _ended, VERDICT_SECONDS, f"{HASTY} to end")
    told.phases[HASTY] = installation.status(HASTY)["phase"]
    wait_until(lambda: HASTY in installation.verdicts(), 30, f"the verdict on {HASTY}")
    installation.delete_policy(HASTY)


def _promote_while_the_operator_is_killed(installation: Installation, told: Story) -> None:
    installation.apply_policy(PATIENT, 5, "0.02", (25, 50))
    installation.wait_for(
        PATIENT, lambda status: status.get("weight", 0) >= 25, VERDICT_SECONDS, "25 % for a candidate"
    )
    told.killed_at = installation.status(PATIENT)
    told.pods.append(installation.operator_pods())
    installation.kill_operator()
    told.pods.append(installation.operator_pods())
    installation.wait_for(PATIENT, _ended, VERDICT_SECONDS, f"{PATIENT} to end")
    told.phases[PATIENT] = installation.status(PATIENT)["phase"]
    wait_until(lambda: PATIENT in installation.verdicts(), 30, f"the verdict on {PATIENT}")
    told.decisions = installation.verdicts()


def _upgrade(installation: Installation, told: Story) -> None:
    told.overlays["before the upgrade"] = _overlay(installation)
    told.pods.append(installation.operator_pods())
    # As an older release would have left it.
    installation.plane.kubectl("label", "crd", DEFINITION, f"{VERSION_LABEL}=0.0.9", "--overwrite")
    installation.helm("upgrade", str(CHART), "--reuse-values", "--set=logLevel=DEBUG", "--wait", "--timeout=3m")
    told.pods.append(installation.operator_pods())
    # The only policy: what the new Pod would move, it has moved by then.
    wait_until(lambda: installation.reconciliations() > 0, 60, "the new Pod to reconcile the policy")
    told.overlays["after the upgrade"] = _overlay(installation)


def _uninstall(installation: Installation, told: Story) -> None:
    told.uninstalled = installation.helm("uninstall", "--wait", "--timeout=2m")
    wait_until(lambda: not installation.operator_pods(), 60, "the operator's Pods to go")
    told.overlays["after the uninstallation"] = _overlay(installation)
    told.summaries["nobody"] = installation.ask(6)


def _ended(status: dict[str, Any]) -> bool:
    return status.get("phase") in ("Promoted", "RolledBack", "Held")


def _only_candidate(summary: dict[str, Any]) -> bool:
    return set(summary["variants"]) == {"candidate"}


def _overlay(installation: Installation) -> dict[str, Any]:
    overlay = installation.overlay(PATIENT)
    assert overlay is not None
    return overlay


def test_a_policy_that_was_applied_by_kubectl_is_promoted_and_a_harmful_one_is_rolled_back(story: Story) -> None:
    assert story.phases == {PATIENT: "Promoted", HASTY: "RolledBack"}
    assert story.decisions == {PATIENT: "Promote", HASTY: "RollBack"}


def test_the_operators_pod_was_killed_in_the_middle_of_the_rollout_that_was_promoted(story: Story) -> None:
    assert not _ended(story.killed_at) and 25 <= story.killed_at["weight"] < 100
    assert story.pods[0].keys().isdisjoint(story.pods[1])


def test_no_request_of_a_client_failed_in_all_that(story: Story) -> None:
    for name, summary in story.summaries.items():
        assert summary["ok"] > 100 and not summary["failed"], (name, summary)


def test_an_upgrade_that_starts_the_operator_anew_moves_no_traffic(story: Story) -> None:
    assert story.pods[2].keys().isdisjoint(story.pods[3])
    before, after = story.overlays["before the upgrade"], story.overlays["after the upgrade"]
    assert weights(before) == ALL_TO_CANDIDATE
    assert before["spec"] == after["spec"] and before["metadata"]["uid"] == after["metadata"]["uid"]
    assert _only_candidate(story.summaries["upgrade"])


def test_an_upgrade_brings_its_own_newer_definitions(installation: Installation, story: Story) -> None:
    definition = installation.plane.read(DEFINITIONS, None, DEFINITION)
    assert story.uninstalled and definition["metadata"]["labels"][VERSION_LABEL] == "0.1.0"


def test_the_releases_own_test_passes(story: Story) -> None:
    assert "Phase:          Succeeded" in story.tested, story.tested


def test_uninstalling_keeps_definitions_policies_verdicts_and_what_was_promoted_and_said_so_before(
    installation: Installation, story: Story
) -> None:
    plane = installation.plane
    assert plane.find(DEPLOYMENTS, RELEASE_NAMESPACE, RELEASE) is None
    kept = {each["metadata"]["name"] for each in plane.items(DEFINITIONS)}
    assert kept >= {f"{kind}.earlystop.dev" for kind in ("earlystoppolicies", "earlystopverdicts", "metricsources")}
    assert "kept due to the resource policy" in story.uninstalled
    assert [each["metadata"]["name"] for each in plane.items(POLICIES, TEAM)] == [PATIENT]
    assert {each["spec"]["policy"] for each in plane.items(VERDICTS, TEAM)} == {PATIENT, HASTY}
    assert weights(story.overlays["after the uninstallation"]) == ALL_TO_CANDIDATE
    assert _only_candidate(story.summaries["nobody"])
    assert "A promoted setting stays in force" in " ".join(story.notes.split())
