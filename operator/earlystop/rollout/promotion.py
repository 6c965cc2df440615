"""What a promotion needs: one rule for decisions by evidence, for those that a person asks for, and to verify."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import log

from earlystop.evidence import request_mix
from earlystop.evidence.divisors import Knowledge
from earlystop.evidence.engine import Gap
from earlystop.evidence.intervals import Interval
from earlystop.evidence.version import FIRST, SECOND, THIRD
from earlystop.rollout.doubts import attrition_phrase, unscored_phrase
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, RolloutState
from earlystop.rollout.steps import has_least_time
from earlystop.rollout.strategy import strategy_of

HOUR = 3600
LARGEST_GAP = 0.25
"""So large a part of `rollout.minimumHours`, and an hour at least, a stretch without looks may cover: a night in which
nobody asks is part of a day, and a rollout that was suspended for a day has seen none of it."""


@dataclass(frozen=True, slots=True)
class NotNonInferior:
    """A loss of Exact Match below `margin` is not shown. log_e: the largest log e-value so far. risk: of the claim,
    which is proven at ln(1/risk). require_each: whether each query class must be proven too. classes: those that are
    not."""

    margin: float
    effect: Interval
    log_e: float
    risk: float
    require_each: bool
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotSaving:
    """A saving of `minimum_saving` of the tokens is not shown. log_e, risk: as in `NotNonInferior`. rests_on_few:
    whether few long answers make what is seen of it."""

    minimum_saving: float
    saving: Interval
    log_e: float
    risk: float
    rests_on_few: bool = False


@dataclass(frozen=True, slots=True)
class UnsoundSplit:
    """Requests of a candidate are shown not to arrive as they were split."""

    candidate: str


@dataclass(frozen=True, slots=True)
class UnknownDispersion:
    """A promotion lacks knowledge of how much answers scatter. known: what is known of it."""

    known: Knowledge


@dataclass(frozen=True, slots=True)
class UnmovedSetting:
    """Lengths of answers are shown not to have moved."""


@dataclass(frozen=True, slots=True)
class UnequalAttrition:
    """More is shown to be missing in one variant than in the other. phrase: what, of which, and how much."""

    phrase: str


@dataclass(frozen=True, slots=True)
class RestsOnMissing:
    """The pairs that lack no answer do not prove by themselves what all pairs do. lacking: how many lack one."""

    lacking: int


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


@dataclass(frozen=True, slots=True)
class EvidenceTurned:
    """A claim was proven, and the evidence now speaks against it. claim: what it says, in words. log_e, largest: the
    log e-value now, at most 0, and the one that it was proven by."""

    claim: str
    log_e: float
    largest: float


@dataclass(frozen=True, slots=True)
class HoursNotCovered:
    """The looks span fewer hours than a promotion asks for. until: moment of the first look that may promote, Unix
    seconds."""

    hours: int
    until: int


@dataclass(frozen=True, slots=True)
class MixMoved:
    """The mix of query classes moved with the weights: evidence excludes a loss of `margin`, but not over all requests.
    lost: the estimated loss of EM over all requests, a fraction."""

    margin: float
    lost: float


Missing = (
    NotNonInferior
    | NotSaving
    | RestsOnMissing
    | Unsound
    | NotCertified
    | NoLiveAnswers
    | LeastTime
    | EvidenceTurned
    | HoursNotCovered
    | MixMoved
)


def missing_for_promotion(plan: Plan, state: RolloutState, name: str, at: int) -> tuple[Missing, ...]:
    """What a promotion of a candidate by evidence still needs at moment `at` (Unix seconds); none when it may be.

    The least time of a step is named only where nothing else is missing. Under version 2 of the engine a mix that moved
    comes after it: it was no part of the proof. Raises KeyError for a name that is not tried.
    """
    comparison = state.comparison(name)
    missing = list(missing_proof(plan, comparison, state.active))
    if not strategy_of(plan).is_final(plan, state.step):
        missing.append(NoLiveAnswers())
    if not missing and not has_least_time(plan, state, at):
        missing.append(LeastTime(plan.stage(state.step).minimum_seconds))
    if not missing and not _mix_is_proof(comparison):
        missing += mix_moved(comparison)
    return tuple(missing)


def missing_proof(plan: Plan, comparison: Comparison, tried: Iterable[Comparison]) -> tuple[Missing, ...]:
    """The part of it that looks alone say. tried: comparisons of all candidates that get requests: while those of any
    do not arrive as they were split, none is promoted. A certificate is named only where nothing else is missing, hours
    only where nothing else but them is, and so is a mix that moved, from version 3 of the engine on."""
    missing = _own(comparison) + _turned(comparison)
    others = (each for each in tried if each.name != comparison.name)
    missing += [UnsoundSplit(each.name) for each in others if each.claims.sample_ratio_broken]
    if not missing and strategy_of(plan).judges_together(plan) and comparison.certified_at is None:
        missing.append(NotCertified())
    # What follows goes through all looks, which are packed.
    uncovered = None if missing else hours_not_covered(plan, comparison)
    if uncovered is not None:
        missing.append(uncovered)
    if not missing and _mix_is_proof(comparison):
        missing += mix_moved(comparison)
    return tuple(missing)


def _own(comparison: Comparison) -> list[Missing]:
    """What a candidate's own evidence lacks for a promotion."""
    claims, objective = comparison.claims, comparison.evidence.objective
    log_e, risk = claims.log_e_max, objective.risk_promote
    missing: list[Missing] = []
    for gap in claims.gaps:
        match gap:
            case Gap.EXACT_MATCH:
                unproven = tuple(name for name, value in log_e.certificates if value < -log(risk))
                values = objective.margin, comparison.assessment.effect, log_e.promote
                missing.append(NotNonInferior(*values, risk, objective.require_each, unproven))
            case Gap.TOKENS:
                evidence = comparison.evidence
                rests_on_few = evidence.exact_tokens is None and evidence.tokens.rests_on_few
                saving = comparison.assessment.saving
                missing.append(NotSaving(objective.minimum_saving, saving, log_e.tokens, risk, rests_on_few))
            case Gap.SAMPLE_RATIO:
                missing.append(UnsoundSplit(comparison.name))
            case Gap.DISPERSION:
                missing.append(UnknownDispersion(claims.dispersion))
            case Gap.SETTING:
                missing.append(UnmovedSetting())
            case Gap.ATTRITION:
                missing.append(UnequalAttrition(attrition_phrase(comparison.evidence)))
            case Gap.WHOLE_PAIRS:
                missing.append(RestsOnMissing(comparison.evidence.pair_attrition.answers.one_sided))
            case Gap.UNSCORED:
                missing.append(MostlyUnscored(unscored_phrase(comparison.evidence)))
            case Gap.COUNTS:
                missing.append(ContradictoryCounts(claims.contradiction))
    return missing


