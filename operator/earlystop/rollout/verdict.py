"""The record of a decision, rendered from the state alone: anyone with the record can recompute it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from earlystop.api.counts import TALLY_FIELDS, ClassAnswers, Variant
from earlystop.api.status import NamedLogE, Remainder, Uncertain
from earlystop.api.values import API_VERSION, bounded
from earlystop.api.verdict import LogE, SettingPair, VerdictSpec
from earlystop.evidence.engine import assess
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.state import RolloutState, Verdict
from earlystop.rollout.wording import in_percent, in_points, rfc3339

COLUMNS = (
    "at",
    "step",
    "weight",
    *(f"{variant}.{name}" for variant in (Variant.BASELINE, Variant.CANDIDATE) for name in TALLY_FIELDS),
)


def columns(plan: Plan) -> tuple[str, ...]:
    """Names of the columns of a look under a plan: four more for each query class, as `baseline.match/multi-hop`."""
    names = [name.replace("_", ".", 1) for name in ClassAnswers._fields]
    return (*COLUMNS, *(f"{name}/{each.name}" for each in plan.objective.classes for name in names))


def verdict_name(policy: str, state: RolloutState) -> str:
    """Name of the campaign's verdict: the same whenever it is asked for, so that it is never created twice."""
    return f"{bounded(policy, 240)}-{state.revision}"


def verdict_spec(policy: str, uid: str, state: RolloutState) -> dict[str, Any]:
    """The verdict's spec for a state with a decision, with its digest."""
    decision, evidence = state.decision, state.evidence
    assert decision is not None and evidence is not None  # only a decided campaign has a verdict
    plan = parse_plan(state.plan)
    found = assess(evidence)
    after = plan.candidate_settings if decision.verdict == Verdict.PROMOTE else plan.baseline_settings
    record = VerdictSpec(
        policy=policy,
        policy_uid=uid,
        campaign=state.campaign,
        revision=state.revision,
        decision=decision.verdict.value,
        reason=decision.reason,
        message=decision.message,
        at=rfc3339(decision.at),
        candidate=plan.candidate,
        settings=tuple(
            SettingPair(name=name, before=value, after=after[name]) for name, value in plan.baseline_settings.items()
        ),
        plan=state.plan,
        log_e=LogE(
            promote=repr(found.log_e_max.promote),
            harm=repr(found.log_e_max.harm),
            tokens=repr(found.log_e_max.tokens),
            sample_ratio=repr(found.log_e_max.sample_ratio),
            others=tuple(NamedLogE(name=name, value=repr(value)) for name, value in found.log_e_max.others),
        ),
        dispersion="" if state.dispersion is None else repr(state.dispersion),
        effect=in_points(found.effect),
        saving=in_percent(found.saving),
        columns=columns(plan),
        looks=tuple(tuple(look.row()) for look in state.looks),
        uncertain=uncertain_of(state),
        previous=state.previous_digest,
        digest="",
    ).wire()
    return {**record, "digest": digest_of(record)}


def uncertain_of(state: RolloutState) -> Uncertain | None:
    """What the counts may have missed, None when nothing."""
    if not any((*state.uncertain.baseline.row(), *state.uncertain.candidate.row())):
        return None
    return Uncertain(baseline=Remainder.of(state.uncertain.baseline), candidate=Remainder.of(state.uncertain.candidate))


def digest_of(spec: dict[str, Any]) -> str:
    """sha256 over the record as canonical JSON, its own digest left out."""
    content = {key: value for key, value in spec.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def verdict_object(policy: str, namespace: str, uid: str, state: RolloutState) -> dict[str, Any]:
    """The EarlyStopVerdict. It has no owner: deleting a policy must not erase what was decided."""
    return {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopVerdict",
        "metadata": {
            "name": verdict_name(policy, state),
            "namespace": namespace,
            "labels": {"earlystop.dev/policy-uid": uid, "app.kubernetes.io/managed-by": "earlystop"},
        },
        "spec": verdict_spec(policy, uid, state),
    }
