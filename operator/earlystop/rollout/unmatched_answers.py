"""Answers of a query class that the candidate alone has in a look: a few wait by themselves, not the whole look.

A class that is seldom asked for has now and then an answer of the candidate and none of the baseline. There is nothing
to compare it with, and a look without it is about another mean than one over all requests. Were all other answers to
wait for it, one question that is never asked again would keep every harm from being seen for as long as the campaign
lasts. So as many may be missing from the mean as cannot move it by more than a tenth of the margin, even if all of them
were lost; and they are compared as soon as the baseline has an answer of their class. Which ones wait follows from
numbers of answers alone, never from whether they are right.
"""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import em_claims, missing_answers
from earlystop.evidence.objective import Objective
from earlystop.rollout.totals import Totals

OF_MARGIN = 0.1
"""By so much of the margin answers that wait may move the mean loss, at most."""


def matched_answers(objective: Objective, totals: Totals, mark: Totals, look: Look) -> Totals | None:
    """The counts of a step without the candidate's answers that nothing of the baseline can be compared with, where
    these are few and what is left can be compared; None where the whole look has to wait.

    look: what was added since `mark`, which cannot be compared as it is.
    """
    if not objective.classes or not look.baseline.scored + look.baseline.unscored:
        return None
    judged = missing_answers.as_judged(objective, look) if missing_answers.counted_by_class(objective) else look
    arms = em_claims.by_class(objective, judged)
    alone = [each.candidate for each in arms.values() if not each.comparable]
    right, waiting = sum(answers.match for answers in alone), sum(answers.scored for answers in alone)
    if waiting > OF_MARGIN * objective.margin * totals.candidate.tried:
        return None
    classes = tuple(
        all_of if arms[each.name].comparable else ClassAnswers(*all_of[:2], *known[2:])
        for each, all_of, known in zip(objective.classes, totals.classes, mark.classes, strict=True)
    )
    candidate = _without(totals.candidate, mark.candidate, right, waiting - right)
    matched = replace(totals, candidate=candidate, classes=classes)
    left = matched.look_since(mark, look.at, look.step, look.weight)
    return matched if em_claims.usable(objective, left) else None


def _without(tally: Tally, mark: Tally, right: int, wrong: int) -> Tally:
    """The counts without so many right and wrong answers of those since the mark. Which of the wrong ones could not be
    scored is not counted by class: mismatches are taken first, so that both together are as many as they are."""
    mismatches = min(wrong, tally.mismatch - mark.mismatch)
    return replace(
        tally,
        match=tally.match - right,
        mismatch=tally.mismatch - mismatches,
        unscored=tally.unscored - (wrong - mismatches),
    )