def _turned(comparison: Comparison) -> list[Missing]:
    """The claims that were proven and that the evidence now speaks against. A claim once made by a stated factor
    stays made, at its risk; but who promotes on it wants it to hold still. Version 1 of the engine did not
    ask for that."""
    objective, claimed = comparison.evidence.objective, comparison.claims
    if objective.engine == FIRST:
        return []
    now, most, needed = claimed.log_e, claimed.log_e_max, -log(objective.risk_promote)
    claims = [("a loss of less than the margin", now.promote, most.promote), ("the saving", now.tokens, most.tokens)]
    classes = zip(now.certificates, most.certificates, strict=True)
    claims += [(f"a loss of less than the margin in {name}", value, largest) for (name, value), (_, largest) in classes]
    return [EvidenceTurned(*claim) for claim in claims if claim[1] <= 0 and claim[2] >= needed]


def hours_not_covered(plan: Plan, comparison: Comparison) -> HoursNotCovered | None:
    """The hours that looks with the candidate's setting do not span yet. The looks alone tell it. While a rollout is
    suspended, or nothing can be counted, there are none, and nothing is known of the traffic then."""
    hours, objective = plan.spec.rollout.minimum_hours, comparison.evidence.objective
    moments = [look.at for look in comparison.looks if look.step >= objective.same_setting_steps] if hours else []
    if not hours or not moments:
        return None
    until = moments[0] + HOUR * hours
    if objective.engine > THIRD:
        most = HOUR * max(1.0, LARGEST_GAP * hours)
        until += round(sum(max(0.0, after - before - most) for before, after in pairwise(moments)))
    return None if moments[-1] >= until else HoursNotCovered(hours, until)


def _mix_is_proof(comparison: Comparison) -> bool:
    return comparison.evidence.objective.engine > SECOND


def mix_moved(comparison: Comparison) -> tuple[MixMoved, ...]:
    """What a proven candidate lacks over all requests, where their mix moved with the weights. Steps with the same
    setting on both sides count nowhere."""
    objective = comparison.evidence.objective
    if objective.engine == FIRST or not objective.classes:
        return ()
    effect = comparison.assessment.effect
    if effect.low is None or effect.estimate is None:
        return ()
    looks = (look for look in comparison.looks if look.step >= objective.same_setting_steps)
    discount = comparison.claims.dispersion.discount
    shift = request_mix.shift(objective, looks, discount.factor)
    if request_mix.holds_over_requests(objective, shift, effect.low, discount):
        return ()
    return (MixMoved(objective.margin, -effect.estimate - shift.difference),)


def held_promotion(plan: Plan, state: RolloutState, at: int) -> tuple[str, Missing] | None:
    """Name of a candidate of which everything is proven, and what alone holds its promotion at moment `at`; None
    where there is none."""
    for each in state.active:
        if each.claims.gaps:
            continue  # as nearly always: something is not proven
        missing = missing_for_promotion(plan, state, each.name, at)
        if missing and all(isinstance(one, EvidenceTurned | HoursNotCovered | MixMoved | LeastTime) for one in missing):
            return each.name, missing[0]
    return None
