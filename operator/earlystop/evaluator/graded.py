"""Whether the answers of both variants to one question are right, by its scorer or by a judge."""

from __future__ import annotations

import logging

from earlystop.api.wire import MATCH, MISMATCH, UNSCORED
from earlystop.evaluator.grading import Answer, asks_judge, is_match
from earlystop.evaluator.judging import Judges, NotJudgedError, judged
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring, TooSlow

log = logging.getLogger(__name__)

Graded = tuple[bool | None, bool | None]
"""Whether the baseline's and the candidate's answers are right; None for one that failed or cannot be scored."""

NOT_SCORED: Graded = (None, None)


async def graded(
    question: GoldenQuestion, baseline: Answer, candidate: Answer, scoring: Scoring, judge: Judges | None
) -> Graded:
    """What the scorer or the judge says; `NOT_SCORED` where the judge could not be asked.

    scoring: for questions that name none of their own.
    """
    if not asks_judge(question, scoring):
        return _scored(question, baseline, scoring), _scored(question, candidate, scoring)
    if judge is None:
        return NOT_SCORED
    try:
        return await judged(judge, question, (baseline, candidate))
    except NotJudgedError:
        return NOT_SCORED


def result_of(right: bool | None) -> str:
    """The `result` label of an answer."""
    return UNSCORED if right is None else MATCH if right else MISMATCH


def _scored(question: GoldenQuestion, answer: Answer, scoring: Scoring) -> bool | None:
    if answer.text is None:
        return None
    try:
        return is_match(answer, question, scoring)
    except Exception as error:  # scorers are total but for a slow pattern; one question must not end the service
        known = isinstance(error, TooSlow)
        log.error("an answer to %r cannot be scored: %s", question.question[:80], error, exc_info=not known)
        return None
