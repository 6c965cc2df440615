"""Who did what to policies, and when: from verdicts, which stay, and from events, which last for an hour or so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.approval_kind import COUNTED
from earlystop.rollout.decision import CERTIFICATE_LAPSED
from earlystop.rollout.manual import BY_PERSON
from earlystop.rollout.transitions import NEVER_READY
from earlystop.rollout.trials.budget import TRIAL_GIVEN_UP, TRIAL_REQUESTS_USED
from earlystop.rollout.trials.end_reasons import BUDGET_USED
from earlystop.rollout.waiting.answered import APPROVAL_EXPIRED, PROOF_NOT_REGAINED
from earlystop.rollout.waiting.gate_words import GATE_CLOSED, GATE_TIMED_OUT

Manifest = Mapping[str, Any]
EVIDENCE = "the evidence"
LIMITS = "the policy's limits"
GATE = "a gate"
LAPSE = "a lapsed certificate"
UNKNOWN = "not recorded"
BY_LIMITS = frozenset(
    {
        *("DeadlineExceeded", "NoMetrics", "RecordFull", "QuestionsExhausted"),
        *(NEVER_READY, TRIAL_GIVEN_UP, TRIAL_REQUESTS_USED, BUDGET_USED, APPROVAL_EXPIRED, PROOF_NOT_REGAINED),
        GATE_TIMED_OUT,
    }
)
"""Reasons of decisions that neither a person nor the evidence took."""
BY_OTHERS = {**dict.fromkeys(BY_LIMITS, LIMITS), GATE_CLOSED: GATE, CERTIFICATE_LAPSED: LAPSE}
ASKED = re.compile(
    r"^(?:[A-Z][a-z ]+: [^:]{0,4096} Decided: )?Asked for by (?P<by>.{1,512}?): "
    r"|Asked for by (?P<end>(?:(?!: |\. ).){1,512})\.$"
)
"""Who asked, in the sentence of an event: at its beginning, after what was decided, or at its end. What stands before
it holds no colon: a setting that somebody chose shall name nobody."""
OF_PEOPLE = frozenset(
    {
        "Suspended",
        "Resumed",
        "RequestRefused",
        "RequestIgnored",
        "EvidenceClosed",
        "CampaignStarted",
        "Promoted",
        "RolledBack",
    }
)
"""Events that tell of what somebody asked for, or of what follows from an edit."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that a person or the operator did. at: RFC 3339. who: as it was recorded. what: in one word. told: in a
    sentence. source: the object that says so."""

    at: str
    policy: str
    who: str
    what: str
    told: str
    source: str


def audit_entries(
    policy: str,
    verdicts: Iterable[Manifest],
    events: Iterable[Manifest] = (),
    policies: Iterable[Manifest] = (),
    approvals: Iterable[Manifest] = (),
) -> list[AuditEntry]:
    """What was done to the policies of a name, the earliest first. What cannot be read is left out: `verify --chain`
    names it.

    verdicts, events, policies, approvals: of this name.
    """
    known = sorted(filter(_is_readable, verdicts), key=lambda each: str(each["spec"]["at"]))
    found = [*_decisions(policy, known), *_closed(policy, known)]
    found += [_of_event(policy, each) for each in events if str(each.get("reason", "")) in OF_PEOPLE]
    found += [entry for each in policies for entry in _last_edits(policy, each)]
    found += [_of_approval(policy, each) for each in filter(_is_approval, approvals)]
    return sorted(found, key=lambda each: (each.at, each.what))


def _is_readable(verdict: Manifest) -> bool:
    spec = verdict.get("spec")
    needed = ("at", "decision", "reason", "candidate", "campaign", "policyUid")
    return isinstance(spec, Mapping) and all(name in spec for name in needed) and isinstance(spec["campaign"], int)


def _decisions(policy: str, verdicts: Iterable[Manifest]) -> list[AuditEntry]:
    entries = []
    for each in verdicts:
        spec = each["spec"]
        by_itself = BY_OTHERS.get(str(spec["reason"]), EVIDENCE)
        who = str(spec.get("rejectedBy") or spec.get("requestedBy") or by_itself)
        if spec["reason"] in BY_PERSON and not spec.get("requestedBy"):
            who = UNKNOWN
        agreed = ", ".join(map(str, spec.get("approvedBy") or ()))
        approved = f" Approved by {agreed}." if agreed else ""
        told = f"{spec['decision']} of {spec['candidate']} ({spec['reason']}). {spec.get('message', '')}{approved}"
        entries.append(AuditEntry(str(spec["at"]), policy, who, str(spec["decision"]), told.strip(), _name(each)))
    return entries


def _closed(policy: str, verdicts: Sequence[Manifest]) -> list[AuditEntry]:
    """Campaigns without a verdict before one that has some: an edit or a retry closed them. When, no verdict tells:
    they stand at the moment of the next one."""
    entries = []
    last: dict[str, int] = {}
    for each in verdicts:
        spec, uid = each["spec"], str(each["spec"]["policyUid"])
        closed = range(last.get(uid, 0) + 1, spec["campaign"])
        last[uid] = max(last.get(uid, 0), spec["campaign"])
        if closed:
            which = f"Campaign {closed[0]}" if len(closed) == 1 else f"Campaigns {closed[0]} to {closed[-1]}"
            told = f"{which} ended without a verdict that is still there, before campaign {spec['campaign']}."
            entries.append(AuditEntry(str(spec["at"]), policy, UNKNOWN, "NoVerdict", told, _name(each)))
    return entries


def _of_event(policy: str, event: Manifest) -> AuditEntry:
    message = str(event.get("message", ""))
    found = ASKED.search(message)
    by_evidence = event["reason"] in ("Promoted", "RolledBack") and "Asked for by" not in message
    who = (found["by"] or found["end"]) if found else EVIDENCE if by_evidence else UNKNOWN
    at = event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or ""
    return AuditEntry(str(at), policy, who, str(event["reason"]), message, f"event {_name(event)}")


def _is_approval(approval: Manifest) -> bool:
    spec = approval.get("spec")
    return isinstance(spec, Mapping) and all(isinstance(spec.get(name), str) for name in ("answer", "by"))


def _of_approval(policy: str, approval: Manifest) -> AuditEntry:
    """An answer of a person, and what became of it as its condition says."""
    spec, status = approval["spec"], approval.get("status") or {}
    said = next((each for each in status.get("conditions") or () if each.get("type") == COUNTED), None)
    fate = "Nobody has said yet what became of it." if said is None else f"{said['reason']}: {said.get('message', '')}"
    comment = f' Comment: "{spec["comment"]}".' if spec.get("comment") else ""
    about = f"Of the decision with the digest {spec.get('decisionDigest', '')}."
    at = str((approval.get("metadata") or {}).get("creationTimestamp", ""))
    who, source = f"user {spec['by']}", f"EarlyStopApproval {_name(approval)}"
    return AuditEntry(at, policy, who, str(spec["answer"]), f"{fate} {about}{comment}", source)


def _last_edits(policy: str, manifest: Manifest) -> list[AuditEntry]:
    """The last edit of the spec by each field manager, a name that its writer chose."""
    entries = []
    for each in (manifest.get("metadata") or {}).get("managedFields") or ():
        if not isinstance(each, Mapping) or each.get("subresource") or "f:spec" not in (each.get("fieldsV1") or {}):
            continue
        who = f"field manager {each.get('manager', '')}, name not verified"
        told = "Fields of the spec were last written."
        entries.append(AuditEntry(str(each.get("time", "")), policy, who, "Edited", told, "the policy"))
    return entries


def _name(manifest: Manifest) -> str:
    return str((manifest.get("metadata") or {}).get("name", ""))
