"""What is known of a comparison after some looks, and what can be read from it: claims, intervals and the verdict.

Pure. `engine` makes these states from looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import log

from earlystop.evidence import attrition, em_claims, guardrails, pair_attrition, same_setting, shown, tokens
from earlystop.evidence.arm_scatter import NOBODY_COMPARED, ArmScatter
from earlystop.evidence.assessment import Assessment, Claims, LogE
from earlystop.evidence.attrition import AttritionProcess
from earlystop.evidence.discount import UNDIVIDED, Discount, EProcess, said
from earlystop.evidence.divisors import Knowledge, Witnesses, divisors, knowledge, of_lengths
from earlystop.evidence.em_claims import Quality
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.evidence.guardrails import Guardrails
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import EXACT_MATCH, Basis, Claim, ClaimKind, Objective
from earlystop.evidence.own_difference import OwnDifference
from earlystop.evidence.pair_attrition import PairAttrition
from earlystop.evidence.sample_ratio import SampleRatioProcess
from earlystop.evidence.setting_check import Effect, EffectProcess
from earlystop.evidence.shown import ShownSums
from earlystop.evidence.split_scatter import NO_SPLIT, SplitScatter
from earlystop.evidence.tokens import TokenProcess
from earlystop.evidence.user_factors import NOBODY_SEEN, SeenUsers
from earlystop.evidence.version import FIRST


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """Everything known after some looks. Its size does not grow with the number of looks.

    tokens: the asymptotic test, which intervals are read from too; exact_tokens: the exact one, where the longest
    possible answer is known: it then decides. users, arms, split: what looks have shown of how much events scatter.
    attrition, pair_attrition: what is missing, of the variants' own requests and of pairs. own: what cohorts differ by,
    from the first look on in which the setting is tried; None before, and where none were watched with the same
    setting.
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
    pair_attrition: PairAttrition
    users: SeenUsers = NOBODY_SEEN
    arms: ArmScatter = NOBODY_COMPARED
    split: SplitScatter = NO_SPLIT
    own: OwnDifference | None = None
    _claims: Claims | None = field(default=None, init=False, repr=False, compare=False)
    _dispersion: Knowledge | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def claims(self) -> Claims:
        """What the state claims, worked out when it is first asked for. Whoever asks at each look whether anything is
        decided needs no more."""
        if self._claims is None:
            object.__setattr__(self, "_claims", claimed(self))
        assert self._claims is not None  # set above
        return self._claims

    @property
    def assessment(self) -> Assessment:
        """What the state says, worked out when it is first asked for: its intervals are found by bisection, and a
        replay asks for that of its last state alone."""
        if not isinstance(self._claims, Assessment):
            object.__setattr__(self, "_claims", assess(self))
        assert isinstance(self._claims, Assessment)  # set above
        return self._claims

    @property
    def passes_limit(self) -> bool:
        """Whether answers were longer than the limit that caps of the variants say, which ended the exact token
        test."""
        return self.objective.limit_is_derived and self.exact_tokens is None

    @property
    def missing(self) -> AttritionProcess | PairAttrition:
        """The checks of missing answers that are about what Exact Match is read from."""
        return self.pair_attrition if pair_attrition.is_checked(self.objective) else self.attrition

    @property
    def witnesses(self) -> Witnesses:
        """What looks have shown of how much events scatter."""
        return Witnesses(self.users, self.arms, self.split, self.tokens.blocks)

    @property
    def dispersion(self) -> Knowledge:
        """What is known of how much answers scatter, worked out when it is first asked for."""
        if self._dispersion is None:
            self.keep_dispersion(knowledge(self.objective, self.witnesses))
        assert self._dispersion is not None  # set above
        return self._dispersion

    @property
    def discount_of_lengths(self) -> Discount:
        """How evidence on lengths is read."""
        if self.objective.engine == FIRST:
            return UNDIVIDED
        return of_lengths(self.objective, self.dispersion, self.witnesses)

    def keep_dispersion(self, known: Knowledge) -> None:
        """Keep what is known of how much answers scatter, for a caller that has worked it out from the same looks."""
        object.__setattr__(self, "_dispersion", known)

    def log_e_against_loss(self, loss: float) -> float:
        """As `shown.log_e_against_loss`, for answers that scatter as the last look has it."""
        paired, factor = self.quality.paired_promote, self.dispersion.factor
        return shown.log_e_against_loss(self.effect, paired, self.objective, loss, factor)


