"""The state as it stands in a policy's status, and back: what is not here is not remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.counts import Tally
from earlystop.api.status.packed import Internal
from earlystop.api.status.policy import (
    ArmCounts,
    AttemptsStatus,
    CandidateStatus,
    Counts,
    EvidenceText,
    LogEText,
    NamedLogE,
    PolicyStatus,
)
from earlystop.api.times import from_rfc3339_or_none, rfc3339_or_none
from earlystop.api.wire import PACKED_LIMIT
from earlystop.evidence.engine import LogE, replay
from earlystop.rollout.decision_digest import decision_digest
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.formatting import from_rfc3339, in_percent, in_points, log_e_text, rfc3339
from earlystop.rollout.guard.codec import guard_status, restore_guard
from earlystop.rollout.hooks.outbox_codec import hooks_status, restore_outbox
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.pinned_baseline import margin_of
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.spent_risk import recorded_risk
from earlystop.rollout.state import (
    DECIDED,
    NOTHING_LEARNED,
    Attempts,
    Comparison,
    Dropped,
    Phase,
    RecordedLooks,
    RolloutState,
    Totals,
)
from earlystop.rollout.stored.awaiting_codec import awaiting_status, restore_awaiting
from earlystop.rollout.stored.class_codec import class_texts, restore_classes
from earlystop.rollout.stored.compressed_looks import CompressedLooks, counts_in
from earlystop.rollout.stored.decision_codec import decision_status, restore_decision, restore_unstored, unstored_status
from earlystop.rollout.stored.gates_codec import gates_status, restore_gates, restore_step_gates, step_gates_status
from earlystop.rollout.stored.packing import (
    pack_dispersion,
    pack_marks,
    unpack_dispersion,
    unpack_marks,
)
from earlystop.rollout.stored.records import pack_records, unpack_records
from earlystop.rollout.stored.requests import handled_texts, restore_handled
from earlystop.rollout.stored.savings_codec import restore_savings, savings_status
from earlystop.rollout.stored.search_codec import restore_search, search_status
from earlystop.rollout.stored.settings import certified_text, losses_text, restore_certified, restore_losses
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.verdict import uncertain_of


class TooLarge(ValueError):
    """Looks and ledger together outgrow what a status holds."""


def to_status(name: str, uid: str, times: LiveTimes, state: RolloutState, ledger: str) -> dict[str, Any]:
    """The status without its conditions and observedGeneration. `ledger` is the packed ledger.

    Raises TooLarge when ledger and looks take more than PACKED_LIMIT.
    """
    handled, hooks = handled_texts(state.handled), hooks_status(state.outbox)
    if state.phase == Phase.PENDING:
        return PolicyStatus(phase=state.phase.value, campaign=0, handled_requests=handled, hooks=hooks).wire()
    plan, leading = state.pinned_plan, state.leading
    assert leading is not None  # a campaign has begun
    percents = weights(state)
    assert percents is not None
    due = next_look(times, state)
    return PolicyStatus(
        phase=state.phase.value,
        campaign=state.campaign,
        revision=state.revision,
        entropy=state.entropy or None,
        candidate=leading.name,
        plan=plan.text,
        step=state.step,
        progress=strategy_of(plan).count_step(plan, state),
        weight=100 - percents[0],
        variant=_variant(plan, percents, incumbent_weight(state)),
        campaign_started_at=rfc3339(state.campaign_started_at),
        step_started_at=rfc3339_or_none(state.step_started_at),
        evidence_from=rfc3339_or_none(state.evidence_from),
        last_look_at=rfc3339_or_none(state.last_look_at),
        next_look_at=rfc3339_or_none(due),
        suspended_at=rfc3339_or_none(state.suspended_at),
        metrics_lost_at=rfc3339_or_none(state.metrics_lost_at),
        counts=_counts(state, leading),
        uncertain=uncertain_of(state),
        evidence=_evidence(state, leading),
        candidates=_candidates(plan, state, percents) if strategy_of(plan).judges_together(plan) else None,
        in_flight=state.in_flight,
        interrupted=state.interrupted or None,
        dispersion=None if state.dispersion is None else repr(state.dispersion),
        decision=decision_status(name, uid, state),
        risk=recorded_risk(plan),
        attempts=tuple(AttemptsStatus(candidate=each.candidate, campaigns=each.campaigns) for each in state.attempts)
        or None,
        margin=state.recorded.margin if state.recorded and state.lacks_looks else margin_of(state),
        losses=losses_text(state.losses),
        previous_digest=state.previous_digest,
        certified=certified_text(state.certified),
        handled_requests=handled,
        search=search_status(state),
        hooks=hooks,
        awaiting=awaiting_status(uid, times, state),
        gates=gates_status(state.gates),
        step_gates=step_gates_status(state.step_gates),
        savings=savings_status(state.savings),
        guard=guard_status(state.guard),
        guard_steps=state.guard_steps or None,
        unstored=unstored_status(name, uid, state),
        internal=_internal(plan, state, ledger),
    ).wire()


def _internal(plan: Plan, state: RolloutState, ledger: str) -> Internal:
    """The packed texts from which the operator goes on. Raises TooLarge."""
    looks = pack_records([each.looks for each in state.comparisons], beside=plan.incumbent is not None)
    class_looks, class_mark = class_texts(state.comparisons)
    packed = len(looks) + len(class_looks or "")
    if len(ledger) + packed > PACKED_LIMIT:
        raise TooLarge(f"ledger and looks take {len(ledger)} + {packed} characters, more than {PACKED_LIMIT}")
    return Internal(
        ledger=ledger,
        mark=pack_marks([each.mark for each in state.comparisons]),
        scatter=pack_dispersion(state.scatter) if state.scatter != NOTHING_LEARNED else None,
        looks=looks,
        class_looks=class_looks,
        class_mark=class_mark,
        recorded=None if state.recorded is None else state.recorded.decision,
    )


def from_status(status: dict[str, Any]) -> tuple[RolloutState, str]:
    """The state and the packed ledger behind a status; a new state for a policy without a campaign.

    Raises ValueError when the status was not written by this operator.
    """
    stored = PolicyStatus.model_validate(status)
    if not stored.campaign or stored.plan is None or stored.phase is None:
        return RolloutState(handled=restore_handled(stored.handled_requests), outbox=restore_outbox(stored.hooks)), ""
    plan, packed = parse_plan(stored.plan), stored.internal or Internal()
    factor = None if stored.dispersion is None else float(stored.dispersion)
    state = RolloutState(
        phase=Phase(stored.phase),
        campaign=stored.campaign,
        revision=stored.revision or "",
        entropy=stored.entropy or "",
        plan=plan,
        step=stored.step or 0,
        campaign_started_at=from_rfc3339(stored.campaign_started_at or ""),
        step_started_at=from_rfc3339_or_none(stored.step_started_at),
        evidence_from=from_rfc3339_or_none(stored.evidence_from),
        last_look_at=from_rfc3339_or_none(stored.last_look_at),
        suspended_at=from_rfc3339_or_none(stored.suspended_at),
        metrics_lost_at=from_rfc3339_or_none(stored.metrics_lost_at),
        comparisons=_comparisons(plan, stored, factor),
        scatter=unpack_dispersion(packed.scatter) if packed.scatter else NOTHING_LEARNED,
        dispersion=factor,
        decision=restore_decision(plan, stored.decision),
        previous_digest=stored.previous_digest or "",
        certified=restore_certified(stored.certified),
        attempts=tuple(Attempts(each.candidate, each.campaigns) for each in stored.attempts or ()),
        losses=restore_losses(stored.losses),
        handled=restore_handled(stored.handled_requests),
        in_flight=stored.in_flight,
        interrupted=bool(stored.interrupted),
        search=restore_search(stored.search, plan),
        outbox=restore_outbox(stored.hooks),
        awaiting=restore_awaiting(stored.awaiting, plan),
        gates=restore_gates(stored.gates),
        step_gates=restore_step_gates(stored.step_gates),
        savings=restore_savings(stored.savings),
        guard=restore_guard(stored.guard, plan, factor),
        guard_steps=stored.guard_steps or 0,
        unstored=restore_unstored(plan, stored.unstored, factor),
        recorded=_recorded(stored),
    )
    steps = len(plan.stages) + len(state.comparisons) - len(state.active)
    if state.step >= steps and not plan.spec.strategy_traits.moves_shares:
        raise ValueError(f"status.step is {state.step}, but status.plan has {steps} steps")
    if (state.decision is None) == (state.phase in DECIDED):
        raise ValueError(
            f"status.phase {state.phase} does not fit a status with{'out' * (state.decision is None)} decision"
        )
    return state, packed.ledger or ""


def digest_of_decision(name: str, uid: str, state: RolloutState) -> str:
    """Digest of the campaign's verdict, or of the one before it when this campaign has none."""
    return state.previous_digest if state.decision is None else decision_digest(name, uid, state)


