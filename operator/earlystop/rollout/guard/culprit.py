"""Which of setting, data, engine and scorer has moved when a guard alarms: a rule over counts and facts.

A guard compares the promoted setting with a baseline that has the same questions, the same engine and the same scorer.
So a baseline that answers as before leaves the setting; one that answers otherwise says that something moved under
both, and facts tell what: recorded answers that the scorer now scores otherwise, a target that is another since about
then. What evidence does not tell apart is named as possible, and nothing is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import NamedTuple

from earlystop.evidence.objective import Claim
from earlystop.rollout.guard.spans import NO_RATES, Rates, total


class Culprit(StrEnum):
    """What may have moved when a guard alarms."""

    SETTING = "Setting"
    """The promoted setting answers worse than the baseline, and nothing else has changed."""
    DATA = "Data"
    """Other questions are asked."""
    ENGINE = "Engine"
    """The target serves otherwise: another model, image or configuration."""
    SCORER = "Scorer"
    """The same answers are scored otherwise, so Exact Match says nothing about the setting."""


UNKNOWN = "Unknown"
"""Stands in place of a culprit where evidence does not tell."""


class Frozen(NamedTuple):
    """Recorded answers with known scores that the scorer has scored again: before the harm and since it began."""

    agreed_before: int = 0
    disagreed_before: int = 0
    agreed: int = 0
    disagreed: int = 0


class Trend(NamedTuple):
    """What belongs to the harm as it is now, put apart from what the rates do by the hour of the day. harm: by how much
    the promoted setting got worse, as a difference of rates. baseline: by how much the baseline's rate changed with it.
    error: standard error of that."""

    harm: float
    baseline: float
    error: float


class Changed(NamedTuple):
    """Something that is not as it was certified. culprit: whose part it is. at: Unix second at which it was seen."""

    culprit: Culprit
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the rule that names a culprit goes by.

    claims: of which the guard's detectors say that harm has begun. earliest, onset, latest: Unix seconds between which
    it may have begun, and where it is most likely. before, after: counts of the first of the claims before the harm and
    since. by_class_before, by_class_after: the same of each query class, the last one of all others; empty where
    classes are not counted. bad_hits: whether hits are bad events. below_floor: whether the promoted setting's own rate
    is what alarmed. on_pairs: whether golden questions were compared. factor: by which evidence is divided, >= 1.
    scored: whether the scorer decides over these claims.
    facts_known: whether the target could be compared with what was certified; questions_known:
    the same of the file of golden questions; changed: what differs. frozen: None where
    nobody scores recorded answers again. trend: None where no rates are known, and of an earlier release, which took
    every harm for a sudden one.
    """

    claims: tuple[Claim, ...]
    earliest: int
    onset: int
    latest: int
    before: Rates = NO_RATES
    after: Rates = NO_RATES
    by_class_before: tuple[Rates, ...] = ()
    by_class_after: tuple[Rates, ...] = ()
    bad_hits: bool = False
    below_floor: bool = False
    on_pairs: bool = False
    factor: float = 1.0
    scored: bool = True
    facts_known: bool = True
    questions_known: bool = False
    changed: tuple[Changed, ...] = ()
    frozen: Frozen | None = None
    trend: Trend | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rule says has moved. named: the culprits that evidence shows, none where it does not tell.
    possible: those between which it does not."""

    named: tuple[Culprit, ...] = ()
    possible: tuple[Culprit, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The culprits as they stand in a status: `UNKNOWN` where none is named."""
        return tuple(each.value for each in self.named) or (UNKNOWN,)


GRACE_SECONDS = 600
"""So long before the harm may the target have changed, as new Pods take their time to serve, or be seen to have changed
after it seems to have begun."""
SURE = 2.5
"""So many standard errors a baseline must have moved by."""
PART_OF_HARM = 1 / 3
"""A baseline that moved by less than this part of what the promoted setting lost explains nothing."""
PART_OF_STEADY = 0.5
"""A baseline is steady where it has, within one standard error, moved by less than this part of it."""
SURE_OF_TREND, PART_OF_TREND, DOUBT_OF_TREND = 2.5, 0.36, 0.5
"""The same three of a trend, whose error holds what a baseline does by itself, too: it is steady within half of one."""
LEAST_RESCORED = 10
"""So many recorded answers must have been scored again since the harm began before they say anything."""
LEAST_DISAGREED = 3
"""Recorded answers that are scored otherwise since the harm began, at least, before the scorer is named."""
LEAST_PART_DISAGREED = 0.02
SURE_OF_SCORER = 4.0
MAJORITY = 0.5
"""Where few recorded answers were scored before the harm, this part of them at least must be scored otherwise."""
MOST_OF_MIX = 0.5
"""Other shares of query classes are the cause where they explain this part of it."""


