"""Whose fault it is that an answer never came: pure but for what was answered last.

A request that fails seldom says where it ended. It is the variant's that was asked, where that one's latest answer came
under the same revision and step as the other variant's answer now: so the address, the key and the route are right, and
a user would have had no answer. Without such a sign, as while a route changes, it is nobody's.

Nor are failures after the third in a row of one variant: pairs count as independent draws, and what fails for a while,
as Pods that start again, says one thing and not a hundred. Of a variant that fails on a fraction p of its questions,
whatever they are, p**3 of the failures go uncounted by that: 1.6 % where a quarter fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from earlystop.evaluator.grading import Answer, Attribution

MOST_IN_A_ROW = 3
"""Failures of one variant that count, until it answers again."""


@dataclass(slots=True)
class LatestAnswers:
    """Under what each variant answered last, and how often it failed since, by the variant that was asked."""

    _latest: dict[str, Attribution | None] = field(default_factory=dict)
    _failed_since: dict[str, int] = field(default_factory=dict)

    def attributed(self, variants: tuple[str, str], answers: tuple[Answer, Answer]) -> tuple[Answer, Answer]:
        """The answers to one question, in the order of the variants that were asked; one that failed beside one that
        came has an attribution where it is known whose it is."""
        for variant, answer in zip(variants, answers, strict=True):
            if answer.text is None:
                self._failed_since[variant] = self._failed_since.get(variant, 0) + 1
            else:
                self._latest[variant], self._failed_since[variant] = answer.attribution, 0
        first, second = answers
        return self._owned(variants[0], first, second), self._owned(variants[1], second, first)

    def _owned(self, variant: str, answer: Answer, other: Answer) -> Answer:
        if answer.text is not None:
            return answer
        if other.text is None or answer.is_rate_limited or self._failed_since[variant] > MOST_IN_A_ROW:
            return replace(answer, attribution=None)
        if answer.attribution is not None or other.attribution is None:
            return answer
        expected = replace(other.attribution, variant=str(variant))
        return replace(answer, attribution=expected) if self._latest.get(variant) == expected else answer