def _variant(plan: Plan, percents: tuple[int, ...], of_incumbent: int) -> str:
    """The setting that most requests get. percents: of the baseline and each candidate."""
    if plan.incumbent is not None and of_incumbent >= max(percents):
        return plan.incumbent.name
    most = max(range(len(percents)), key=percents.__getitem__)
    return plan.names[most - 1] if most else "baseline"


def _candidates(plan: Plan, state: RolloutState, percents: tuple[int, ...]) -> tuple[CandidateStatus, ...]:
    by_name = dict(zip(plan.names, percents[1:], strict=True))
    return tuple(_candidate(by_name[each.name], state, each) for each in state.comparisons)


def _candidate(weight: int, state: RolloutState, comparison: Comparison) -> CandidateStatus:
    dropped, certified_at = comparison.dropped, comparison.certified_at
    return CandidateStatus(
        name=comparison.name,
        state="Dropped" if dropped else "Trying" if certified_at is None else "Certified",
        weight=weight,
        since=rfc3339_or_none(dropped.at if dropped else certified_at),
        reason=dropped.reason if dropped else None,
        message=dropped.message if dropped else None,
        dropped_at_step=dropped.step if dropped else None,
        counts=_counts(state, comparison),
        evidence=_evidence(state, comparison),
    )


