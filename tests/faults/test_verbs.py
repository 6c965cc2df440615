"""People meddle: pause, resume, abort, retry and promote, by real users on a real API server, under load."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from earlystop.controller.cluster import APPROVALS
from earlystop.rollout.verify.verdict import differences
from tests.cluster.errors import ClusterError
from tests.cluster.processes import wait_until
from tests.e2e.proof import Manifest, assert_weights_were_always_valid, only_verdict, share_alone, tolerance, wait_share
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import phase_is
from tests.e2e.watching import Following
from tests.faults.people import Person, person
from tests.faults.policies import apply_lasting, apply_quick
from tests.faults.reconciling import reconciliations, wait_reconciled

GROUPS = ("--as-group=system:masters", "--as-group=system:authenticated")


@pytest.fixture(scope="module")
def alice(stage: Stage) -> Person:
    """Holds the role `edit` in the stage's namespace, which the chart's role is aggregated to."""
    return person(stage, "alice", "edit")


@pytest.fixture(scope="module")
def victor(stage: Stage) -> Person:
    """May look, and no more."""
    return person(stage, "victor", "view")


@pytest.fixture
def lasting(stage: Stage, watched: Following, load: None, no_policy_left: None) -> Iterator[str]:
    """A rollout that would be watched for hours, under a name of its own: verdicts outlive their policy."""
    name = f"verbs-{uuid.uuid4().hex[:6]}"
    apply_lasting(stage, name)
    watched.wait_status(name, phase_is("Observing"), 60, "observed")
    yield name
    assert_weights_were_always_valid(watched.overlays(name))


def notes(stage: Stage, policy: str, reason: str) -> list[str]:
    return [note for found, note in stage.events(policy) if found == reason]


def annotate(stage: Stage, policy: str, *more: str, **values: str) -> None:
    """Annotations as a GitOps controller applies them, without a signature unless one is among the values."""
    pairs = [f"earlystop.dev/{name}={value}" for name, value in values.items()]
    where = (f"--namespace={stage.namespace}", "--overwrite", "--field-manager=gitops-controller")
    stage.access.kubectl("annotate", f"esp/{policy}", *pairs, *where, *more)


def test_an_abort_reaches_weight_0_on_the_route_and_its_verdict_says_who(
    stage: Stage, watched: Following, alice: Person, lasting: str
) -> None:
    assert share_alone(stage, "candidate") == pytest.approx(0.5, abs=tolerance(0.5))
    output = alice.does("abort", lasting, "--wait")
    assert "is aborted: all requests go to the baseline" in output and "is RolledBack" in output
    assert watched.weight(lasting) == 0
    wait_share(stage, "candidate", 0.0)
    spec = only_verdict(stage, lasting)["spec"]
    assert (spec["decision"], spec["reason"]) == ("RollBack", "Aborted")
    assert spec["requestedBy"] == f"user {alice.user}"
    wait_until(lambda: alice.user in "".join(notes(stage, lasting, "RolledBack")[-1:]), 10, "the event to name her")
    assert "rolled back already" in alice.does("abort", lasting)
    assert f"was asked for by user {alice.user}" in alice.does(
        "verify", stage.policy(lasting)["status"]["decision"]["name"]
    )


def test_an_abort_works_while_paused(stage: Stage, watched: Following, alice: Person, lasting: str) -> None:
    assert "is paused" in alice.does("pause", lasting, "--wait")
    assert stage.policy(lasting)["status"]["phase"] == "Suspended"
    assert "paused already" in alice.does("pause", lasting)
    alice.does("abort", lasting, "--wait")
    assert watched.weight(lasting) == 0


def test_a_pause_and_its_end_are_told_with_who_asked(stage: Stage, alice: Person, lasting: str) -> None:
    alice.does("pause", lasting, "--wait")
    alice.does("resume", lasting, "--wait")
    assert "is not paused" in alice.does("resume", lasting)
    for reason in ("Suspended", "Resumed"):
        stage.told(lasting, reason, f"Asked for by user {alice.user}: ")


def test_promote_now_gets_all_requests_and_a_verdict_that_says_who_and_what_was_not_proven(
    stage: Stage, watched: Following, alice: Person, lasting: str
) -> None:
    code, output = alice.earlystop("promote", lasting, answer="n\n")
    assert code == 1 and "Not proven: a saving of at least 99 % of the tokens" in output
    assert "annotations" not in stage.policy(lasting)["metadata"]
    output = alice.does("promote", lasting, "--yes", "--wait")
    assert watched.weight(lasting) == 100
    wait_share(stage, "candidate", 1.0)
    spec = only_verdict(stage, lasting)["spec"]
    assert (spec["reason"], spec["requestedBy"]) == ("PromotedByPerson", f"user {alice.user}")
    assert "Not proven at that moment: " in spec["message"]
    assert "certified" not in stage.policy(lasting)["status"]
    assert "promoted its candidate already" in alice.does("promote", lasting, "--yes")
    # And back.
    alice.does("abort", lasting, "--wait")
    assert watched.weight(lasting) == 0
    first, second = verdicts_of(stage, lasting)
    assert second["spec"]["previous"] == first["spec"]["digest"] and differences(second["spec"]) == []
    assert second["metadata"]["name"] == f"{first['metadata']['name']}-2"


def verdicts_of(stage: Stage, policy: str) -> list[Manifest]:
    revision = stage.policy(policy)["status"]["revision"]
    found = [each for each in stage.verdicts() if each["spec"]["revision"] == revision]
    return sorted(found, key=lambda each: len(each["metadata"]["name"]))


def test_a_retry_starts_a_campaign_to_which_an_old_abort_does_nothing(
    stage: Stage, watched: Following, alice: Person, lasting: str
) -> None:
    first = stage.policy(lasting)["status"]["revision"]
    annotate(stage, lasting, abort=first)
    watched.wait_status(lasting, phase_is("RolledBack"), 30, "rolled back")
    (verdict,) = verdicts_of(stage, lasting)
    assert verdict["spec"]["requestedBy"] == "field manager gitops-controller, name not verified"
    assert "starts a new campaign" in alice.does("retry", lasting, "--wait")
    stage.told(lasting, "CampaignStarted", f"Asked for by user {alice.user}: ")
    watched.wait_status(lasting, phase_is("Observing"), 60, "observed again")
    for _ in range(3):
        before = reconciliations(stage)
        annotate(stage, lasting, abort=first)
        wait_reconciled(stage, before)
    status = stage.policy(lasting)["status"]
    assert status["phase"] == "Observing" and status["revision"] != first
    assert notes(stage, lasting, "RequestIgnored") == [], "it was carried out, and is no news"


def test_what_cannot_be_done_is_said_and_nothing_is_written(
    stage: Stage, alice: Person, victor: Person, lasting: str
) -> None:
    before = stage.policy(lasting)["metadata"].get("annotations", {})
    code, output = alice.earlystop("abort", "nobody")
    assert code == 1 and f"There is no policy nobody in namespace {stage.namespace}" in output
    code, output = victor.earlystop("abort", lasting)
    assert code == 1 and "cannot patch resource" in output and "as in the role `edit`, is needed" in output
    code, output = alice.earlystop("abort", lasting, "--namespace=kube-system")
    assert code == 1 and "cannot get resource" in output
    code, output = alice.earlystop("promote", lasting, "--yes", "--candidate=w1")
    assert code == 1 and "names the candidate 'w1'; write" in output
    code, output = alice.earlystop("abort", lasting, "--context=nowhere")
    assert code == 1 and "nowhere" in output
    assert stage.policy(lasting)["metadata"].get("annotations", {}) == before
    alice.does("pause", lasting, "--wait")
    code, output = alice.earlystop("promote", lasting, "--yes")
    assert code == 1 and "is paused" in output and "Nothing was asked for" in output


def test_nobody_signs_as_another_towards_a_running_operator(stage: Stage, alice: Person, lasting: str) -> None:
    revision = stage.policy(lasting)["status"]["revision"]
    with pytest.raises(ClusterError, match=r"earlystop\.dev/abort-by is a signature"):
        annotate(stage, lasting, abort=revision, **{"abort-by": f"{alice.user} for {revision}"})
    assert stage.policy(lasting)["status"]["phase"] in ("Observing", "Settling", "Applying")


def server_side_apply(stage: Stage, policy: str, user: str, annotations: dict[str, str]) -> None:
    """As a GitOps controller of its own name does it, as that user."""
    named = {f"earlystop.dev/{name}": value for name, value in annotations.items()}
    metadata = {"name": policy, "namespace": stage.namespace, "annotations": named}
    manifest = {"apiVersion": "earlystop.dev/v1alpha1", "kind": "EarlyStopPolicy", "metadata": metadata}
    how = ("--server-side", "--force-conflicts", f"--field-manager={user}", f"--as={user}", *GROUPS)
    stage.access.kubectl("apply", "--filename=-", *how, input=json.dumps(manifest))


def test_each_persons_request_works_after_any_others_and_is_recorded_as_theirs(
    stage: Stage, watched: Following, alice: Person, lasting: str
) -> None:
    # By the command, after which alice's signature stands there.
    alice.does("pause", lasting, "--wait")
    revision = stage.policy(lasting)["status"]["revision"]
    # Planted by a third, without a signature: refused, and the end of the pause does not carry it out.
    annotate(stage, lasting, "--as=mallory", *GROUPS, promote=revision)
    stage.told(lasting, "RequestRefused")
    patch = '--patch={"spec":{"suspend":false}}'
    what = ("patch", f"esp/{lasting}", f"--namespace={stage.namespace}", "--type=merge", patch)
    stage.access.kubectl(*what, "--as=bob", *GROUPS, "--field-manager=bobs-tool")
    watched.wait_status(lasting, phase_is("Observing"), 60, "observed after bob's patch")
    stage.told(lasting, "Resumed", "Asked for by field manager bobs-tool, name not verified")
    assert stage.verdicts() == [] or all(each["spec"]["policy"] != lasting for each in stage.verdicts())
    # By another's signature, in a server-side apply.
    server_side_apply(stage, lasting, "carol", {"retry": "2", "retry-by": "carol for 2"})
    watched.wait_status(lasting, lambda status: status.get("campaign") == 2, 60, "a second campaign")
    stage.told(lasting, "CampaignStarted", "Asked for by user carol: ")
    watched.wait_status(lasting, phase_is("Observing"), 60, "observed again")
    alice.does("pause", lasting, "--wait")
    alice.does("resume", lasting, "--wait")
    watched.wait_status(lasting, phase_is("Observing"), 60, "observed once more")
    # By kubectl annotate, beside the signatures of all others.
    revision = stage.policy(lasting)["status"]["revision"]
    signed = {"abort-by": f"dave for {revision}"}
    annotate(stage, lasting, "--as=dave", *GROUPS, abort=revision, **signed)
    watched.wait_status(lasting, phase_is("RolledBack"), 60, "rolled back")
    assert only_verdict(stage, lasting)["spec"]["requestedBy"] == "user dave"


@pytest.mark.usefixtures("load", "no_policy_left")
def test_an_abort_takes_a_proven_setting_back_and_its_certificate_with_it(
    stage: Stage, watched: Following, alice: Person
) -> None:
    apply_quick(stage, "proven")
    watched.wait_status("proven", phase_is("Promoted"), 120, "promoted")
    assert stage.policy("proven")["status"]["certified"]
    alice.does("abort", "proven", "--wait")
    assert watched.weight("proven") == 0 and "certified" not in stage.policy("proven")["status"]
    first, second = verdicts_of(stage, "proven")
    assert "after its decision Promote (NonInferiorAndSaving)" in second["spec"]["message"]
    assert second["spec"]["previous"] == first["spec"]["digest"]


@pytest.mark.usefixtures("load", "no_policy_left")
def test_a_proven_setting_waits_until_somebody_who_may_has_approved_it_and_the_verdict_says_who(
    stage: Stage, watched: Following, alice: Person
) -> None:
    ben = person(stage, "ben", "earlystop-approve")
    apply_quick(stage, "asking", spec={"approval": {"mode": "BeforePromotion"}})
    watched.wait_status("asking", lambda status: "awaiting" in status, 120, "waiting for an approval")
    stage.told("asking", "AwaitingApproval", "Waits for an approval. Proposed: all requests get window=10")
    assert watched.weight("asking") == 50 and not verdicts_of(stage, "asking")
    code, output = alice.earlystop("approve", "asking", "--yes")
    assert code == 1 and "as in the role `earlystop-approve`, is needed" in output
    output = ben.does("approve", "asking", "--yes", "--wait", "--comment", "seen")
    assert "is proven to lose less than 10 points of EM (" in output and f"Approved by {ben.user}" in output
    watched.wait_status("asking", phase_is("Promoted"), 60, "promoted")
    spec = only_verdict(stage, "asking")["spec"]
    assert spec["approvedBy"] == [f"user {ben.user}"] and differences(spec) == []
    wait_until(lambda: counted_of(stage) == ["Counted"], 10, "the approval to be told that it counted")


def counted_of(stage: Stage) -> list[str]:
    """What the only approval is told."""
    (approval,) = stage.access.items(APPROVALS, stage.namespace)
    return [each["reason"] for each in approval["status"]["conditions"]]
