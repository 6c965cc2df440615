"""The state as it stands in a policy's status, and back: what is not here is not remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.counts import Tally, total
from earlystop.api.policy import PolicySpec, Setting
from earlystop.api.status import (
    ArmCounts,
    Counts,
    DecisionStatus,
    EvidenceText,
    LogEText,
    NamedLogE,
    PolicyStatus,
    Uncertain,
)
from earlystop.api.status import (
    Certified as CertifiedStatus,
)
from earlystop.evidence.engine import replay
from earlystop.rollout.assessing import assess
from earlystop.rollout.grid import next_look
from earlystop.rollout.kernel import candidate_weight
from earlystop.rollout.packing import (
    pack_looks,
    pack_scatter,
    pack_totals,
    unpack_looks,
    unpack_scatter,
    unpack_totals,
)
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import DECIDED, NOTHING_LEARNED, Certified, Decision, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.verdict import uncertain_of, verdict_name, verdict_spec
from earlystop.rollout.wording import from_rfc3339, in_percent, in_points, log_e_text, rfc3339

PACKED_LIMIT = 40_960


class TooLarge(ValueError):
    """Looks and ledger together outgrow what a status holds."""


def to_status(name: str, uid: str, spec: PolicySpec, state: RolloutState, ledger: str) -> dict[str, Any]:
    """The status without its conditions and observedGeneration. `ledger` is the packed ledger.

    Raises TooLarge when ledger and looks take more than their 40 KiB.
    """
    if state.phase == Phase.PENDING:
        return {"phase": state.phase.value, "campaign": 0}
    plan = parse_plan(state.plan)
    weight = candidate_weight(state)
    due = next_look(spec, state)
    looks = pack_looks(state.looks)
    if len(ledger) + len(looks) > PACKED_LIMIT:
        raise TooLarge(f"ledger and looks take {len(ledger)} + {len(looks)} characters, more than {PACKED_LIMIT}")
    return PolicyStatus(
        phase=state.phase.value,
        campaign=state.campaign,
        revision=state.revision,
        candidate=plan.candidate,
        plan=state.plan,
        step=state.step,
        weight=weight,
        variant=plan.candidate if weight is not None and weight > 50 else "baseline",
        campaign_started_at=rfc3339(state.campaign_started_at),
        step_started_at=_time(state.step_started_at),
        evidence_from=_time(state.evidence_from),
        last_look_at=_time(state.last_look_at),
        next_look_at=_time(due),
        suspended_at=_time(state.suspended_at),
        metrics_lost_at=_time(state.metrics_lost_at),
        counts=_counts(state),
        uncertain=uncertain_of(state),
        evidence=_evidence(state),
        ledger=ledger,
        mark=pack_totals(state.mark),
        looks=looks,
        scatter=pack_scatter(state.scatter) if state.scatter != NOTHING_LEARNED else None,
        dispersion=None if state.dispersion is None else repr(state.dispersion),
        decision=_decision(name, uid, state),
        previous_digest=state.previous_digest,
        certified=_certified(state),
    ).wire()


def from_status(status: dict[str, Any]) -> tuple[RolloutState, str]:
    """The state and the packed ledger behind a status; a new state for a policy without a campaign.

    Raises ValueError when the status was not written by this operator.
    """
    stored = PolicyStatus.model_validate(status)
    if not stored.campaign or stored.plan is None or stored.phase is None:
        return RolloutState(), ""
    plan = parse_plan(stored.plan)
    looks = unpack_looks(stored.looks or "", len(plan.objective.classes))
    factor = None if stored.dispersion is None else float(stored.dispersion)
    state = RolloutState(
        phase=Phase(stored.phase),
        campaign=stored.campaign,
        revision=stored.revision or "",
        plan=stored.plan,
        step=stored.step or 0,
        campaign_started_at=from_rfc3339(stored.campaign_started_at or ""),
        step_started_at=_moment(stored.step_started_at),
        evidence_from=_moment(stored.evidence_from),
        last_look_at=_moment(stored.last_look_at),
        suspended_at=_moment(stored.suspended_at),
        metrics_lost_at=_moment(stored.metrics_lost_at),
        mark=unpack_totals(stored.mark) if stored.mark else Totals(),
        looks=looks,
        uncertain=_restore_uncertain(stored.uncertain),
        evidence=replay(replace(plan.objective, dispersion=factor or plan.objective.dispersion), looks),
        scatter=unpack_scatter(stored.scatter) if stored.scatter else NOTHING_LEARNED,
        dispersion=factor,
        decision=_restore_decision(stored.decision),
        previous_digest=stored.previous_digest or "",
        certified=_restore_certified(stored.certified),
    )
    if state.step >= len(plan.weights):
        raise ValueError(f"status.step is {state.step}, but status.plan has {len(plan.weights)} steps")
    if (state.decision is None) == (state.phase in DECIDED):
        raise ValueError(
            f"status.phase {state.phase} does not fit a status with{'out' * (state.decision is None)} decision"
        )
    return state, stored.ledger or ""


def digest_of_decision(name: str, uid: str, state: RolloutState) -> str:
    """Digest of the campaign's verdict, or of the one before it when this campaign has none."""
    return state.previous_digest if state.decision is None else str(verdict_spec(name, uid, state)["digest"])


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)