def _comparisons(plan: Plan, stored: PolicyStatus, factor: float | None) -> tuple[Comparison, ...]:
    """Each candidate's comparison, its evidence worked out anew from its looks."""
    statuses = stored.candidates or (None,)
    if len(statuses) != len(plan.names):
        raise ValueError(f"status tells of {len(statuses)} candidates, but status.plan has {len(plan.names)}")
    if any(each is not None and each.name != name for each, name in zip(statuses, plan.names, strict=True)):
        raise ValueError(f"status.candidates are not {', '.join(plan.names)}, those of status.plan in its order")
    steps = [stored.step if each is None or each.dropped_at_step is None else each.dropped_at_step for each in statuses]
    objectives = [plan.objective_at(step or 0, factor) for step in steps]
    packed = stored.internal or Internal()
    records = unpack_records(
        packed.looks or "",
        [len(each.classes) for each in objectives],
        [each.by_users for each in objectives],
        beside=plan.incumbent is not None,
    )
    marks = unpack_marks(packed.mark) if packed.mark else [Totals()] * len(statuses)
    if len(marks) != len(statuses):
        raise ValueError(
            f"status.internal.mark has totals of {len(marks)} candidates, but status.plan has {len(plan.names)}"
        )
    missed = stored.uncertain
    uncertain = Totals() if missed is None else Totals(missed.baseline.tally(), missed.candidate.tally())
    whole = [
        _restored(
            status,
            Comparison(name, replay(objective, looks), mark=mark, looks=CompressedLooks(looks), uncertain=uncertain),
        )
        for name, status, mark, looks, objective in zip(plan.names, statuses, marks, records, objectives, strict=True)
    ]
    return restore_classes(plan, whole, stored.step or 0, factor, (packed.class_looks, packed.class_mark))


def _restored(status: CandidateStatus | None, comparison: Comparison) -> Comparison:
    """The comparison with what the status says about its candidate."""
    if status is None or status.since is None:
        return comparison
    since = from_rfc3339(status.since)
    if status.dropped_at_step is None:
        return replace(comparison, certified_at=since)
    return replace(
        comparison, dropped=Dropped(status.reason or "", status.message or "", since, status.dropped_at_step)
    )


def _recorded(stored: PolicyStatus) -> RecordedLooks | None:
    """What is known of looks that a verdict holds. Raises ValueError where the status does not say it."""
    number = None if stored.internal is None else stored.internal.recorded
    if number is None:
        return None
    of = stored.candidates or (stored,)
    counts, evidence = [each.counts for each in of], [each.evidence for each in of]
    if stored.decision is None or None in counts or None in evidence:
        raise ValueError("status.internal.recorded names a decision, of which the status says nothing")
    is_latest = number == (stored.decision.number or 1)
    return RecordedLooks(
        decision=number,
        digest=stored.decision.digest if is_latest else "",
        counts=tuple(each for each in counts if each),
        evidence=tuple(each for each in evidence if each),
        margin=stored.margin,
    )


def _counts(state: RolloutState, comparison: Comparison) -> Counts:
    if state.recorded is not None:
        return state.recorded.counts[state.comparisons.index(comparison)]
    baseline, candidate = counts_in(comparison.looks)
    return Counts(baseline=_arm(baseline), candidate=_arm(candidate))


def _arm(tally: Tally) -> ArmCounts:
    return ArmCounts(
        scored=tally.scored, match=tally.match, completed=tally.completed, failed=tally.failed, tokens=tally.tokens
    )


def _evidence(state: RolloutState, comparison: Comparison) -> EvidenceText:
    if state.recorded is not None:
        return state.recorded.evidence[state.comparisons.index(comparison)]
    assessment = comparison.assessment
    return EvidenceText(
        looks=len(comparison.looks),
        log_e=_log_e(assessment.log_e),
        largest_log_e=_log_e(assessment.log_e_max),
        effect=in_points(assessment.effect),
        saving=in_percent(assessment.saving),
    )


def _log_e(values: LogE) -> LogEText:
    return LogEText(
        promote=log_e_text(values.promote),
        harm=log_e_text(values.harm),
        tokens=log_e_text(values.tokens),
        sample_ratio=log_e_text(values.sample_ratio),
        attrition=log_e_text(values.attrition) if values.attrition > 0 else None,
        others=tuple(NamedLogE(name=str(claim), value=log_e_text(value)) for claim, value in values.others),
    )
