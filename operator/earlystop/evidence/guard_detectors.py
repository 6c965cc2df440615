"""All detectors of a guard, one for each claim that takes a setting back: Exact Match, floor, guardrails and classes,
and that the promoted setting answers at all.

They read a look as the claims of a trial do (`em_claims`, `guardrails`), and a factor by which evidence is divided is
the one that the trial had learned when it ended, so it is known before each look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log, log1p

from earlystop.api.counts import Look, Tally
from earlystop.evidence import change_detection, em_claims, guardrails, missing_answers, pairs, rate_ratio
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.change_detection import AnswerDetector, BetDetector, Detector
from earlystop.evidence.divisors import Witnesses, divisors
from earlystop.evidence.mixture import weighted_grid
from earlystop.evidence.objective import (
    EXACT_MATCH,
    FLOOR,
    UNANSWERED,
    Basis,
    Claim,
    Objective,
    class_claim,
    guardrail_claim,
)
from earlystop.evidence.rate_ratio import Events

FLOOR_GRID = weighted_grid([2.0**-k for k in range(1, 8)], [1.0] * 7)
"""Bets on Exact Match below the floor, by the share of the floor that is missing: from a half down to 1 in 128."""

ANSWERED_RATIO = 1.25
"""So many times as often as the promoted setting's must requests of the baseline come to an answer to be evidence."""
PART_OF_UNANSWERED = 0.1
"""What that claim has of the promised rate of false alarms."""
MOST_GAIN = 2.0
"""Natural log of what one look may show of it, at most: failures come in bursts, so that one look is no alarm. With one
false alarm in 30 days it takes nine."""

MOST_OPENED_SECONDS = 60.0
"""However long ago the look before was, no more time opens new bets: else a long gap would be an alarm by itself. It
makes false alarms rarer than promised, and never more frequent."""


@dataclass(frozen=True, slots=True)
class Factors:
    """The numbers, each >= 1, by which a look's evidence is divided. answers: on Exact Match and floor. guardrails: in
    the policy's order."""

    answers: float = 1.0
    guardrails: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Detectors:
    """The detectors of an objective after some looks; their size does not grow.

    exact_match: over all answers, or on pairs. floor: None without one. rates: of guardrails, and classes: of query
    classes, in the policy's order. unanswered: that requests come to no answer.
    """

    exact_match: Detector
    floor: BetDetector | None
    rates: tuple[BetDetector, ...]
    classes: tuple[AnswerDetector, ...]
    unanswered: BetDetector


def factors_of(objective: Objective, witnesses: Witnesses) -> Factors:
    """The factors by which a guard divides evidence: those that its trial had learned after its last look."""
    divided = divisors(objective, witnesses)
    return Factors(
        answers=divided.answers.factor * divided.by_look,
        guardrails=tuple(each.factor * divided.by_look for each in divided.guardrails),
    )


def start(objective: Objective) -> Detectors:
    """The detectors before any look of a guard."""
    on_pairs = objective.basis is Basis.PAIRS
    return Detectors(
        exact_match=change_detection.start_bets(pairs.GRID) if on_pairs else change_detection.start(objective.margin),
        floor=None if objective.floor is None else change_detection.start_bets(FLOOR_GRID),
        rates=tuple(change_detection.start_bets(rate_ratio.GRID) for _ in objective.guardrails),
        classes=tuple(change_detection.start(each.margin) for each in objective.classes),
        unanswered=change_detection.start_bets(rate_ratio.GRID),
    )


def is_usable(objective: Objective, look: Look) -> bool:
    """Whether a guard can compare the answers of a look (`em_claims.usable`), as Exact Match is read from it."""
    return em_claims.usable(objective, missing_answers.as_judged(objective, look))


def update(
    detectors: Detectors, objective: Objective, factors: Factors, look: Look, seconds: float, *, usable: bool
) -> Detectors:
    """The detectors after one more look.

    seconds: since the look before, > 0; more than a minute counts as one. usable: whether its answers can be compared
    (`is_usable`); else only its requests are. Raises ValueError for counts that cannot be.
    """
    judged, seconds = missing_answers.as_judged(objective, look), min(seconds, MOST_OPENED_SECONDS)
    after = _with_rates(detectors, objective, factors, look, seconds)
    after = _with_unanswered(after, objective, factors.answers, judged, seconds)
    return _with_answers(after, objective, factors.answers, judged, seconds) if usable else after


def named(detectors: Detectors, objective: Objective) -> Iterator[tuple[Claim, Detector]]:
    """Each detector by its claim."""
    yield EXACT_MATCH, detectors.exact_match
    if detectors.floor is not None:
        yield FLOOR, detectors.floor
    yield from zip((guardrail_claim(each.name) for each in objective.guardrails), detectors.rates, strict=True)
    yield from zip((class_claim(each.name) for each in objective.classes), detectors.classes, strict=True)
    yield UNANSWERED, detectors.unanswered


