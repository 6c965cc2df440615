"""Looks of a promoted campaign that stand in the verdict of its decision alone: a status is kept for months, and has no
room for what never changes again.

A status says of them that they were recorded, and by which decision. Whoever goes on from it reads the verdict first.
Where that is gone, a guard watches on all the same: it needs none of them. What was known of them stays in the status,
and a later decision of the campaign is recorded without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from earlystop.api.counts import Look
from earlystop.api.look_table import Rows
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.engine import replay
from earlystop.rollout.class_settings import replayed
from earlystop.rollout.state import Comparison, RolloutState
from earlystop.rollout.stored.class_codec import class_texts
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.plan_reference import plan_recorded, with_plan
from earlystop.rollout.stored.records import pack_records
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.verdict import digest_of

Status = dict[str, Any]


def with_looks(state: RolloutState, verdict: Mapping[str, Any] | None) -> RolloutState:
    """A state that lacks its looks, with those of the verdict of its decision, and with what else stands there alone:
    who approved what, and the digest of the verdict before. verdict: the object, None where there is none.

    Raises ValueError, with what is wrong with the verdict as the end of a sentence.
    """
    if verdict is None:
        raise ValueError("is not there")
    spec = verdict.get("spec")
    if state.recorded is None or not isinstance(spec, Mapping) or digest_of(dict(spec)) != state.recorded.digest:
        raise ValueError("is not the one that was stored")
    try:
        record = VerdictSpec.model_validate(spec)
        rows = {record.candidate: record.looks, **{each.candidate: each.looks for each in record.others}}
        of_classes = {(each.candidate, each.query_class): each.looks for each in record.classes or ()}
        whole = [_filled(each, rows[each.name], of_classes) for each in state.comparisons]
    except (ValueError, KeyError) as error:
        raise ValueError(f"cannot be read by this release ({error})") from None
    assert state.decision is not None  # one is recorded
    asked = record.proposal_digest or ""
    return replace(
        state,
        recorded=None,
        comparisons=replayed(state.pinned_plan, whole),
        decision=replace(state.decision, proposal=asked, approved_by=record.approved_by),
        previous_digest=record.previous,
    )


def status_with_looks(status: Status, verdict: Mapping[str, Any] | None) -> Status:
    """A whole status in JSON whose looks are recorded, with them, as if they had stayed in it. The same status where
    nothing is missing. Raises ValueError as `with_looks` and `from_status`."""
    if "recorded" not in (status.get("internal") or {}):
        return status
    status = with_plan(status, None, plan_recorded(verdict))
    state = from_status(status)[0]
    if not state.lacks_looks:
        return status
    found = with_looks(state, verdict)
    beside = found.pinned_plan.incumbent is not None
    looks = pack_records([each.looks for each in found.comparisons], beside=beside)
    class_looks, _ = class_texts(found.comparisons)
    kept = {name: value for name, value in status["internal"].items() if name != "recorded"}
    of_classes = {} if class_looks is None else {"classLooks": class_looks}
    assert found.decision is not None  # it is recorded
    told = {"proposalDigest": found.decision.proposal, "approvedBy": list(found.decision.approved_by)}
    decision = {**status["decision"], **{name: value for name, value in told.items() if value}}
    internal = {**kept, "looks": looks, **of_classes}
    return {**status, "decision": decision, "previousDigest": found.previous_digest, "internal": internal}


def _filled(comparison: Comparison, rows: Rows, of_classes: Mapping[tuple[str, str], Rows]) -> Comparison:
    """A comparison with its looks, and its classes with theirs, whose evidence is left as it is."""
    objective = comparison.evidence.objective
    looks = [Look.from_row(list(row), by_users=objective.by_users) for row in rows]
    parts = tuple(
        replace(
            part, looks=CompressedLooks([Look.from_row(list(row)) for row in of_classes[comparison.name, part.name]])
        )
        for part in comparison.by_class
    )
    return replace(comparison, evidence=replay(objective, looks), looks=CompressedLooks(tuple(looks)), by_class=parts)
