"""Who did what when is told from what stays, and from events while they last."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.rollout.record.audit import EVIDENCE, UNKNOWN, audit_entries
from earlystop.rollout.verdict import verdict_object
from tests.unit.rollout.policies import UID
from tests.unit.rollout.record.chains import chain_of
from tests.unit.rollout.states import REACHED

Manifest = dict[str, Any]


def verdict_of(name: str) -> Manifest:
    found: Manifest = json.loads(json.dumps(verdict_object("qa", "llm", UID, REACHED[name])))
    return found


def test_a_decision_of_a_person_names_the_person_and_one_of_the_evidence_nobody() -> None:
    (by_person,) = audit_entries("qa", [verdict_of("promoted by request")])
    assert (by_person.who, by_person.what) == ("user alice", "Promote") and "PromotedByPerson" in by_person.told
    (proven,) = audit_entries("qa", [verdict_of("promoted")])
    assert proven.who == EVIDENCE
    (late,) = audit_entries("qa", [verdict_of("rolled back without metrics")])
    assert late.who == "the policy's limits"


def test_people_who_approved_are_named() -> None:
    verdict = verdict_of("promoted")
    verdict["spec"]["approvedBy"] = ["user bob"]
    (entry,) = audit_entries("qa", [verdict])
    assert entry.told.endswith("Approved by user bob.")


def test_who_rejected_a_promotion_is_named_and_nobody_where_nobody_answered() -> None:
    (rejected,) = audit_entries("qa", [verdict_of("rejected")])
    assert (rejected.who, rejected.what) == ("user bob@example.org", "RollBack")
    (late,) = audit_entries("qa", [verdict_of("approved by nobody")])
    assert late.who == "the policy's limits"


@pytest.mark.parametrize(
    ("reason", "who"),
    [
        ("GateClosed", "a gate"),
        ("GateTimedOut", "the policy's limits"),
        ("CertificateLapsed", "a lapsed certificate"),
        ("GuardAlarm", EVIDENCE),
        ("SteppedBack", EVIDENCE),
        ("HarmfulInEveryClass", EVIDENCE),
    ],
)
def test_what_a_gate_or_a_lapse_has_ended_is_not_said_to_be_by_the_evidence(reason: str, who: str) -> None:
    verdict = verdict_of("rolled back without metrics")
    verdict["spec"]["reason"] = reason
    (entry,) = audit_entries("qa", [verdict])
    assert entry.who == who


def test_campaigns_that_an_edit_closed_are_told_from_verdicts_alone() -> None:
    first, second, third = chain_of(3)
    closed = [each for each in audit_entries("qa", [third, first]) if each.what == "NoVerdict"]
    assert [each.told for each in closed] == [
        "Campaign 2 ended without a verdict that is still there, before campaign 3."
    ]
    assert not [each for each in audit_entries("qa", [first, second, third]) if each.what == "NoVerdict"]


def test_events_tell_who_asked_and_the_spec_who_wrote_it_last() -> None:
    def event(reason: str, message: str, at: str) -> Manifest:
        return {"reason": reason, "message": message, "lastTimestamp": at, "metadata": {"name": reason.lower()}}

    events = [
        event("Suspended", "Asked for by user alice: Suspended at step 1.", "2030-01-01T00:00:02Z"),
        event("RequestRefused", "Harm is shown. Nothing is done. Asked for by user bob.", "2030-01-01T00:00:03Z"),
        event("StepAdvanced", "The weight is raised.", "2030-01-01T00:00:04Z"),
        event("CampaignStarted", "Campaign 1 tries window 10.", "2030-01-01T00:00:01Z"),
    ]
    fields = {"manager": "argocd-controller", "time": "2030-01-01T00:00:05Z", "fieldsV1": {"f:spec": {}}}
    status = {**fields, "subresource": "status"}
    policy = {"metadata": {"name": "qa", "managedFields": [fields, status, None]}}
    found = [(each.what, each.who) for each in audit_entries("qa", [], events, [policy])]
    assert found == [
        ("CampaignStarted", UNKNOWN),
        ("Suspended", "user alice"),
        ("RequestRefused", "user bob"),
        ("Edited", "field manager argocd-controller, name not verified"),
    ]


def test_each_approval_is_told_with_what_became_of_it() -> None:
    def approval(name: str, at: str, reason: str = "", **spec: str) -> Manifest:
        said = [{"type": "Counted", "status": "False", "reason": reason, "message": "Answer anew."}]
        return {
            "metadata": {"name": name, "creationTimestamp": at},
            "spec": {"answer": "Approve", "by": "bob", "decisionDigest": "sha256:0f", **spec},
            **({"status": {"conditions": said}} if reason else {}),
        }

    given = [
        approval("late", "2030-01-01T00:00:02Z", "NotProposed", comment="seen"),
        approval("first", "2030-01-01T00:00:01Z", "Counted", answer="Reject", by="alice"),
        approval("new", "2030-01-01T00:00:03Z"),
        {"metadata": {}, "spec": {"answer": 1}},
    ]
    found = audit_entries("qa", [], (), (), given)
    assert [(each.what, each.who, each.source) for each in found] == [
        ("Reject", "user alice", "EarlyStopApproval first"),
        ("Approve", "user bob", "EarlyStopApproval late"),
        ("Approve", "user bob", "EarlyStopApproval new"),
    ]
    assert found[0].told.startswith("Counted: ") and found[2].told.startswith("Nobody has said yet")
    assert found[1].told == 'NotProposed: Answer anew. Of the decision with the digest sha256:0f. Comment: "seen".'


def test_what_is_no_verdict_is_left_out() -> None:
    broken: list[Manifest] = [{}, {"spec": None}, {"spec": {"at": "x"}}]
    assert audit_entries("qa", broken, [{}], [{}]) == []


@pytest.mark.parametrize(
    ("message", "who"),
    [
        (
            "Rolled back: window=5 (baseline window=40). Decided: Asked for by field manager kubectl, name not "
            "verified: the campaign is aborted, after its decision Promote (NonInferiorAndSaving), "
            "and all requests go to the baseline.",
            "field manager kubectl, name not verified",
        ),
        ("Asked for by user system:serviceaccount:ci:bot: w5 is promoted now.", "user system:serviceaccount:ci:bot"),
        ("Nothing is done. Asked for by user a@example.com.", "user a@example.com"),
        ("Promoted: window=5. Decided: w5 is proven.", EVIDENCE),
        ("Promoted: note=a: Asked for by user root: b. Decided: w5 is proven.", UNKNOWN),
    ],
)
def test_who_asked_is_named_alone_wherever_the_sentence_of_an_event_says_it(message: str, who: str) -> None:
    event = {
        "metadata": {"name": "e"},
        "reason": "Promoted",
        "message": message,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    assert [each.who for each in audit_entries("qa", [], [event])] == [who]
