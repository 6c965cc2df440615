"""All evidence of a comparison, folded over looks: begin, update with each look, assess at any moment.

Pure and deterministic: the same looks in the same order give the same floats, bit by bit, so a verdict can be
recomputed from the looks that it stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import log

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import (
    arm_scatter,
    attrition,
    em_claims,
    empirical_bernstein,
    guardrails,
    missing_answers,
    same_setting,
    sample_ratio,
    setting_check,
    shown,
    split_scatter,
    tokens,
    user_factors,
)
from earlystop.evidence.arm_scatter import NOBODY_COMPARED, ArmScatter
from earlystop.evidence.assessment import Assessment, LogE, Verdict
from earlystop.evidence.attrition import AttritionProcess
from earlystop.evidence.discount import EProcess, said
from earlystop.evidence.divisors import (
    Knowledge,
    Witnesses,
    divisors,
    knowledge,
    waits_for_looks,
)
from earlystop.evidence.em_claims import Quality
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.evidence.gaps import Gap
from earlystop.evidence.guardrails import Guardrails
from earlystop.evidence.intervals import Interval
from earlystop.evidence.look_check import check_look
from earlystop.evidence.objective import EXACT_MATCH, Basis, Claim, ClaimKind, Objective
from earlystop.evidence.own_difference import OwnDifference
from earlystop.evidence.sample_ratio import SampleRatioProcess
from earlystop.evidence.setting_check import Effect, EffectProcess
from earlystop.evidence.shown import ShownSums
from earlystop.evidence.split_scatter import NO_SPLIT, SplitScatter
from earlystop.evidence.tokens import Lengths, TokenProcess
from earlystop.evidence.user_factors import NOBODY_SEEN, SeenUsers
from earlystop.evidence.version import FIRST

__all__ = [
    "EXACT_MATCH",
    "Assessment",
    "EvidenceState",
    "Gap",
    "LogE",
    "Objective",
    "Verdict",
    "assess",
    "begin",
    "replay",
    "update",
]

LEAST_SHIFT, LARGEST_LEAST_SHIFT = 0.01, 0.05
"""Mean lengths that differ by less than the saving asked for, within these bounds, count as unmoved."""


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """Everything known after some looks. Its size does not grow with the number of looks.

    tokens: the asymptotic test, which intervals are read from too; exact_tokens: the exact one, where the longest
    possible answer is known: it then decides. users, arms, split: what looks have shown of how much events scatter.
    own: what cohorts differ by, from the first look on in which the setting is tried; None before, and where none were
    watched with the same setting.
    """

    objective: Objective
    quality: Quality
    guardrails: Guardrails
    tokens: TokenProcess
    exact_tokens: BoundedTokenProcess | None
    setting: EffectProcess
    sample_ratio: SampleRatioProcess
    effect: ShownSums
    attrition: AttritionProcess
    users: SeenUsers = NOBODY_SEEN
    arms: ArmScatter = NOBODY_COMPARED
    split: SplitScatter = NO_SPLIT
    own: OwnDifference | None = None
    _assessment: Assessment | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def assessment(self) -> Assessment:
        """What the state says, worked out when it is first asked for: its intervals are found by bisection, and a
        replay asks for that of its last state alone."""
        if self._assessment is None:
            object.__setattr__(self, "_assessment", assess(self))
        assert self._assessment is not None  # set above
        return self._assessment

    @property
    def witnesses(self) -> Witnesses:
        """What looks have shown of how much events scatter."""
        return Witnesses(self.users, self.arms, self.split, self.tokens.blocks)

    @property
    def dispersion(self) -> Knowledge:
        """What is known of how much answers scatter."""
        return knowledge(self.objective, self.witnesses)

    def log_e_against_loss(self, loss: float) -> float:
        """As `shown.log_e_against_loss`, for answers that scatter as the last look has it."""
        paired, factor = self.quality.paired_promote, self.dispersion.factor
        return shown.log_e_against_loss(self.effect, paired, self.objective, loss, factor)


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
        arms=arm_scatter.start(len(objective.guardrails)),
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
    if not _is_tried(state) and look.step >= state.objective.same_setting_steps:
        state = _tried_now(state)
    judged = missing_answers.as_judged(state.objective, look) if usable else look
    lengths_b, lengths_c = _lengths(look.baseline), _lengths(look.candidate)
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
    if not _is_tried(state):
        return after
    quality = state.quality
    return replace(
        after,
        quality=em_claims.advance(quality, objective, judged, divided.answers, divided.by_look) if usable else quality,
        guardrails=guardrails.update(state.guardrails, objective, look, judged, divided),
        exact_tokens=exact and empirical_bernstein.update(exact, lengths_b, lengths_c, divided.bounded_lengths),
        setting=setting_check.update(state.setting, moved),
    )


def _is_tried(state: EvidenceState) -> bool:
    """Whether the candidate's setting is what the looks so far are about."""
    return not state.objective.same_setting_steps or state.own is not None


