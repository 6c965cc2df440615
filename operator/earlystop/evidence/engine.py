"""All evidence of a comparison, folded over looks: begin, update with each look, assess at any moment.

Pure and deterministic: the same looks in the same order give the same floats, bit by bit, so a verdict can be
recomputed from the looks that it stores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import log

from earlystop.api.counts import TALLY_FIELDS, Look, Tally, Variant
from earlystop.evidence import exact_match, intervals, sample_ratio, tokens
from earlystop.evidence.exact_match import Answers, ExactMatchProcess, Side
from earlystop.evidence.intervals import EffectSums, Interval
from earlystop.evidence.sample_ratio import SampleRatioProcess
from earlystop.evidence.tokens import Lengths, TokenProcess


class Verdict(StrEnum):
    """What the evidence asks for."""

    CONTINUE = "Continue"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


@dataclass(frozen=True, slots=True)
class Objective:
    """What must be proven, and how often each proof may be wrong.

    margin: tolerated loss of Exact Match, 0 < margin < 1. minimum_saving: share of output tokens that must be
    saved, 0 <= minimum_saving < 1. risk_*: probability of a false claim over all looks together, 0 < risk <
    1; promoting needs two claims, each at `risk_promote`, so a false promotion has at most that probability.
    Raises ValueError, naming the field, outside these domains.
    """

    margin: float
    minimum_saving: float
    risk_promote: float
    risk_harm: float
    risk_sample_ratio: float = 0.001

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise ValueError(f"margin is {self.margin}; write the tolerated loss as a fraction, as in 0.02")
        if not 0 <= self.minimum_saving < 1:
            raise ValueError(f"minimum_saving is {self.minimum_saving}; write a share of tokens, as in 0.10")
        for name in ("risk_promote", "risk_harm", "risk_sample_ratio"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; write a probability, as in 0.05")


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """Everything known after some looks. Its size does not grow with the number of looks."""

    objective: Objective
    promote: ExactMatchProcess
    harm: ExactMatchProcess
    tokens: TokenProcess
    sample_ratio: SampleRatioProcess
    effect: EffectSums


@dataclass(frozen=True, slots=True)
class LogE:
    """Natural logarithms of e-values: non-inferior EM, harm, token saving, broken sample ratio."""

    promote: float
    harm: float
    tokens: float
    sample_ratio: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a state says. log_e: now; log_e_max: the largest so far, which is what claims are read from.

    effect: EM candidate minus baseline; saving: share of tokens saved; scored: answers in use, baseline and
    candidate. The four claims, once true, stay true with further looks.
    """

    log_e: LogE
    log_e_max: LogE
    effect: Interval
    saving: Interval
    scored: tuple[int, int]
    non_inferior: bool
    saves_tokens: bool
    harmful: bool
    sample_ratio_broken: bool

    @property
    def verdict(self) -> Verdict:
        """Harm comes first. A promotion needs both claims and traffic that arrives as it was asked to."""
        if self.harmful:
            return Verdict.ROLL_BACK
        if self.non_inferior and self.saves_tokens and not self.sample_ratio_broken:
            return Verdict.PROMOTE
        return Verdict.CONTINUE


def begin(objective: Objective) -> EvidenceState:
    """The state before the first look of a campaign."""
    return EvidenceState(
        objective,
        exact_match.start(objective.margin, Side.PROMOTE),
        exact_match.start(objective.margin, Side.HARM),
        tokens.start(objective.minimum_saving),
        sample_ratio.start(),
        EffectSums(),
    )


def update(state: EvidenceState, look: Look) -> EvidenceState:
    """The state after one more look.

    Every count enters once. A look in which an arm has no scored answer adds nothing to EM, and its answers
    are not seen again: a caller keeps `match` and `mismatch` back and adds them to a later look, while
    started and completed requests may be passed at once. Token counts are gathered here until there are
    enough. Raises ValueError for a negative count or a weight outside 1..99, naming the field.
    """
    _check(look)
    answers_b = Answers(look.baseline.scored, look.baseline.match)
    answers_c = Answers(look.candidate.scored, look.candidate.match)
    return EvidenceState(
        state.objective,
        exact_match.update(state.promote, answers_b, answers_c),
        exact_match.update(state.harm, answers_b, answers_c),
        tokens.update(state.tokens, _lengths(look.baseline), _lengths(look.candidate), look.weight),
        sample_ratio.update(state.sample_ratio, look.baseline.started, look.candidate.started, look.weight),
        intervals.add_look(state.effect, answers_b, answers_c),
    )


def replay(objective: Objective, looks: Iterable[Look]) -> EvidenceState:
    """The state after all `looks`, in their order."""
    state = begin(objective)
    for look in looks:
        state = update(state, look)
    return state


def assess(state: EvidenceState) -> Assessment:
    """Read claims, intervals and the verdict from a state."""
    objective = state.objective
    log_e_max = LogE(
        state.promote.log_e_max, state.harm.log_e_max, state.tokens.log_e_max, state.sample_ratio.log_e_max
    )
    return Assessment(
        log_e=LogE(state.promote.log_e, state.harm.log_e, state.tokens.log_e, state.sample_ratio.log_e),
        log_e_max=log_e_max,
        effect=intervals.effect(state.effect, objective.margin),
        saving=intervals.saving(state.tokens),
        scored=(state.effect.baseline.scored, state.effect.candidate.scored),
        non_inferior=_shown(log_e_max.promote, objective.risk_promote),
        saves_tokens=_shown(log_e_max.tokens, objective.risk_promote),
        harmful=_shown(log_e_max.harm, objective.risk_harm),
        sample_ratio_broken=_shown(log_e_max.sample_ratio, objective.risk_sample_ratio),
    )


def _shown(log_e_max: float, risk: float) -> bool:
    return log_e_max >= -log(risk)


def _lengths(tally: Tally) -> Lengths:
    return Lengths(tally.completed, tally.tokens, tally.tokens_squared)


def _check(look: Look) -> None:
    if not 1 <= look.weight <= 99:
        raise ValueError(f"look at {look.at}: weight is {look.weight}; write the candidate's share in percent, 1..99")
    for variant, tally in ((Variant.BASELINE, look.baseline), (Variant.CANDIDATE, look.candidate)):
        row = tally.row()
        if min(row) < 0:
            name, count = next((n, c) for n, c in zip(TALLY_FIELDS, row, strict=True) if c < 0)
            raise ValueError(
                f"look at {look.at}: {variant}.{name} is {count}; write the increment since the look before, 0 or more"
            )