def is_tried(state: EvidenceState) -> bool:
    """Whether the candidate's setting is what the looks so far are about."""
    return not state.objective.same_setting_steps or state.own is not None


def own_difference(state: EvidenceState) -> OwnDifference:
    """What cohorts differ by with the same setting; before the candidate's is tried, as far as it is known."""
    if state.own is not None:
        return state.own
    divided = divisors(state.objective, state.witnesses)
    return same_setting.own_difference(state.effect, state.tokens, state.objective, divided.answers, divided.lengths)


_CLAIMS = tuple(each.name for each in fields(Claims))


def assess(state: EvidenceState) -> Assessment:
    """Read claims, intervals and the verdict from a state."""
    claims = state.claims
    is_harmful = EXACT_MATCH in claims.harms
    return Assessment(
        **{name: getattr(claims, name) for name in _CLAIMS},
        effect=_effect(state, is_non_inferior=_keeps_margin(state), is_harmful=is_harmful),
        saving=_saving(state, saves=claims.saves_tokens),
    )


def claimed(state: EvidenceState) -> Claims:
    """Read claims and the verdict from a state."""
    objective = state.objective
    promote, harm = state.quality.deciding(objective.basis)
    saved = state.exact_tokens or (state.tokens if is_tried(state) else tokens.start(objective.minimum_saving))
    others = [
        *guardrails.processes(state.guardrails, objective),
        *em_claims.class_processes(state.quality, objective),
    ]
    risks = objective.harm_risks
    harms = [EXACT_MATCH] if _shown(said(harm), risks.exact_match) else []
    harms += [name for name, process in others if _shown(said(process), risks.guardrails.get(name, 0.0))]
    saves = _shown(saved.log_e_max, objective.risk_promote)
    keeps = _keeps_margin(state)
    certified = all(_shown(each.log_e_max, objective.risk_promote) for each in state.quality.certified)
    return Claims(
        log_e=LogE(
            promote.log_e,
            harm.log_e,
            saved.log_e,
            state.sample_ratio.log_e,
            tuple((name, process.log_e) for name, process in others),
            state.missing.log_e,
        ),
        log_e_max=LogE(
            promote.log_e_max,
            said(harm),
            saved.log_e_max,
            state.sample_ratio.log_e_max,
            tuple((name, _largest(name, process)) for name, process in others),
            state.missing.log_e_max,
        ),
        scored=_scored(state),
        # Lengths that are shown to be shorter have moved, however little.
        setting=Effect.MOVED if saves else state.setting.effect,
        non_inferior=keeps and certified,
        saves_tokens=saves,
        harms=tuple(harms),
        sample_ratio_broken=_shown(state.sample_ratio.log_e_shown, objective.risk_sample_ratio),
        users=state.users.last,
        dispersion=state.dispersion,
        attrition=state.missing.shown(objective.risk_attrition),
        is_mostly_unscored=attrition.is_mostly_unscored(state.attrition, objective),
        contradiction=attrition.contradiction(state.attrition) or pair_attrition.contradiction(state.pair_attrition),
        attrition_suspected=bool(state.missing.suspected),
        rests_on_missing=keeps and state.pair_attrition.rests_on_missing(objective.risk_promote),
    )


def _keeps_margin(state: EvidenceState) -> bool:
    """Whether it is shown that all requests together lose less than the margin."""
    promote, _ = state.quality.deciding(state.objective.basis)
    has_room = state.own is None or state.own.leaves_room(state.objective.margin)
    return has_room and _shown(promote.log_e_max, state.objective.risk_promote)


def _effect(state: EvidenceState, *, is_non_inferior: bool, is_harmful: bool) -> Interval:
    if not is_tried(state):
        return own_difference(state).em
    return shown.effect(
        state.effect,
        state.quality.paired_promote,
        state.objective,
        is_non_inferior=is_non_inferior,
        is_harmful=is_harmful,
        discount=state.dispersion.discount,
        own=state.own,
    )


def _saving(state: EvidenceState, *, saves: bool) -> Interval:
    if not is_tried(state):
        return own_difference(state).saving
    discount, exact = state.discount_of_lengths, state.exact_tokens
    return shown.saving(state.tokens, exact, state.objective, saves=saves, discount=discount, own=state.own)


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