def own_difference(state: EvidenceState) -> OwnDifference:
    """What cohorts differ by with the same setting; before the candidate's is tried, as far as it is known."""
    if state.own is not None:
        return state.own
    divided = divisors(state.objective, state.witnesses)
    return same_setting.own_difference(
        state.effect, state.tokens, state.objective, divided.answers.factor, divided.lengths.factor
    )


def _tried_now(state: EvidenceState) -> EvidenceState:
    """Before the first look in which the setting is tried, after those with the same setting on both sides."""
    objective, own = state.objective, own_difference(state)
    return replace(
        state,
        own=own,
        quality=same_setting.claims(objective, own),
        tokens=same_setting.lengths_anew(state.tokens, objective, own),
        exact_tokens=same_setting.bounded_lengths_anew(objective, own),
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
        arms = arm_scatter.observe_pairs(arms, look.candidate.pairs)
    elif usable:
        arms = arm_scatter.observe_answers(arms, em_claims.by_class(objective, judged))
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


def assess(state: EvidenceState) -> Assessment:
    """Read claims, intervals and the verdict from a state."""
    objective = state.objective
    promote, harm = state.quality.deciding(objective.basis)
    saved = state.exact_tokens or (state.tokens if _is_tried(state) else tokens.start(objective.minimum_saving))
    others = [
        *guardrails.processes(state.guardrails, objective),
        *em_claims.class_processes(state.quality, objective),
    ]
    risks = objective.harm_risks
    harms = [EXACT_MATCH] if _shown(said(harm), risks.exact_match) else []
    harms += [name for name, process in others if _shown(said(process), risks.guardrails.get(name, 0.0))]
    saves = _shown(saved.log_e_max, objective.risk_promote)
    has_room = state.own is None or state.own.leaves_room(objective.margin)
    keeps = has_room and _shown(promote.log_e_max, objective.risk_promote)
    certified = all(_shown(each.log_e_max, objective.risk_promote) for each in state.quality.certified)
    return Assessment(
        log_e=LogE(
            promote.log_e,
            harm.log_e,
            saved.log_e,
            state.sample_ratio.log_e,
            tuple((name, process.log_e) for name, process in others),
            state.attrition.log_e,
        ),
        log_e_max=LogE(
            promote.log_e_max,
            said(harm),
            saved.log_e_max,
            state.sample_ratio.log_e_max,
            tuple((name, _largest(name, process)) for name, process in others),
            state.attrition.log_e_max,
        ),
        effect=_effect(state, is_non_inferior=keeps, is_harmful=EXACT_MATCH in harms),
        saving=_saving(state, saves=saves),
        scored=_scored(state),
        # Lengths that are shown to be shorter have moved, however little.
        setting=Effect.MOVED if saves else state.setting.effect,
        non_inferior=keeps and certified,
        saves_tokens=saves,
        harms=tuple(harms),
        sample_ratio_broken=_shown(state.sample_ratio.log_e_shown, objective.risk_sample_ratio),
        users=state.users.last,
        dispersion=state.dispersion,
        attrition=state.attrition.shown(objective.risk_attrition),
        is_mostly_unscored=attrition.is_mostly_unscored(state.attrition, objective),
        contradiction=attrition.contradiction(state.attrition),
        attrition_suspected=bool(state.attrition.suspected),
    )


def _effect(state: EvidenceState, *, is_non_inferior: bool, is_harmful: bool) -> Interval:
    if not _is_tried(state):
        return own_difference(state).em
    paired, factor = state.quality.paired_promote, state.dispersion.factor
    return shown.effect(
        state.effect,
        paired,
        state.objective,
        is_non_inferior=is_non_inferior,
        is_harmful=is_harmful,
        factor=factor,
        own=state.own,
    )


def _saving(state: EvidenceState, *, saves: bool) -> Interval:
    if not _is_tried(state):
        return own_difference(state).saving
    factor, exact = divisors(state.objective, state.witnesses).lengths.factor, state.exact_tokens
    return shown.saving(state.tokens, exact, state.objective, saves=saves, factor=factor, own=state.own)


def _largest(claim: Claim, process: EProcess) -> float:
    return process.log_e_max if claim.kind is ClaimKind.CERTIFICATE else said(process)


def _scored(state: EvidenceState) -> tuple[int, int]:
    if state.objective.basis is Basis.PAIRS:
        total = state.quality.paired_promote.pairs.total
        return total, total
    return state.effect.scored


def _shown(log_e_max: float, risk: float) -> bool:
    """Whether a claim is made at this risk; one with no risk to spend is never made."""
    return risk > 0 and log_e_max >= -log(risk)


def _without_answers(look: Look) -> Look:
    """The look with its requests alone."""
    nothing = (ClassAnswers(),) * len(look.classes)
    baseline, candidate = (replace(each, match=0, mismatch=0, unscored=0) for each in (look.baseline, look.candidate))
    return replace(look, baseline=baseline, candidate=candidate, classes=nothing)


def _lengths(tally: Tally) -> Lengths:
    return Lengths(tally.completed, tally.tokens, tally.tokens_squared)
