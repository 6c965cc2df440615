"""Whose fault it is that an answer never came: pure but for what was answered last.

A request that fails seldom says where it ended. It is the variant's that was asked, where that one's latest answer came
under the same revision and step as the other variant's answer now: so the address, the key and the route are right, and
a user would have had no answer. Without such a sign, as while a route changes, it is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from earlystop.evaluator.grading import Answer, Attribution


@dataclass(slots=True)
class LatestAnswers:
    """Under what each variant answered last, by the variant that was asked."""

    _latest: dict[str, Attribution | None] = field(default_factory=dict)

    def attributed(self, variants: tuple[str, str], answers: tuple[Answer, Answer]) -> tuple[Answer, Answer]:
        """The answers to one question, in the order of the variants that were asked; one that failed beside one that
        came has an attribution where it is known whose it is."""
        first, second = answers
        found = self._owned(variants[0], first, second), self._owned(variants[1], second, first)
        for variant, answer in zip(variants, answers, strict=True):
            if answer.text is not None:
                self._latest[variant] = answer.attribution
        return found

    def _owned(self, variant: str, answer: Answer, other: Answer) -> Answer:
        if answer.text is not None or answer.attribution is not None or other.text is None or other.attribution is None:
            return answer
        expected = replace(other.attribution, variant=str(variant))
        is_known = not answer.is_rate_limited and self._latest.get(variant) == expected
        return replace(answer, attribution=expected) if is_known else answer
