"""What an answer that could not be scored is to Exact Match: a wrong answer, where the objective says so.

Else a candidate could hide wrong answers by giving none that can be scored. An answer that nobody tried to score is
another thing, a request left out of the sample, and is counted nowhere. A request that failed is no answer: failures
come in bursts that may hit one variant, so they have a guardrail of their own, and `attrition` holds a promotion where
one variant has more of them.

Equal shares of missing answers cost requests, and no test can spare them. What is to be proven is about the rate of
right answers among all that were tried, p (1 - m). A request's evidence on it is at most its divergence from the
nearest rates that lose the margin, so what any test needs rises with the variance p (1 - m) (1 - p (1 - m)): by 5 % at
1 % missing, 9 % at 2 %, 22 % at 5 % and 41 % at 10 %, where p is .85 (`make bench-street`). To bound the difference of
the missing shares apart, and to add it to what scored answers show, costs more: two bounds add up where the variances
of one do. A share that is taken as equal instead of shown to be costs its answers alone: that is `Exclude`.

Of which query class an answer is that could not be scored, its question says, and counters do: the mismatches of a
class in a look hold its own. In campaigns of version 2 nobody had counted that, so unscored answers of an arm are
shared among its classes as its scored ones are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.evidence.version import FIFTH, FIRST, SECOND


def counts_as_mismatch(objective: Objective) -> bool:
    """Whether an answer that could not be scored is to be made a wrong one. Pairs hold it as one (`exporter`)."""
    counts = objective.unscored is Unscored.COUNT_AS_MISMATCH and objective.basis is Basis.ANSWERS
    return counts and objective.engine != FIRST


def leaves_out_pairs(objective: Objective) -> bool:
    """Whether pairs that lack one variant's answer are no evidence of Exact Match."""
    excludes = objective.unscored is Unscored.EXCLUDE and objective.basis is Basis.PAIRS
    return excludes and objective.engine > FIFTH


def of_whole_pairs(look: Look) -> Look:
    """The look without pairs that lack an answer. What nobody told apart is kept, as a pair like any other."""
    tally = look.candidate
    known = tally.pair_answers
    if not known.one_sided:
        return look
    candidate = replace(
        tally,
        pairs_baseline_only=max(0, tally.pairs_baseline_only - known.without_candidate_right),
        pairs_candidate_only=max(0, tally.pairs_candidate_only - known.without_baseline_right),
        pairs_neither=max(0, tally.pairs_neither - known.without_baseline_wrong - known.without_candidate_wrong),
        pairs_without_baseline_right=0,
        pairs_without_baseline_wrong=0,
        pairs_without_candidate_right=0,
        pairs_without_candidate_wrong=0,
    )
    return replace(look, candidate=candidate)


def counted_by_class(objective: Objective) -> bool:
    """Whether the mismatches of a query class in a look hold the class's own unscored answers."""
    return bool(objective.classes) and counts_as_mismatch(objective) and objective.engine > SECOND


def class_answers(objective: Objective, baseline: Tally, candidate: Tally) -> ClassAnswers:
    """What a look holds of one query class. baseline, candidate: all that was counted of this class."""
    wrong = [arm.mismatch + arm.unscored * counted_by_class(objective) for arm in (baseline, candidate)]
    return ClassAnswers(baseline.match, wrong[0], candidate.match, wrong[1])


def as_judged(objective: Objective, look: Look) -> Look:
    """The look as Exact Match and the floor are read from it: unscored answers are mismatches, where they count as
    such, and none is left unscored; or pairs that lack an answer are left out. So to judge it again changes nothing."""
    if leaves_out_pairs(objective):
        return of_whole_pairs(look)
    if not counts_as_mismatch(objective):
        return look
    arms = look.baseline, look.candidate
    missing = [arm.unscored for arm in arms]
    if not any(missing):
        return look
    baseline, candidate = (replace(arm, mismatch=arm.mismatch + arm.unscored, unscored=0) for arm in arms)
    classes = look.classes if counted_by_class(objective) else _by_class(look, missing)
    return replace(look, baseline=baseline, candidate=candidate, classes=classes)


def _by_class(look: Look, missing: Sequence[int]) -> tuple[ClassAnswers, ...]:
    if not look.classes:
        return look.classes
    baseline = _shares([match + miss for match, miss, _, _ in look.classes], look.baseline, missing[0])
    candidate = _shares([match + miss for _, _, match, miss in look.classes], look.candidate, missing[1])
    return tuple(
        ClassAnswers(match_b, miss_b + more_b, match_c, miss_c + more_c)
        for (match_b, miss_b, match_c, miss_c), more_b, more_c in zip(look.classes, baseline, candidate, strict=True)
    )


def _shares(scored: Sequence[int], arm: Tally, missing: int) -> list[int]:
    """How many of the missing answers each named class gets, by largest remainders; the rest is of other classes."""
    if not arm.scored:
        return [0] * len(scored)
    weights = [*scored, max(0, arm.scored - sum(scored))]
    total = sum(weights)
    shares = [missing * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: -(missing * weights[index] % total))
    for index in order[: missing - sum(shares)]:
        shares[index] += 1
    return shares[:-1]
