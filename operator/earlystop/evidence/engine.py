"""All evidence of a comparison, folded over looks: begin, update with each look, assess at any moment.

Pure and deterministic: the same looks in the same order give the same floats, bit by bit, so a verdict can be
recomputed from the looks that it stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import log

from earlystop.api.counts import ClassAnswers, Look, Tally, UserScatter
from earlystop.evidence import (
    attrition,
    em_claims,
    empirical_bernstein,
    guardrails,
    missing_answers,
    sample_ratio,
    setting_check,
    shown,
    tokens,
    user_factors,
)
from earlystop.evidence.attrition import AttritionProcess, Silence
from earlystop.evidence.em_claims import Quality
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.evidence.gaps import Gap
from earlystop.evidence.guardrails import Guardrails
from earlystop.evidence.intervals import Interval
from earlystop.evidence.look_check import check_look
from earlystop.evidence.objective import EXACT_MATCH, Basis, Claim, ClaimKind, Objective
from earlystop.evidence.sample_ratio import SampleRatioProcess
from earlystop.evidence.setting_check import Effect, EffectProcess
from earlystop.evidence.shown import ShownSums
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


class Verdict(StrEnum):
    """What the evidence asks for."""

    CONTINUE = "Continue"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """Everything known after some looks. Its size does not grow with the number of looks.

    tokens: the asymptotic test, which intervals are read from too; exact_tokens: the exact one, where the longest
    possible answer is known: it then decides. users: what is known of them where the same ones are in every look.
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
    def dispersion_unknown(self) -> bool:
        """Whether users are asked for, and the last look did not know them."""
        return self.objective.by_users and not self.users.is_known

    def log_e_against_loss(self, loss: float) -> float:
        """As `shown.log_e_against_loss`, for users who scatter as the last look has it."""
        paired, factor = self.quality.paired_promote, self.users.factors.beyond(self.objective.dispersion).answers
        return shown.log_e_against_loss(self.effect, paired, self.objective, loss, factor)