def _moment(text: str | None) -> int | None:
    return None if text is None else from_rfc3339(text)


def _counts(state: RolloutState) -> Counts:
    baseline, candidate = (
        total([look.baseline for look in state.looks]),
        total([look.candidate for look in state.looks]),
    )
    return Counts(baseline=_arm(baseline), candidate=_arm(candidate))


def _arm(tally: Tally) -> ArmCounts:
    return ArmCounts(
        scored=tally.scored, match=tally.match, completed=tally.completed, failed=tally.failed, tokens=tally.tokens
    )


def _evidence(state: RolloutState) -> EvidenceText | None:
    if state.evidence is None:
        return None
    found = assess(state.evidence)
    return EvidenceText(
        looks=len(state.looks),
        log_e=LogEText(
            promote=log_e_text(found.log_e.promote),
            harm=log_e_text(found.log_e.harm),
            tokens=log_e_text(found.log_e.tokens),
            sample_ratio=log_e_text(found.log_e.sample_ratio),
            others=tuple(NamedLogE(name=name, value=log_e_text(value)) for name, value in found.log_e.others),
        ),
        effect=in_points(found.effect),
        saving=in_percent(found.saving),
    )


def _decision(name: str, uid: str, state: RolloutState) -> DecisionStatus | None:
    if state.decision is None:
        return None
    return DecisionStatus(
        verdict=state.decision.verdict.value,
        reason=state.decision.reason,
        message=state.decision.message,
        name=verdict_name(name, state),
        digest=verdict_spec(name, uid, state)["digest"],
        at=rfc3339(state.decision.at),
    )


def _restore_decision(stored: DecisionStatus | None) -> Decision | None:
    if stored is None:
        return None
    return Decision(Verdict(stored.verdict), stored.reason, stored.message, from_rfc3339(stored.at))


def _certified(state: RolloutState) -> CertifiedStatus | None:
    if state.certified is None:
        return None
    values = tuple(Setting(name=name, value=value) for name, value in state.certified.values.items())
    return CertifiedStatus(values=values, at=rfc3339(state.certified.at))


def _restore_uncertain(stored: Uncertain | None) -> Totals:
    return Totals() if stored is None else Totals(stored.baseline.tally(), stored.candidate.tally())


def _restore_certified(stored: CertifiedStatus | None) -> Certified | None:
    if stored is None:
        return None
    return Certified({setting.name: setting.value for setting in stored.values}, from_rfc3339(stored.at))
