"""Doubts about answers that are missing: the reason that holds promotions, and a sentence on what to do about it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from earlystop.api.counts import Tally
from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.evidence.attrition import Silence
from earlystop.evidence.engine import EvidenceState
from earlystop.evidence.pair_attrition import OneSided, PairAttrition
from earlystop.rollout.formatting import in_count
from earlystop.rollout.state import Comparison, RolloutState


class Doubt(NamedTuple):
    """reason: a word of `api/reasons/missing.py`. message: what is doubted, in numbers, and what to do."""

    reason: str
    message: str


def doubts_of(comparison: Comparison) -> tuple[Doubt, ...]:
    """What holds the promotion of one candidate, the gravest first; nothing where counts are sound."""
    claims, doubts = comparison.claims, []
    if claims.contradiction:
        message = f"The counts contradict themselves: {claims.contradiction}. Nothing is promoted. Correct what the "
        reason = "CountsContradict"
        doubts.append(Doubt(reason, f"{message}server counts, then retry."))
    if claims.attrition:
        reason = "AttritionDiffers"
        doubts.append(
            Doubt(
                reason,
                f"More is missing in one variant: {attrition_phrase(comparison.evidence)}. "
                f"{_what_follows(comparison)}, so it is not promoted. Find why answers are missing, then retry.",
            )
        )
    if claims.is_mostly_unscored:
        reason = "MostlyUnscored"
        doubts.append(
            Doubt(
                reason,
                f"Most answers could not be scored ({unscored_phrase(comparison.evidence)}), and each counts as a "
                "wrong one, which says little about the others. Nothing is promoted. Count answers that nobody tries "
                "to score not at all (result=None), or write exactMatch.unscored: Exclude.",
            )
        )
    return tuple(doubts)


def doubts_in(state: RolloutState) -> tuple[tuple[str, str], ...]:
    """Of each doubt about a candidate that gets requests, the candidate's name and the reason."""
    return tuple((each.name, doubt.reason) for each in state.active for doubt in doubts_of(each))


def new_doubts(known: Collection[tuple[str, str]], after: RolloutState) -> tuple[Doubt, ...]:
    """The doubts about candidates that get requests which were not there before. known: those that were, as
    `doubts_in` gives them."""
    found = [(each.name, doubt) for each in after.active for doubt in doubts_of(each)]
    return tuple(doubt for name, doubt in found if (name, doubt.reason) not in known)


def doubt_about_all(comparisons: tuple[Comparison, ...]) -> Doubt | None:
    """The gravest doubt about the first of them, where each has one: of several, one holds back no other."""
    doubts = [doubts_of(each) for each in comparisons]
    return doubts[0][0] if doubts and all(doubts) else None


def attrition_phrase(evidence: EvidenceState) -> str:
    """How much is missing of each variant, in the ways that are shown or seem to differ."""
    if isinstance(evidence.missing, PairAttrition):
        return _of_pairs(evidence.missing, evidence.objective.risk_attrition)
    process = evidence.attrition
    ways = process.shown(evidence.objective.risk_attrition) or process.suspected
    arms = process.candidate, process.baseline
    overdue = process.never_ended[1], process.never_ended[0]
    phrases = {way: _phrase(way, arms, overdue) for way in ways}
    if process.requests.adds_up and overdue[0] <= overdue[1]:
        baseline, candidate = process.requests.adding_up
        phrases[Silence.NEVER_ENDED] = (
            f"{rounded_percent(candidate, 1)} of the candidate's latest requests stay open and "
            f"{rounded_percent(baseline, 1)} of the baseline's"
        )
    return "; ".join(phrases.values())


def _what_follows(comparison: Comparison) -> str:
    """A sentence on what answers that are missing may hide."""
    missing = comparison.evidence.missing
    if isinstance(missing, PairAttrition) and not missing.both_ways:
        return f"Each answer of the baseline that is missing speaks for {comparison.name}"
    return f"What is missing may be what {comparison.name} gets wrong"


def _of_pairs(process: PairAttrition, risk: float) -> str:
    """Of how many pairs each variant's answer is missing, in the ways that are shown or seem to differ."""
    ways = process.shown(risk) or process.suspected
    answers, phrases = process.answers, []
    if OneSided.MISSING in ways:
        shares = [_percent(each, answers.known) for each in (answers.without_baseline, answers.without_candidate)]
        phrases.append(
            f"of {shares[0]} of the pairs the baseline's answer alone failed or could not be scored, and of "
            f"{shares[1]} the candidate's"
        )
    if OneSided.BESIDE_RIGHT in ways:
        phrases.append(
            f"{counted(answers.without_baseline_right, 'right answer', 'right answers')} of the candidate "
            f"{'stands' if answers.without_baseline_right == 1 else 'stand'} beside a missing one of the baseline, and "
            f"{in_count(answers.without_candidate_right)} the other way round"
        )
    return "; ".join(phrases)


def unscored_phrase(evidence: EvidenceState) -> str:
    """How many answers of each variant could not be scored."""
    arms = evidence.attrition.candidate, evidence.attrition.baseline
    return _phrase(Silence.UNSCORED, arms, (0, 0))


def _phrase(way: Silence, arms: tuple[Tally, Tally], overdue: tuple[int, int]) -> str:
    match way:
        case Silence.FAILED:
            shares = [_percent(arm.failed, arm.completed + arm.failed) for arm in arms]
            return f"{shares[0]} of the candidate's requests failed and {shares[1]} of the baseline's"
        case Silence.NEVER_ENDED:
            shares = [_percent(late, arm.started) for late, arm in zip(overdue, arms, strict=True)]
            return f"at least {shares[0]} of the candidate's requests never ended and {shares[1]} of the baseline's"
        case Silence.NOT_TRIED:
            shares = [_percent(arm.completed - arm.tried, arm.completed) for arm in arms]
            return f"nobody tried to score {shares[0]} of the candidate's answers and {shares[1]} of the baseline's"
        case Silence.UNSCORED:
            shares = [_percent(arm.unscored, arm.tried) for arm in arms]
            return f"{shares[0]} of the candidate's answers could not be scored and {shares[1]} of the baseline's"


def _percent(part: int, whole: int) -> str:
    return rounded_percent(max(0, part) / whole, 1) if whole else "none"
