"""Recomputing what a verdict says of the people who answered: the digest that they were asked about, and their part."""

from __future__ import annotations

from typing import Any

from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.state import Verdict
from earlystop.rollout.waiting.answered import APPROVAL_EXPIRED, APPROVAL_REJECTED, PROOF_NOT_REGAINED
from earlystop.rollout.waiting.approval import recorded_digest


def approval_differences(record: VerdictSpec, spec: dict[str, Any]) -> list[str]:
    """Where the answers in a record do not fit its decision, one sentence each. Whether anybody had to agree, a record
    does not tell: the policy may change that under way. spec: the record as it is stored."""
    problems = []
    favourable = Verdict(record.decision) in (Verdict.PROMOTE, Verdict.RECOMMEND)
    if record.approved_by and not favourable:
        problems.append(f"The record names people who agreed, but its decision is {record.decision}.")
    if len(set(record.approved_by)) < len(record.approved_by):
        problems.append("The record names a person twice who agreed.")
    if (record.reason == APPROVAL_REJECTED) != bool(record.rejected_by):
        problems.append(f"The record's reason is {record.reason}, which does not fit who rejected it.")
    answered = bool(record.approved_by) or record.reason in (APPROVAL_REJECTED, APPROVAL_EXPIRED)
    by_people_or_gates = record.reason == PROOF_NOT_REGAINED
    if answered != bool(record.proposal_digest) and not by_people_or_gates:
        problems.append("The record does not name what people were asked exactly where people were.")
    elif record.approved_by and record.proposal_digest != recorded_digest(spec):
        problems.append("The people who agreed were asked about another decision than the one in the record.")
    return problems