def mean_times(objective: Objective, seconds: float) -> dict[Claim, float]:
    """The mean time between false alarms that each detector promises, so that all together promise `seconds`.

    A tenth of it is for requests that come to no answer. Of the rest Exact Match has half where there are others, which
    share what is left evenly, as in a trial.
    """
    risks = objective.harm_risks
    parts = {EXACT_MATCH: risks.exact_match, **risks.guardrails}
    rest = seconds * objective.risk_harm / (1 - PART_OF_UNANSWERED)
    times = {claim: rest / part for claim, part in parts.items()}
    return {**times, UNANSWERED: seconds / PART_OF_UNANSWERED}


def alarms(detectors: Detectors, objective: Objective, seconds: float) -> tuple[Claim, ...]:
    """The claims of which a detector says that harm has begun; seconds: between false alarms, as promised."""
    times = mean_times(objective, seconds)
    return tuple(
        claim for claim, each in named(detectors, objective) if change_detection.shows_change(each, times[claim])
    )


def _with_answers(detectors: Detectors, objective: Objective, factor: float, judged: Look, seconds: float) -> Detectors:
    floor = detectors.floor
    if objective.basis is Basis.PAIRS:
        asked = judged.candidate.pairs
        gains = pairs.look_log_e(asked, objective.margin, Side.HARM)
        exact_match: Detector = change_detection.update_bets(_bets(detectors.exact_match), gains, factor, seconds)
        answers = Answers(asked.total, asked.both + asked.candidate_only)
        classes = detectors.classes
    else:
        by_class = em_claims.by_class(objective, judged)
        share = judged.share if objective.split_known else None
        exact_match = change_detection.update(
            _of_answers(detectors.exact_match), by_class, factor, share, opened=seconds
        )
        answers = Answers(judged.candidate.scored, judged.candidate.match)
        classes = tuple(
            change_detection.update(each, {em_claims.OTHER: by_class[margin.name]}, factor, share, opened=seconds)
            for each, margin in zip(detectors.classes, objective.classes, strict=True)
        )
    if floor is not None and objective.floor is not None and answers.scored:
        floor = change_detection.update_bets(floor, floor_log_e(answers, objective.floor), factor, seconds)
    return replace(detectors, exact_match=exact_match, floor=floor, classes=classes)


def _with_rates(detectors: Detectors, objective: Objective, factors: Factors, look: Look, seconds: float) -> Detectors:
    rates = []
    rows = zip(
        detectors.rates, objective.guardrails, guardrails.events_of(objective, look), factors.guardrails, strict=True
    )
    for detector, rail, (baseline, candidate), factor in rows:
        if not (baseline.exposed and candidate.exposed):
            rates.append(detector)
            continue
        gains = rate_ratio.look_log_e(baseline, candidate, rail.maximum_ratio)
        rates.append(change_detection.update_bets(detector, gains, factor, seconds))
    return replace(detectors, rates=tuple(rates))


def _with_unanswered(
    detectors: Detectors, objective: Objective, factor: float, judged: Look, seconds: float
) -> Detectors:
    """The test of a guardrail with the variants in each other's place: answers are the baseline's events too often."""
    baseline, candidate = (answered(objective, arm) for arm in (judged.baseline, judged.candidate))
    if not (baseline.exposed and candidate.exposed):
        return detectors
    if objective.basis is Basis.PAIRS or judged.candidate.pairs.total:
        baseline, candidate = _of_requests(baseline, judged.baseline), _of_requests(candidate, judged.candidate)
    gains = rate_ratio.look_log_e(candidate, baseline, ANSWERED_RATIO)
    bounded = [min(gain / factor, MOST_GAIN) for gain in gains]
    after = change_detection.update_bets(detectors.unanswered, bounded, opened=seconds)
    return replace(detectors, unanswered=after)


def answered(objective: Objective, arm: Tally) -> Events:
    """Requests of a variant, and its answers: those that were scored, where Exact Match is read from them."""
    answers = arm.completed if objective.basis is Basis.PAIRS else arm.scored
    return Events(arm.started or arm.completed + arm.failed, answers)


def _of_requests(events: Events, arm: Tally) -> Events:
    """Answers without those to golden questions, which an evaluator counts and no request of the route: as many of both
    variants, so that they are more for a request of the one that has fewer requests. At most as many answers are of
    requests as there were that did not fail."""
    return events._replace(events=min(events.events, max(0, events.exposed - arm.failed)))


def floor_log_e(answers: Answers, floor: float) -> list[float]:
    """log e-value of one look against "Exact Match is at the floor or above", for each bet of `FLOOR_GRID`: the
    likelihood ratio of a rate below it."""
    miss = answers.scored - answers.match
    ratios = ((log1p(-part), log((1 - floor * (1 - part)) / (1 - floor))) for part in FLOOR_GRID.sizes)
    return [answers.match * of_match + miss * of_miss for of_match, of_miss in ratios]


def _bets(detector: Detector) -> BetDetector:
    if not isinstance(detector, BetDetector):
        raise ValueError("the detector was begun for answers, and its objective reads pairs")
    return detector


def _of_answers(detector: Detector) -> AnswerDetector:
    if not isinstance(detector, AnswerDetector):
        raise ValueError("the detector was begun for pairs, and its objective reads answers")
    return detector
