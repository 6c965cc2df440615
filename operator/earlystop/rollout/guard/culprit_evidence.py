"""From what a guard remembers at its alarm to what the rule about culprits goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.counts import Look
from earlystop.api.wire import INCUMBENT
from earlystop.evidence import em_claims, guard_detectors, guardrails, missing_answers
from earlystop.evidence.objective import EXACT_MATCH, Basis, Claim, ClaimKind, GuardrailKind, Objective
from earlystop.rollout.certificate.binding import Lapse
from earlystop.rollout.exposure import promoted_label, serving
from earlystop.rollout.guard.culprit import Changed, Culprit, Evidence
from earlystop.rollout.guard.growing_harm import with_begin
from earlystop.rollout.guard.harm_series import Series, with_sudden_begin
from earlystop.rollout.guard.spans import NO_RATES, Rates, Span, Spans, total, with_rates
from earlystop.rollout.guard.state import GuardState
from earlystop.rollout.state import RolloutState

PARTS = {
    "Model": Culprit.ENGINE,
    "Images": Culprit.ENGINE,
    "Template": Culprit.ENGINE,
    "Parameters": Culprit.SETTING,
    "Scorer": Culprit.SCORER,
    "Questions": Culprit.DATA,
}
"""Whose part each is of what a certificate is bound to."""


def evidence_of(state: RolloutState) -> Evidence:
    """What shows who has moved, but for recorded answers, which nobody has asked for yet. The state's guard has an
    alarm."""
    guard = state.guard
    assert guard is not None and guard.alarm is not None  # the caller asks for nothing else
    claims, trial, certified = guard.alarm.claims, _trial(state), state.certified
    known = replace(
        without_counts(guard, claims),
        latest=guard.alarm.at,
        facts_known=certified is not None and certified.bound is not None,
        questions_known=certified is not None and certified.bound is not None and bool(certified.bound.questions),
        changed=_changed(None if certified is None else certified.lapse),
    )
    return with_counts(known, guard, trial)


def with_counts(known: Evidence, guard: GuardState, trial: Sequence[Look], *, sudden: bool = False) -> Evidence:
    """The evidence with the moments between which the harm began, and counts before and since. trial: looks at the
    trial of what was promoted. sudden: whether all harm is taken for a sudden one, as earlier releases did."""
    series = _series(guard, known.claims[0], trial)
    found = with_sudden_begin(known, series) if sudden else with_begin(known, series)
    return with_classes(found, guard, trial)


def without_counts(guard: GuardState, claims: tuple[Claim, ...]) -> Evidence:
    """What of the evidence follows from the claims of an alarm alone. Raises ValueError for one that the guard does not
    watch."""
    objective, claim = guard.objective, claims[0]
    return Evidence(
        claims=claims,
        earliest=guard.since,
        onset=guard.since,
        latest=guard.since,
        bad_hits=claim.kind is ClaimKind.GUARDRAIL,
        below_floor=claim.kind is ClaimKind.FLOOR,
        on_pairs=objective.basis is Basis.PAIRS,
        factor=_factor(guard, claim),
        scored=any(_is_scored(objective, each) for each in claims),
    )


_BY_ANSWERS = (ClaimKind.EXACT_MATCH, ClaimKind.FLOOR)


def spans_of_looks(guard: GuardState) -> Spans:
    """What both variants answered, from looks of which the first is the first one of all."""
    spans, before = guard.spans[:0], guard.checkpoint_at
    for look in guard.looks:
        spans, before = with_rates(spans, before, rates_of(guard.objective, EXACT_MATCH, look)), look.at
    return spans


def is_read_from_looks(claim: Claim, guard: GuardState) -> bool:
    """Whether counts of a claim since the guard began are those of its latest looks alone: of Exact Match and the floor
    spans of earlier looks are remembered too."""
    return claim.kind not in _BY_ANSWERS or guard.taken == len(guard.looks)


def rates_of(objective: Objective, claim: Claim, look: Look) -> Rates:
    """What a look counts for a claim, as the guard's detectors read it."""
    judged = missing_answers.as_judged(objective, look)
    if claim.kind is ClaimKind.GUARDRAIL:
        names = [each.name for each in objective.guardrails]
        events = guardrails.events_of(objective, look)[names.index(claim.name)]
        return Rates(events[0].exposed, events[0].events, events[1].exposed, events[1].events)
    if claim.kind is ClaimKind.UNANSWERED:
        baseline, candidate = (guard_detectors.answered(objective, arm) for arm in (judged.baseline, judged.candidate))
        return Rates(baseline.exposed, baseline.events, candidate.exposed, candidate.events)
    if claim.kind is ClaimKind.QUERY_CLASS:
        return _of_class(objective, claim.name, judged)
    if objective.basis is Basis.PAIRS:
        pairs = judged.candidate.pairs
        return Rates(pairs.total, pairs.both + pairs.baseline_only, pairs.total, pairs.both + pairs.candidate_only)
    return Rates(judged.baseline.scored, judged.baseline.match, judged.candidate.scored, judged.candidate.match)


