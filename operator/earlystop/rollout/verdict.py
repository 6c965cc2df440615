"""The record of a decision, rendered from the state alone: anyone with the record can recompute it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from earlystop.api.counts import later_columns, later_counts
from earlystop.api.look_table import as_text
from earlystop.api.status.policy import NamedLogE, Remainder, Uncertain
from earlystop.api.values import bounded
from earlystop.api.verdict import OtherCandidate, RecordedLogE, VerdictSpec
from earlystop.api.wire import API_VERSION, DIGEST_ANNOTATION, MANAGED_BY_LABEL, MANAGER, POLICY_LABEL, POLICY_UID_LABEL
from earlystop.evidence.engine import Assessment
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.formatting import in_percent, in_points, rfc3339
from earlystop.rollout.guard.codec import recorded_guard
from earlystop.rollout.pinned_baseline import margin_of
from earlystop.rollout.serving import setting_pairs
from earlystop.rollout.spent_risk import recorded_risk
from earlystop.rollout.state import Comparison, RolloutState, Totals
from earlystop.rollout.stored.class_codec import class_map_entries, class_records
from earlystop.rollout.stored.search_codec import recorded_search
from earlystop.rollout.verdict_columns import columns, guard_columns

LONGEST_NAME = 253  # of an object in Kubernetes
_ROOM = LONGEST_NAME - len("-") - len("-2")
"""Characters of a policy's name and a revision in the name of a first verdict."""


def verdict_name(policy: str, state: RolloutState) -> str:
    """Name of the decision's verdict: the same whenever it is asked for, so that it is never created twice."""
    return later_verdict_name(policy, state.revision, 1 if state.decision is None else state.decision.number)


def later_verdict_name(policy: str, revision: str, number: int) -> str:
    """Name of the verdict of a campaign's decision of this number, from 1. Each is one for Kubernetes: that of the
    tenth decision leaves less of a long policy's name than those before it, whose names are written already."""
    end = f"-{revision}-{number}" if number > 1 else f"-{revision}"
    return bounded(policy, min(LONGEST_NAME - len(end), _ROOM - len(revision))) + end


def first_verdict_name(policy: str, revision: str) -> str:
    """Name of the first verdict of a campaign."""
    return later_verdict_name(policy, revision, 1)


def verdict_spec(policy: str, uid: str, state: RolloutState) -> dict[str, Any]:
    """The verdict's spec for a state with a decision, with its digest."""
    decision, comparison = state.decision, state.leading
    assert decision is not None and comparison is not None  # only a decided campaign has a verdict
    plan, assessment = state.pinned_plan, comparison.assessment
    guard = recorded_guard(state.guard)
    if guard is not None and decision.guard_looks_as_text:
        guard = guard.model_copy(update={"columns": guard_columns(guard, plan)})
    rows = VerdictSpec(
        policy=policy,
        policy_uid=uid,
        campaign=state.campaign,
        revision=state.revision,
        entropy=state.entropy or None,
        decision=decision.verdict.value,
        reason=decision.reason,
        message=decision.message,
        at=rfc3339(decision.at),
        candidate=decision.candidate,
        settings=setting_pairs(plan, comparison, decision),
        plan=plan.text,
        log_e=_log_e(assessment),
        risk=recorded_risk(plan),
        margin=margin_of(state),
        dispersion="" if state.dispersion is None else repr(state.dispersion),
        effect=in_points(assessment.effect),
        saving=in_percent(assessment.saving),
        columns=columns(plan, later_columns(later_counts(look for each in state.comparisons for look in each.looks))),
        looks=_rows(comparison),
        number_of_looks=len(comparison.looks) if decision.looks_as_text else None,
        others=tuple(_other_candidate(each) for each in state.comparisons if each.name != decision.candidate),
        classes=class_records(state.comparisons),
        class_map=class_map_entries(plan, state.comparisons) if decision.reason == BY_CLASS else None,
        uncertain=uncertain_of(state),
        requested_by=decision.requested_by or None,
        search=recorded_search(state),
        guard=guard,
        approved_by=decision.approved_by,
        rejected_by=decision.rejected_by or None,
        proposal_digest=decision.proposal or None,
        previous=state.previous_digest,
        digest="",
    ).wire()
    if decision.guard_looks_as_text:
        rows["guard"] = as_text(rows["guard"])
    record = as_text(rows) if decision.looks_as_text else rows
    return {**record, "digest": digest_of(record)}


def _log_e(assessment: Assessment) -> RecordedLogE:
    return RecordedLogE(
        promote=repr(assessment.log_e_max.promote),
        harm=repr(assessment.log_e_max.harm),
        tokens=repr(assessment.log_e_max.tokens),
        sample_ratio=repr(assessment.log_e_max.sample_ratio),
        attrition=repr(assessment.log_e_max.attrition) if assessment.log_e_max.attrition else None,
        others=tuple(NamedLogE(name=str(claim), value=repr(value)) for claim, value in assessment.log_e_max.others),
    )


def _rows(comparison: Comparison) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(look.row()) for look in comparison.looks)


def _other_candidate(comparison: Comparison) -> OtherCandidate:
    assessment, dropped = comparison.assessment, comparison.dropped
    return OtherCandidate(
        candidate=comparison.name,
        dropped_at_step=dropped.step if dropped else None,
        reason=dropped.reason if dropped else None,
        log_e=_log_e(assessment),
        effect=in_points(assessment.effect),
        saving=in_percent(assessment.saving),
        looks=_rows(comparison),
    )


def uncertain_of(state: RolloutState) -> Uncertain | None:
    """What the counts may have missed, None when nothing. Only one candidate can be counted by counters of others."""
    missed = state.leading.uncertain if state.leading else Totals()
    if not any((*missed.baseline.row(), *missed.candidate.row())):
        return None
    return Uncertain(baseline=Remainder.of(missed.baseline), candidate=Remainder.of(missed.candidate))


def digest_of(spec: dict[str, Any]) -> str:
    """sha256 over the record as canonical JSON, its own digest left out."""
    return "sha256:" + hashlib.sha256(canonical_text(spec).encode()).hexdigest()


def canonical_text(spec: Mapping[str, Any]) -> str:
    """The record as canonical JSON, its own digest left out."""
    content = {key: value for key, value in spec.items() if key != "digest"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def policy_label(policy: str) -> str:
    """The label by which the verdicts of policies of a name are listed. It has room for 63 characters: who lists by it
    looks at `spec.policy` as well."""
    return bounded(policy, 63)


def verdict_object(policy: str, namespace: str, uid: str, state: RolloutState) -> dict[str, Any]:
    """The EarlyStopVerdict. It has no owner: deleting a policy must not erase what was decided."""
    spec = verdict_spec(policy, uid, state)
    return {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopVerdict",
        "metadata": {
            "name": verdict_name(policy, state),
            "namespace": namespace,
            "labels": {POLICY_UID_LABEL: uid, POLICY_LABEL: policy_label(policy), MANAGED_BY_LABEL: MANAGER},
            "annotations": {DIGEST_ANNOTATION: spec["digest"]},
        },
        "spec": spec,
    }