def culprits(evidence: Evidence) -> Finding:
    """What has moved. Without a claim there is no harm, and nothing is named."""
    if not evidence.claims:
        return Finding()
    named = set(_by_facts(evidence))
    scorer_is_known = not evidence.scored or (evidence.frozen is not None and tells_of_scorer(evidence.frozen))
    if evidence.scored and evidence.frozen is not None and scorer_moved(evidence.frozen):
        # Which answers are right is not known, so rates show nothing but other shares of classes.
        named |= {Culprit.SCORER, *([Culprit.DATA] if _mix_explains(evidence) else [])}
        return _finding(named, ())
    if named:
        return _finding(named | ({Culprit.DATA} if _mix_explains(evidence) else set()), ())
    if _mix_explains(evidence):
        return _finding({Culprit.DATA}, ())
    baseline = baseline_of(evidence)
    if baseline is Baseline.STEADY:
        return _finding({Culprit.SETTING}, ())
    if baseline is Baseline.MOVED:
        return _under_both(evidence, scorer_is_known)
    return _finding((), _all_possible(evidence, scorer_is_known))


class Baseline(StrEnum):
    """What became of the baseline since the harm began."""

    STEADY = "steady"
    MOVED = "moved"
    UNKNOWN = "unknown"


def baseline_of(evidence: Evidence) -> Baseline:
    """Whether the baseline's own rate explains what the promoted setting lost."""
    before, after = evidence.before, evidence.after
    if not all((before.baseline, before.candidate, after.baseline, after.candidate)):
        return Baseline.UNKNOWN
    if evidence.trend is not None:
        return _by_trend(evidence.trend)
    harm = harm_of(evidence)
    change = abs(change_of_baseline(before, after))
    error = error_of_baseline(before, after, evidence.factor)
    if harm <= 0:
        return Baseline.UNKNOWN
    if change >= SURE * error and change >= PART_OF_HARM * harm:
        return Baseline.MOVED
    return Baseline.STEADY if change + error <= PART_OF_STEADY * harm else Baseline.UNKNOWN


def _by_trend(trend: Trend) -> Baseline:
    harm, change = trend.harm, abs(trend.baseline)
    if harm <= 0:
        return Baseline.UNKNOWN
    if change >= SURE_OF_TREND * trend.error and change >= PART_OF_TREND * harm:
        return Baseline.MOVED
    steady = change + DOUBT_OF_TREND * trend.error <= PART_OF_STEADY * harm
    return Baseline.STEADY if steady else Baseline.UNKNOWN


def has_rates(evidence: Evidence) -> bool:
    """Whether there are counts of every rate that harm is a change of: before the harm and since, of the promoted
    setting, and of the baseline unless what alarmed is the setting's own rate."""
    both = evidence.before, evidence.after
    return all(each.candidate and (evidence.below_floor or each.baseline) for each in both)


def harm_of(evidence: Evidence) -> float:
    """The amount by which the promoted setting's rate became worse, against the baseline's or below a floor. Only for
    evidence that `has_rates`."""
    change = change_of_candidate(evidence.before, evidence.after)
    if not evidence.below_floor:
        change -= change_of_baseline(evidence.before, evidence.after)
    return change if evidence.bad_hits else -change


def change_of_baseline(before: Rates, after: Rates) -> float:
    """The baseline's rate after, minus that before. Both must have counts of it."""
    return after.baseline_hits / after.baseline - before.baseline_hits / before.baseline


def change_of_candidate(before: Rates, after: Rates) -> float:
    """By how much the promoted setting's rate has changed since the harm began: the rate since, minus that before.
    Both must have counts of it."""
    return after.candidate_hits / after.candidate - before.candidate_hits / before.candidate


def error_of_baseline(before: Rates, after: Rates, factor: float) -> float:
    """Standard error of `change_of_baseline`."""
    return sqrt(factor * sum(variance_of_rate(each.baseline, each.baseline_hits) for each in (before, after)))


def error_of_gap(before: Rates, after: Rates, factor: float) -> float:
    """Standard error of the change of the difference between both rates."""
    parts = ((each.baseline, each.baseline_hits, each.candidate, each.candidate_hits) for each in (before, after))
    return sqrt(factor * sum(variance_of_rate(n, hits) + variance_of_rate(m, others) for n, hits, m, others in parts))


def variance_of_rate(total_count: int, hits: int) -> float:
    """The variance of a rate, with one hit and one miss added, so that a rate of 0 or 1 is not certain."""
    rate = (hits + 1) / (total_count + 2)
    return rate * (1 - rate) / total_count


def says_something(frozen: Frozen) -> bool:
    """Whether enough recorded answers were scored again since the harm began."""
    return frozen.agreed + frozen.disagreed >= LEAST_RESCORED


def knows_before(frozen: Frozen) -> bool:
    """Whether enough of them were scored before the harm, so that what was always scored otherwise shows."""
    return frozen.agreed_before + frozen.disagreed_before >= LEAST_RESCORED