def _trial(state: RolloutState) -> Sequence[Look]:
    """Looks at the trial of what was promoted; none where the latest campaign tried another setting."""
    return () if promoted_label(state) == INCUMBENT else state.comparison(serving(state)).looks


def _series(guard: GuardState, claim: Claim, trial: Sequence[Look]) -> Series:
    """Exact Match is remembered in spans; of other claims only the latest looks are."""
    objective = guard.objective
    before = total([rates_of(objective, claim, look) for look in trial]) if _fits(objective, claim, trial) else NO_RATES
    if claim.kind in _BY_ANSWERS:
        return Series(guard.spans, guard.looked_at, before)
    moments = [guard.checkpoint_at, *(look.at for look in guard.looks)]
    spans = tuple(
        Span(moment, 1, rates_of(objective, claim, look)) for moment, look in zip(moments, guard.looks, strict=False)
    )
    return Series(spans, guard.looked_at, before)


def _fits(objective: Objective, claim: Claim, trial: Sequence[Look]) -> bool:
    """Whether the trial's looks have the query classes that the guard compares."""
    return claim.kind is not ClaimKind.QUERY_CLASS or all(len(look.classes) == len(objective.classes) for look in trial)


def with_classes(evidence: Evidence, guard: GuardState, trial: Sequence[Look]) -> Evidence:
    """The evidence with the counts of each query class, of the trial and since the harm began."""
    objective = guard.objective
    if evidence.claims[0].kind not in _BY_ANSWERS:
        return evidence
    if not objective.classes or not trial or not _fits(objective, Claim(ClaimKind.QUERY_CLASS), trial):
        return evidence
    late = _by_class(objective, [look for look in guard.looks if look.at > evidence.onset])
    return replace(evidence, by_class_before=_by_class(objective, trial), by_class_after=late)


def _by_class(objective: Objective, looks: Sequence[Look]) -> tuple[Rates, ...]:
    judged = [missing_answers.as_judged(objective, look) for look in looks]
    names = [*(each.name for each in objective.classes), em_claims.OTHER]
    return tuple(total([_of_class(objective, name, look) for look in judged]) for name in names)


def _of_class(objective: Objective, name: str, judged: Look) -> Rates:
    baseline, candidate = em_claims.by_class(objective, judged)[name]
    return Rates(baseline.scored, baseline.match, candidate.scored, candidate.match)


def _factor(guard: GuardState, claim: Claim) -> float:
    """The number by which the evidence on a claim is divided."""
    if claim.kind is not ClaimKind.GUARDRAIL:
        return guard.factors.answers
    names = [each.name for each in guard.objective.guardrails]
    return guard.factors.guardrails[names.index(claim.name)]


def _is_scored(objective: Objective, claim: Claim) -> bool:
    """Whether a claim depends on how answers are scored, so that a broken scorer could move it."""
    if claim.kind is ClaimKind.GUARDRAIL:
        return any(
            each.name == claim.name and each.kind is GuardrailKind.UNSCORED_RATE for each in objective.guardrails
        )
    return claim.kind is not ClaimKind.UNANSWERED or objective.basis is Basis.ANSWERS


def _changed(lapse: Lapse | None) -> tuple[Changed, ...]:
    """What is not as it was certified, each part at the moment since when it is another, and at that at which all came
    back. An earlier release stored no such moments: each part may then be another since the first or last change."""
    if lapse is None:
        return ()
    found = set()
    for part in lapse.changed:
        moments = {lapse.moment_of(part)} if lapse.moments else {lapse.at, lapse.since}
        moments |= {lapse.since} if lapse.is_back else set()
        found |= {(PARTS[part.value], moment) for moment in moments if part.value in PARTS and moment is not None}
    return tuple(Changed(*each) for each in sorted(found, key=lambda each: (list(Culprit).index(each[0]), each[1])))
