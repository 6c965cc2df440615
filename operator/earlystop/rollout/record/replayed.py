"""A whole campaign once more, look by look through the engine: what was shown when, and what that calls for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earlystop.api.counts import Look
from earlystop.api.plurals import counted
from earlystop.api.verdict import OtherCandidate, VerdictSpec
from earlystop.evidence.engine import LogE, begin, update
from earlystop.rollout.decision import (
    BY_CLASS,
    CERTIFICATE_LAPSED,
    EVERY_CANDIDATE_DROPPED,
    GUARD_ALARM,
    HARM_REASONS,
    HARMFUL_IN_EVERY_CLASS,
    harm_reason,
)
from earlystop.rollout.formatting import in_percent, in_points
from earlystop.rollout.manual import BY_PERSON
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.promotion import NotCertified, missing_proof
from earlystop.rollout.state import Comparison, Verdict
from earlystop.rollout.verify.verdict import FAVOURABLE, recomputed
from earlystop.rollout.waiting.answered import APPROVAL_EXPIRED, APPROVAL_REJECTED, PROOF_NOT_REGAINED
from earlystop.rollout.waiting.gate_words import GATE_CLOSED, GATE_TIMED_OUT

_ANSWERED = {
    **dict.fromkeys((APPROVAL_REJECTED, APPROVAL_EXPIRED), "people answered"),
    GATE_CLOSED: "a gate answered",
    GATE_TIMED_OUT: "a gate did not open in time",
}
"""Who ended a campaign for which it waited, by the reason of the decision."""


@dataclass(frozen=True, slots=True)
class ReplayedLook:
    """What the evidence said after a look.

    number: from 1, of the candidate's looks. at: Unix seconds. step: as counters are labelled, from 0. weight: percent
    of requests that the candidate had. requests: of both variants, that were started in this look. log_e: now. effect,
    saving: with their intervals. harm: the reason of a rollback that is shown, "" for none. proven: whether the looks
    so far prove all that a promotion needs of this candidate alone.
    """

    candidate: str
    number: int
    at: int
    step: int
    weight: int
    requests: int
    log_e: LogE
    effect: str
    saving: str
    harm: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """A campaign once more. looks: of all candidates, the earliest first. agrees: whether the record decides what they
    call for, where they do. sentence: what was decided, and at which look that was shown."""

    looks: tuple[ReplayedLook, ...]
    agrees: bool
    sentence: str


def replay_campaign(record: VerdictSpec) -> Replay:
    """The campaign of a verdict. Raises ValueError where this release cannot read its plan or its looks."""
    plan = parse_plan(record.plan)
    own = _replayed(record, plan, record)
    others = [each for other in record.others for each in _replayed(record, plan, other)]
    agrees, sentence = _compared(record, plan, own, others)
    return Replay(tuple(sorted((*own, *others), key=lambda each: (each.at, each.candidate))), agrees, sentence)


def _replayed(record: VerdictSpec, plan: Plan, of: VerdictSpec | OtherCandidate) -> list[ReplayedLook]:
    whole = recomputed(record, plan, of)
    evidence = begin(whole.evidence.objective)
    looks: list[ReplayedLook] = []
    for number, look in enumerate(whole.looks, 1):
        evidence = update(evidence, look)
        looks.append(_look(plan, Comparison(of.candidate, evidence, looks=whole.looks[:number]), look, number))
    return looks


def _look(plan: Plan, so_far: Comparison, look: Look, number: int) -> ReplayedLook:
    assessment = so_far.assessment
    missing = [each for each in missing_proof(plan, so_far, ()) if not isinstance(each, NotCertified)]
    return ReplayedLook(
        candidate=so_far.name,
        number=number,
        at=look.at,
        step=look.step,
        weight=look.weight,
        requests=look.baseline.started + look.candidate.started,
        log_e=assessment.log_e,
        effect=in_points(assessment.effect),
        saving=in_percent(assessment.saving),
        harm=harm_reason(assessment),
        proven=not missing,
    )


def _compared(
    record: VerdictSpec, plan: Plan, own: Sequence[ReplayedLook], others: Sequence[ReplayedLook]
) -> tuple[bool, str]:
    decided = f"The record decides {record.decision} of {record.candidate} ({record.reason})"
    last = own[-1] if own else None
    harmed = next((each for each in own if each.harm), None)
    if record.reason in BY_PERSON:
        return True, f"{decided}, as {record.requested_by} asked; its looks decide nothing of that."
    if record.reason == GUARD_ALARM:
        return True, f"{decided}, by looks after the promotion; kubectl earlystop verify recomputes those."
    if record.reason == CERTIFICATE_LAPSED:
        return True, f"{decided}, as the target or a parameter had changed; its looks decide nothing of that."
    if record.reason == PROOF_NOT_REGAINED:
        proven = next((each for each in own if each.proven), None)
        first = _first(proven, "all that a promotion needs", own)
        return harmed is None, f"{decided}, as the proof was lost while it waited; {first}."
    if (answered := _ANSWERED.get(record.reason)) is not None:
        proven = next((each for each in own if each.proven), None)
        return harmed is None, f"{decided}, as {answered}; {_first(proven, 'all that a promotion needs', own)}."
    if record.reason in (BY_CLASS, HARMFUL_IN_EVERY_CLASS):
        return True, f"{decided}: each query class is judged by itself; kubectl earlystop verify recomputes them."
    if record.reason in HARM_REASONS:
        agrees = last is not None and harmed is last and last.harm == record.reason
        return agrees, f"{decided}; {_first(harmed, 'harm', own)}."
    if record.reason == EVERY_CANDIDATE_DROPPED:
        agrees = harmed is not None and {each.candidate for each in others} <= {
            each.candidate for each in others if each.harm
        }
        return agrees, f"{decided}; {_first(harmed, 'harm', own)}, as it was of every other."
    if Verdict(record.decision) in FAVOURABLE:
        proven = next((each for each in own if each.proven), None)
        agrees = last is not None and last.proven and not last.harm
        return agrees, f"{decided}; {_first(proven, 'all that a promotion needs', own)}."
    if plan.is_per_class:
        return True, f"{decided}: each query class is judged by itself; kubectl earlystop verify recomputes them."
    agrees = harmed is None
    return (
        agrees,
        f"{decided}: no look of {len(own)} called for a decision." if agrees else f"{decided}, yet harm shows.",
    )


def _first(found: ReplayedLook | None, what: str, looks: Sequence[ReplayedLook]) -> str:
    if found is None:
        return f"none of {counted(len(looks), 'look')} shows {what}"
    return f"{what} is proven at look {found.number} of {len(looks)}"