def tells_of_scorer(frozen: Frozen) -> bool:
    """Whether recorded answers show that the scorer has moved, or has not. Where little is known of before, a minority
    of them that is scored otherwise shows neither."""
    if not says_something(frozen):
        return False
    few = frozen.disagreed < max(LEAST_DISAGREED, LEAST_PART_DISAGREED * (frozen.agreed + frozen.disagreed))
    return knows_before(frozen) or few or scorer_moved(frozen)


def scorer_moved(frozen: Frozen) -> bool:
    """Whether recorded answers are scored otherwise than before the harm. Some may always have been, so where little is
    known of before, only a new majority shows it."""
    before, now = sum(frozen[:2]), sum(frozen[2:])
    if not says_something(frozen) or frozen.disagreed < LEAST_DISAGREED:
        return False
    usual, part = frozen.disagreed_before / before if before else 0.0, frozen.disagreed / now
    if not knows_before(frozen):
        return part >= MAJORITY > usual
    both = (frozen.disagreed_before + frozen.disagreed + 1) / (before + now + 2)
    error = sqrt(both * (1 - both) * (1 / now + 1 / before))
    return part - usual >= max(LEAST_PART_DISAGREED, SURE_OF_SCORER * error)


def voids_certificates(finding: Finding, evidence: Evidence) -> bool:
    """Whether no certificate of the campaign can be relied on: engine or scorer have moved, or what its parameters mean
    has changed."""
    named = {*finding.named}
    return bool(named & {Culprit.ENGINE, Culprit.SCORER} or named & {*_by_facts(evidence)})


def _by_facts(evidence: Evidence) -> list[Culprit]:
    """Whose parts have changed at about the time when the harm may have begun."""
    begin, end = evidence.earliest - GRACE_SECONDS, evidence.latest + GRACE_SECONDS
    return [each.culprit for each in evidence.changed if begin <= each.at <= end]


def _under_both(evidence: Evidence, scorer_is_known: bool) -> Finding:
    """What moved where the baseline's rate did, and no fact has changed."""
    # The same golden questions, answered otherwise, leave the engine, even one that changed where nobody looks.
    possible = set() if evidence.on_pairs and evidence.questions_known else {Culprit.DATA}
    if evidence.on_pairs or not evidence.facts_known:
        possible.add(Culprit.ENGINE)
    if not scorer_is_known:
        possible.add(Culprit.SCORER)
    return _finding(possible, ()) if len(possible) == 1 else _finding((), possible)


def _all_possible(evidence: Evidence, scorer_is_known: bool) -> set[Culprit]:
    """What may have moved where the baseline tells nothing."""
    under_both = _under_both(evidence, scorer_is_known)
    return {Culprit.SETTING, *under_both.named, *under_both.possible}


def _mix_explains(evidence: Evidence) -> bool:
    """Whether other shares of query classes, with each class as before, explain most of the harm (Kitagawa, 1955)."""
    before, after = evidence.by_class_before, evidence.by_class_after
    if evidence.on_pairs or not before or len(before) != len(after) or not has_rates(evidence):
        return False
    shares = _shares(before), _shares(after)
    by_mix = within = 0.0
    for old, new, share_old, share_new in zip(before, after, *shares, strict=True):
        if not (min(old[0], old[2]) and min(new[0], new[2])):
            continue
        was, now = _level(evidence, old), _level(evidence, new)
        by_mix += (share_new - share_old) * (was + now) / 2
        within += (now - was) * (share_new + share_old) / 2
    harm = harm_of(evidence)
    loss = by_mix if evidence.bad_hits else -by_mix
    return harm > 0 and loss >= MOST_OF_MIX * harm and abs(by_mix) >= abs(within) and _is_other_mix(before, after)


def _level(evidence: Evidence, rates: Rates) -> float:
    """The rate that alarmed, in one query class."""
    level = rates.candidate_hits / rates.candidate
    return level if evidence.below_floor else level - rates.baseline_hits / rates.baseline


def _is_other_mix(before: Sequence[Rates], after: Sequence[Rates]) -> bool:
    """Whether the shares of classes differ by more than chance, one of them by 5 points at least."""
    sizes = (sum(each.baseline + each.candidate for each in arm) for arm in (before, after))
    count_before, count_after = sizes
    for old, new in zip(_shares(before), _shares(after), strict=True):
        both = (old * count_before + new * count_after) / (count_before + count_after)
        error = sqrt(both * (1 - both) * (1 / count_before + 1 / count_after))
        if abs(new - old) >= max(0.05, 4 * error):
            return True
    return False


def _shares(by_class: Sequence[Rates]) -> list[float]:
    whole = total(by_class)
    size = max(1, whole.baseline + whole.candidate)
    return [(each.baseline + each.candidate) / size for each in by_class]


def _finding(named: set[Culprit] | Sequence[Culprit], possible: set[Culprit] | Sequence[Culprit]) -> Finding:
    """The finding, its parts in the order in which they are defined, so that equal evidence gives equal words."""
    return Finding(
        tuple(each for each in Culprit if each in named), tuple(each for each in Culprit if each in possible)
    )
