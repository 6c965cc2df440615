"""From two answers to whether they are right, where a judge says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from earlystop.evaluator.grading import Answer
from earlystop.evaluator.questions import GoldenQuestion


class NotJudgedError(RuntimeError):
    """A judge gave no reply, for a reason that lies in it and not in the answer."""


class Judges(Protocol):
    """Says which answers are right, such as `Judge`."""

    async def is_right(self, question: str, gold: Sequence[str], answer: str) -> bool | None:
        """Whether the answer is right, None where the judge does not say it of this answer. Raises NotJudgedError."""
        ...


async def judged(
    judge: Judges, question: GoldenQuestion, answers: tuple[Answer, Answer]
) -> tuple[bool | None, bool | None]:
    """Whether the baseline's and the candidate's answers are right; None for one of which the judge does not say it,
    and for one that failed.

    An empty answer is wrong, and equal ones are judged once, so that chance in the judge makes no difference between
    them. Raises NotJudgedError.
    """
    said: dict[str | None, bool | None] = {None: None}
    for text in sorted({each.text for each in answers if each.text is not None}):
        said[text] = await judge.is_right(question.question, question.answers, text) if text.strip() else False
    baseline, candidate = answers
    return said[baseline.text], said[candidate.text]
