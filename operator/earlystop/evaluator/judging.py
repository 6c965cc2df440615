"""From two answers to whether they are right, where a judge says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from earlystop.evaluator.grading import Answer
from earlystop.evaluator.questions import GoldenQuestion


class Judges(Protocol):
    """Says which answers are right, such as `Judge`. Never raises for a failed request."""

    async def is_right(self, question: str, gold: Sequence[str], answer: str) -> bool | None:
        """Whether the answer is right, None where the judge does not say."""
        ...


async def judged(judge: Judges, question: GoldenQuestion, answers: Sequence[Answer]) -> tuple[bool, bool] | None:
    """Whether the baseline's and the candidate's answers are right; None, for both, where the judge does not say.

    An empty answer is wrong, and equal ones are judged once, so that chance in the judge makes no difference between
    them.
    """
    said = {
        text: await judge.is_right(question.question, question.answers, text) if text.strip() else False
        for text in sorted({each.text or "" for each in answers})
    }
    baseline, candidate = (said[each.text or ""] for each in answers)
    return None if baseline is None or candidate is None else (baseline, candidate)
