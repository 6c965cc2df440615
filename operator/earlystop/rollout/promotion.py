"""What a promotion needs: one rule for decisions by evidence, for those that a person asks for, and to verify."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

from earlystop.evidence.engine import Gap
from earlystop.evidence.intervals import Interval
from earlystop.rollout.doubts import attrition_phrase, unscored_phrase
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, RolloutState
from earlystop.rollout.steps import has_least_time
from earlystop.rollout.strategy import strategy_of


@dataclass(frozen=True, slots=True)
class NotNonInferior:
    """A loss of Exact Match below `margin` is not shown. log_e, needed: the largest log e-value so far and the one at
    which it is. require_each: whether each query class must be proven too. classes: those that are not."""

    margin: float
    effect: Interval
    log_e: float
    needed: float
    require_each: bool
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotSaving:
    """A saving of `minimum_saving` of the tokens is not shown. log_e, needed: as in `NotNonInferior`."""

    minimum_saving: float
    saving: Interval
    log_e: float
    needed: float


@dataclass(frozen=True, slots=True)
class UnsoundSplit:
    """Requests of a candidate are shown not to arrive as they were split."""

    candidate: str


@dataclass(frozen=True, slots=True)
class UnknownDispersion:
    """The same users are in every look, and it is not known how much they scatter."""


@dataclass(frozen=True, slots=True)
class UnmovedSetting:
    """Lengths of answers are shown not to have moved."""


@dataclass(frozen=True, slots=True)
class UnequalAttrition:
    """More is shown to be missing in one variant than in the other. phrase: what, of which, and how much."""

    phrase: str


@dataclass(frozen=True, slots=True)
class MostlyUnscored:
    """Most answers of a variant could not be scored. phrase: how many."""

    phrase: str


@dataclass(frozen=True, slots=True)
class ContradictoryCounts:
    """The counts contradict themselves. phrase: how."""

    phrase: str


@dataclass(frozen=True, slots=True)
class NotCertified:
    """The candidate's claims hold by themselves, and not yet beside those of the other candidates."""


@dataclass(frozen=True, slots=True)
class NoLiveAnswers:
    """No request was answered with the candidate's setting yet."""


@dataclass(frozen=True, slots=True)
class LeastTime:
    """The step was not watched for its least time."""

    seconds: int


Unsound = UnsoundSplit | UnknownDispersion | UnmovedSetting | UnequalAttrition | MostlyUnscored | ContradictoryCounts
Missing = NotNonInferior | NotSaving | Unsound | NotCertified | NoLiveAnswers | LeastTime


def missing_for_promotion(plan: Plan, state: RolloutState, name: str, at: int) -> tuple[Missing, ...]:
    """What a promotion of a candidate by evidence still needs at moment `at` (Unix seconds); none when it may be.

    The least time of a step is named only where nothing else is missing. Raises KeyError for a name that is not tried.
    """
    missing = list(missing_proof(plan, state.comparison(name), state.active))
    if not strategy_of(plan).is_final(plan, state.step):
        missing.append(NoLiveAnswers())
    if not missing and not has_least_time(plan, state, at):
        missing.append(LeastTime(plan.stage(state.step).minimum_seconds))
    return tuple(missing)


def missing_proof(plan: Plan, comparison: Comparison, tried: Iterable[Comparison]) -> tuple[Missing, ...]:
    """The part of it that looks alone say. tried: comparisons of all candidates that get requests: while those of any
    do not arrive as they were split, none is promoted. A certificate is named only where nothing else is missing."""
    missing = _own(comparison)
    others = (each for each in tried if each.name != comparison.name)
    missing += [UnsoundSplit(each.name) for each in others if each.assessment.sample_ratio_broken]
    if not missing and strategy_of(plan).judges_together(plan) and comparison.certified_at is None:
        missing.append(NotCertified())
    return tuple(missing)


def _own(comparison: Comparison) -> list[Missing]:
    """What the candidate's own evidence lacks."""
    assessment, objective = comparison.assessment, comparison.evidence.objective
    log_e, needed = assessment.log_e_max, -log(objective.risk_promote)
    missing: list[Missing] = []
    for gap in assessment.gaps:
        match gap:
            case Gap.EXACT_MATCH:
                unproven = tuple(name for name, value in log_e.certificates if value < needed)
                values = objective.margin, assessment.effect, log_e.promote
                missing.append(NotNonInferior(*values, needed, objective.require_each, unproven))
            case Gap.TOKENS:
                missing.append(NotSaving(objective.minimum_saving, assessment.saving, log_e.tokens, needed))
            case Gap.SAMPLE_RATIO:
                missing.append(UnsoundSplit(comparison.name))
            case Gap.DISPERSION:
                missing.append(UnknownDispersion())
            case Gap.SETTING:
                missing.append(UnmovedSetting())
            case Gap.ATTRITION:
                missing.append(UnequalAttrition(attrition_phrase(comparison.evidence)))
            case Gap.UNSCORED:
                missing.append(MostlyUnscored(unscored_phrase(comparison.evidence)))
            case Gap.COUNTS:
                missing.append(ContradictoryCounts(assessment.contradiction))
    return missing
