"""All evidence of a comparison, folded over looks: begin, and update with each look. A state says the rest.

Pure and deterministic: the same looks in the same order give the same floats, bit by bit, so a verdict can be
recomputed from the looks that it stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import (
    arm_scatter,
    attrition,
    em_claims,
    empirical_bernstein,
    guardrails,
    missing_answers,
    pair_attrition,
    same_setting,
    sample_ratio,
    setting_check,
    shown,
    split_scatter,
    tokens,
    user_factors,
)
from earlystop.evidence.assessment import Assessment, Claims, LogE, Verdict
from earlystop.evidence.divisors import Knowledge, Witnesses, divisors, waits_for_looks
from earlystop.evidence.evidence_state import EvidenceState, assess, is_tried, own_difference
from earlystop.evidence.gaps import Gap
from earlystop.evidence.look_check import check_look
from earlystop.evidence.objective import EXACT_MATCH, Basis, Objective
from earlystop.evidence.sample_ratio import SampleRatioProcess
from earlystop.evidence.tokens import Lengths
from earlystop.evidence.version import FIRST

__all__ = [
    "EXACT_MATCH",
    "Assessment",
    "Claims",
    "EvidenceState",
    "Gap",
    "LogE",
    "Objective",
    "Verdict",
    "assess",
    "begin",
    "own_difference",
    "replay",
    "update",
]

LEAST_SHIFT, LARGEST_LEAST_SHIFT = 0.01, 0.05
"""Mean lengths that differ by less than the saving asked for, within these bounds, count as unmoved."""


def begin(objective: Objective) -> EvidenceState:
    """The state before the first look of a campaign."""
    longest = objective.longest_answer
    return EvidenceState(
        objective=objective,
        quality=em_claims.start(objective),
        guardrails=guardrails.start(objective),
        tokens=tokens.start(objective.minimum_saving, objective.engine),
        exact_tokens=None if longest is None else empirical_bernstein.start(objective.minimum_saving, longest),
        setting=setting_check.start(min(max(objective.minimum_saving, LEAST_SHIFT), LARGEST_LEAST_SHIFT)),
        sample_ratio=sample_ratio.start(in_clumps=objective.engine != FIRST, waits_for=waits_for_looks(objective)),
        effect=shown.start(objective),
        attrition=attrition.start(),
        pair_attrition=pair_attrition.start(objective),
        arms=arm_scatter.start(len(objective.guardrails), objective.engine),
    )


def update(state: EvidenceState, look: Look) -> EvidenceState:
    """The state after one more look.

    Every count enters once. A look whose answers are not `em_claims.usable` adds nothing to EM, and its answers
    are lost: a caller keeps `match` and `mismatch` back and adds them to a later look, while
    started and completed requests may be passed at once. Token counts are gathered here until there are
    enough. Raises ValueError for a count that cannot be or a weight outside 1..99, naming the field.
    """
    check_look(state.objective, look)
    return _advance(state, look, em_claims.usable(state.objective, look))


def update_known(state: EvidenceState, look: Look, usable: bool) -> EvidenceState:
    """As `update`, for a caller that has asked `em_claims.usable` of this look already."""
    check_look(state.objective, look)
    return _advance(state, look, usable)


def _advance(state: EvidenceState, look: Look, usable: bool) -> EvidenceState:
    if not usable:
        look = _without_answers(look)
    lengths_b, lengths_c = _lengths(look.baseline), _lengths(look.candidate)
    if _passes_derived_limit(state.objective, lengths_b, lengths_c):
        state = replace(state, exact_tokens=None)
    if not is_tried(state) and look.step >= state.objective.same_setting_steps:
        state = _tried_now(state)
    judged = missing_answers.as_judged(state.objective, look) if usable else look
    objective, exact = state.objective, state.exact_tokens
    seen = _observed(state, look, judged, usable=usable)
    divided = divisors(objective, seen)
    moved = tokens.update(state.tokens, lengths_b, lengths_c, look.share, divided.lengths)
    after = replace(
        state,
        tokens=moved,
        sample_ratio=_split(state, look),
        effect=shown.add_look(state.effect, objective, em_claims.by_class(objective, judged), look.share),
        attrition=attrition.update(state.attrition, objective, look),
        users=seen.users,
        arms=seen.arms,
        split=seen.split,
    )
    if not is_tried(state):
        return _with_dispersion(after, divided.known)
    quality, missing = state.quality, state.pair_attrition
    if usable:
        quality = em_claims.advance(quality, objective, judged, divided.answers, divided.by_look)
        missing = pair_attrition.update(missing, objective, look, quality.paired_promote, divided.answers)
    after = replace(
        after,
        quality=quality,
        pair_attrition=missing,
        guardrails=guardrails.update(state.guardrails, objective, look, judged, divided),
        exact_tokens=exact and empirical_bernstein.update(exact, lengths_b, lengths_c, divided.bounded_lengths),
        setting=setting_check.update(state.setting, moved),
    )
    return _with_dispersion(after, divided.known)


def _with_dispersion(state: EvidenceState, known: Knowledge | None) -> EvidenceState:
    """The same state. What is known of how answers scatter follows from no lengths, so it was worked out before."""
    if known is not None:
        state.keep_dispersion(known)
    return state


def _passes_derived_limit(objective: Objective, *arms: Lengths) -> bool:
    """Whether a look has an answer that is longer than caps of the variants allow. It is no exact test then."""
    limit = objective.longest_answer
    return objective.limit_is_derived and limit is not None and any(empirical_bernstein.passes(x, limit) for x in arms)


def _tried_now(state: EvidenceState) -> EvidenceState:
    """Before the first look in which the setting is tried, after those with the same setting on both sides."""
    objective, own = state.objective, own_difference(state)
    return replace(
        state,
        own=own,
        quality=same_setting.claims(objective, own),
        tokens=same_setting.lengths_anew(state.tokens, objective, own),
        exact_tokens=state.exact_tokens and same_setting.bounded_lengths_anew(objective, own),
        effect=shown.start(objective),
        arms=same_setting.arms_anew(state.arms),
    )


def _observed(state: EvidenceState, look: Look, judged: Look, *, usable: bool) -> Witnesses:
    """What looks have shown of how much events scatter, with this one; version 1 of the engine did not ask. judged: the
    look as Exact Match is read from it. Its lengths count from the next look on."""
    objective, known = state.objective, state.witnesses
    if objective.engine == FIRST:
        return known
    users = user_factors.observe(known.users, look) if objective.by_users else known.users
    arms = arm_scatter.observe_events(known.arms, guardrails.events_of(objective, look))
    if usable and objective.basis is Basis.PAIRS:
        arms = arm_scatter.observe_pairs(arms, judged.candidate.pairs)
    elif usable:
        arms = arm_scatter.observe_answers(arms, em_claims.by_class(objective, judged))
    if objective.learns_level:
        arms = arm_scatter.observe_level(arms, guardrails.floor_answers(objective, judged))
    started = look.baseline.started, look.candidate.started
    split = split_scatter.observe(known.split, *started, look.share) if objective.split_known else known.split
    return Witnesses(users, arms, split, known.lengths)


def _split(state: EvidenceState, look: Look) -> SampleRatioProcess:
    if not state.objective.split_known:
        return state.sample_ratio
    return sample_ratio.update(state.sample_ratio, look.baseline.started, look.candidate.started, look.share)


def replay(objective: Objective, looks: Iterable[Look]) -> EvidenceState:
    """The state after all `looks`, in their order."""
    state = begin(objective)
    for look in looks:
        state = update(state, look)
    return state


def _without_answers(look: Look) -> Look:
    """The look without its answers, so that only its requests are evidence."""
    nothing = (ClassAnswers(),) * len(look.classes)
    baseline, candidate = (replace(each, match=0, mismatch=0, unscored=0) for each in (look.baseline, look.candidate))
    return replace(look, baseline=baseline, candidate=candidate, classes=nothing)


def _lengths(tally: Tally) -> Lengths:
    return Lengths(tally.completed, tally.tokens, tally.tokens_squared)