@dataclass(frozen=True, slots=True)
class LogE:
    """Natural logarithms of e-values: non-inferior EM, harm, token saving, broken sample ratio; others: claim and value
    of the floor, the guardrails and the query classes; attrition: that more is missing in one variant."""

    promote: float
    harm: float
    tokens: float
    sample_ratio: float
    others: tuple[tuple[Claim, float], ...] = ()
    attrition: float = 0.0

    @property
    def certificates(self) -> tuple[tuple[str, float], ...]:
        """Name and value of each query class that must be proven."""
        return tuple((claim.name, value) for claim, value in self.others if claim.kind is ClaimKind.CERTIFICATE)

    @property
    def harms(self) -> tuple[float, ...]:
        """Values of every claim that takes the candidate back."""
        against = (value for claim, value in self.others if claim.kind is not ClaimKind.CERTIFICATE)
        return (self.harm, *against)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a state says. log_e: now; log_e_max: the largest so far, which is what claims are read from.

    effect: EM candidate minus baseline; saving: share of tokens saved; scored: answers in use, baseline and
    candidate, or pairs as both. setting: whether lengths show that the setting is in force. harms: the claims that
    take the candidate back and are shown, `EXACT_MATCH` or of `log_e.others`. attrition: in which ways more is shown to
    be missing in one variant. The claims, once true, stay true.
    users: of the last look that knew them, None where they are not asked for or were never known. dispersion_unknown:
    whether they are asked for, and the last look did not know them.
    is_mostly_unscored, contradiction: what is wrong with the counts now, the second as the end of a sentence.
    attrition_suspected: whether more seems to be missing in one variant now, which keeps a promotion waiting and is no
    alarm.
    """

    log_e: LogE
    log_e_max: LogE
    effect: Interval
    saving: Interval
    scored: tuple[int, int]
    setting: Effect
    non_inferior: bool
    saves_tokens: bool
    harms: tuple[Claim, ...]
    sample_ratio_broken: bool
    users: UserScatter | None = None
    dispersion_unknown: bool = False
    attrition: tuple[Silence, ...] = ()
    is_mostly_unscored: bool = False
    contradiction: str = ""
    attrition_suspected: bool = False

    @property
    def harmful(self) -> bool:
        """Whether any harm is shown."""
        return bool(self.harms)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What a promotion needs and this evidence lacks: its claims, traffic that arrives as it was asked to, and a
        setting that does something."""
        lacking = (
            (Gap.EXACT_MATCH, not self.non_inferior),
            (Gap.TOKENS, not self.saves_tokens),
            (Gap.SAMPLE_RATIO, self.sample_ratio_broken),
            (Gap.DISPERSION, self.dispersion_unknown),
            (Gap.SETTING, self.setting is Effect.NOT_MOVED),
            (Gap.ATTRITION, bool(self.attrition or self.attrition_suspected)),
            (Gap.UNSCORED, self.is_mostly_unscored),
            (Gap.COUNTS, bool(self.contradiction)),
        )
        return tuple(gap for gap, is_lacking in lacking if is_lacking)

    @property
    def verdict(self) -> Verdict:
        """Harm comes first. A promotion needs evidence without `gaps`."""
        if self.harmful:
            return Verdict.ROLL_BACK
        return Verdict.CONTINUE if self.gaps else Verdict.PROMOTE


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
        sample_ratio=sample_ratio.start(in_clumps=objective.engine != FIRST),
        effect=shown.start(objective),
        attrition=attrition.start(),
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
    judged = missing_answers.as_judged(state.objective, look) if usable else look
    lengths_b, lengths_c = _lengths(look.baseline), _lengths(look.candidate)
    users = user_factors.observe(state.users, look) if state.objective.by_users else state.users
    factors = users.factors.beyond(state.objective.dispersion)
    of_lengths = factors.lengths
    exact, moved = state.exact_tokens, tokens.update(state.tokens, lengths_b, lengths_c, look.share, of_lengths)
    return EvidenceState(
        objective=state.objective,
        quality=em_claims.advance(state.quality, state.objective, judged, factors) if usable else state.quality,
        guardrails=guardrails.update(state.guardrails, state.objective, look, judged, factors),
        tokens=moved,
        exact_tokens=None
        if exact is None
        else empirical_bernstein.update(exact, lengths_b, lengths_c, user_factor=of_lengths),
        setting=setting_check.update(state.setting, moved),
        sample_ratio=_split(state, look),
        effect=shown.add_look(state.effect, state.objective, em_claims.by_class(state.objective, judged), look.share),
        attrition=attrition.update(state.attrition, state.objective, look),
        users=users,
    )


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
    saved = state.exact_tokens or state.tokens
    others = [
        *guardrails.processes(state.guardrails, objective),
        *em_claims.class_processes(state.quality, objective),
    ]
    risks = objective.harm_risks
    harms = [EXACT_MATCH] if _shown(harm.log_e_max, risks.exact_match) else []
    harms += [name for name, process in others if _shown(process.log_e_max, risks.guardrails.get(name, 0.0))]
    saves = _shown(saved.log_e_max, objective.risk_promote)
    keeps = _shown(promote.log_e_max, objective.risk_promote)
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
            harm.log_e_max,
            saved.log_e_max,
            state.sample_ratio.log_e_max,
            tuple((name, process.log_e_max) for name, process in others),
            state.attrition.log_e_max,
        ),
        effect=shown.effect(
            state.effect,
            state.quality.paired_promote,
            objective,
            is_non_inferior=keeps,
            is_harmful=EXACT_MATCH in harms,
            user_factor=state.users.factors.beyond(objective.dispersion).answers,
        ),
        saving=shown.saving(state.tokens, state.exact_tokens, objective, saves=saves),
        scored=_scored(state),
        # Lengths that are shown to be shorter have moved, however little.
        setting=Effect.MOVED if saves else state.setting.effect,
        non_inferior=keeps and certified,
        saves_tokens=saves,
        harms=tuple(harms),
        sample_ratio_broken=_shown(state.sample_ratio.log_e_shown, objective.risk_sample_ratio),
        users=state.users.last,
        dispersion_unknown=state.dispersion_unknown,
        attrition=state.attrition.shown(objective.risk_attrition),
        is_mostly_unscored=attrition.is_mostly_unscored(state.attrition, objective),
        contradiction=attrition.contradiction(state.attrition),
        attrition_suspected=bool(state.attrition.suspected),
    )


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
