"""How the answers to a question are scored, as a setting, a line or a file of golden questions names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from earlystop.evaluator.scoring import by_kind
from earlystop.evaluator.scoring.choice import gold_letter
from earlystop.evaluator.scoring.exact import check_gold
from earlystop.evaluator.scoring.json_field import json_field
from earlystop.evaluator.scoring.latex import last_boxed, normalize_latex
from earlystop.evaluator.scoring.pattern import check_pattern, last_group
from earlystop.evaluator.scoring.run_on import without_next_question
from earlystop.evaluator.scoring.yes_no import says_yes


class ScoringMode(StrEnum):
    """How an answer is compared with the gold answers."""

    EXACT = "exact"
    RAW = "raw"
    NUMBER = "number"
    REGEX = "regex"
    CHOICE = "choice"
    BOXED = "boxed"
    JSON = "json"
    YES_NO = "yesno"
    JUDGE = "judge"


_NEED_UNIT = "unit"
_NEED_DETAIL = {
    ScoringMode.REGEX: "a pattern; write regex:PATTERN, as in regex:answer is ([A-D])",
    ScoringMode.JSON: "a field of the answer; write json:FIELD, as in json:city",
}
"""What a mode cannot do without, and how it is written."""


_SEARCHED = (ScoringMode.NUMBER, ScoringMode.CHOICE, ScoringMode.BOXED, ScoringMode.YES_NO)
"""The modes that look for an answer within a text."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """One way to compare; the best score over all gold answers counts.

    exact: by the rule of `by_kind`: Exact Match for text, and numbers, dates and choices as such. raw: equal but for
    surrounding white space. number: the number, date or time that the answer comes to equals the gold one. choice: the
    letter that the answer chooses. yesno: yes or no. boxed: what the last box of LaTeX holds. json: what stands in
    `field` of the answer's last JSON object, compared as exact does. regex: what the one group of `pattern` captured,
    at its last match, compared as exact does; without a match nothing was answered. judge: a model says it, which is
    asked elsewhere (`evaluator.judge`).
    need_unit: for number, whether a unit of the gold answer may not be left out.
    Raises ValueError for a pattern or a field that is needed and missing, not valid, or of no use to the mode.
    """

    mode: ScoringMode = ScoringMode.EXACT
    pattern: str | None = None
    field: str | None = None
    need_unit: bool = False

    def __post_init__(self) -> None:
        if (self.pattern is not None) != (self.mode is ScoringMode.REGEX):
            raise ValueError("a pattern belongs to the mode regex, and to it alone; write both or neither")
        if (self.field is not None) != (self.mode is ScoringMode.JSON) or self.field == "":
            raise ValueError("a field belongs to the mode json, and to it alone; write both or neither")
        if self.need_unit and self.mode is not ScoringMode.NUMBER:
            raise ValueError("a unit can be demanded in the mode number alone")
        if self.pattern is not None:
            check_pattern(self.pattern)

    @classmethod
    def named(cls, text: str) -> Self:
        """The way to score of this name: exact, number, number:unit, choice, yesno, boxed, json:FIELD, regex:PATTERN,
        raw, judge. Raises ValueError for any other.
        """
        name, _, detail = text.partition(":")
        mode = next((mode for mode in ScoringMode if mode.value == name), None)
        if mode is None or (detail and mode not in (ScoringMode.REGEX, ScoringMode.JSON, ScoringMode.NUMBER)):
            raise ValueError(
                f"{text[:80]!r} is no way to score; write exact, number, number:unit, choice, yesno, boxed, "
                "json:FIELD, regex:PATTERN, raw or judge"
            )
        if mode is ScoringMode.NUMBER and detail not in ("", _NEED_UNIT):
            raise ValueError(f"{text[:80]!r} is no way to score; write number, or number:unit where a unit is needed")
        if mode in _NEED_DETAIL and not detail:
            raise ValueError(f"{name!r} needs {_NEED_DETAIL[mode]}")
        if mode is ScoringMode.REGEX:
            return cls(mode, pattern=detail)
        return cls(mode, field=detail if mode is ScoringMode.JSON else None, need_unit=detail == _NEED_UNIT)

    def accepts(self, gold: str) -> bool:
        """Whether some answer can match this gold answer; one that never can is a mistake in the golden questions."""
        if self.mode in (ScoringMode.RAW, ScoringMode.JUDGE):
            return bool(gold.strip())
        if self.mode is ScoringMode.NUMBER:
            return by_kind.can_match_number(gold)
        if self.mode is ScoringMode.CHOICE:
            return gold_letter(gold) is not None
        if self.mode is ScoringMode.YES_NO:
            return says_yes(gold) is not None
        if self.mode is ScoringMode.BOXED:
            inner = last_boxed(gold)
            return bool(normalize_latex(gold if inner is None else inner))
        return by_kind.can_match(gold)

    def matches(self, prediction: str, gold: Sequence[str]) -> bool:
        """True when the prediction equals any gold answer. Raises ValueError without a gold answer, and in the mode
        judge, where nothing is compared; TooSlow where a pattern takes too long on this prediction."""
        check_gold(gold)
        if self.mode is ScoringMode.JUDGE:
            raise ValueError("in the mode judge a model says which answers are right; nothing is compared")
        answer = self._extracted(prediction)
        return answer is not None and any(self._matches_one(answer, each) for each in gold)

    def _extracted(self, prediction: str) -> str | None:
        if self.mode is ScoringMode.REGEX:
            return last_group(str(self.pattern), prediction)
        if self.mode is ScoringMode.JSON:
            return json_field(prediction, str(self.field))
        return without_next_question(prediction) if self.mode in _SEARCHED else prediction

    def _matches_one(self, answer: str, gold: str) -> bool:
        if self.mode is ScoringMode.RAW:
            return answer.strip() == gold.strip()
        if self.mode is ScoringMode.NUMBER:
            return by_kind.as_number(answer, gold, self.need_unit)
        if self.mode is ScoringMode.CHOICE:
            return by_kind.as_choice(answer, gold)
        if self.mode is ScoringMode.YES_NO:
            return by_kind.as_yes_no(answer, gold)
        return by_kind.as_boxed(answer, gold) if self.mode is ScoringMode.BOXED else by_kind.as_text(answer, gold)
