"""Exact Match (EM), the quality measure of every policy: normalised as SQuAD v1.1 does, or as a setting asks."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
# Thousands may be separated by commas; a sign counts only where no digit stands before it, as in 2020-12.
_NUMBER = re.compile(r"(?<![\d.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")


class Mode(StrEnum):
    """How an answer is compared with the gold answers."""

    SQUAD = "squad"
    RAW = "raw"
    NUMERIC = "numeric"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Scoring:
    """One way to compare; the best score over all gold answers counts.

    squad: equal after `normalize_answer`. raw: equal but for surrounding white space. numeric: the last number of the
    answer equals the gold one's, so 1,200 is 1200.0. regex: what the one group of `pattern` captured, at its last
    match, is compared as squad does; without a match nothing was answered.
    Raises ValueError for a pattern that is needed and missing, not valid, or without exactly one group.
    """

    mode: Mode = Mode.SQUAD
    pattern: str | None = None

    def __post_init__(self) -> None:
        if (self.pattern is not None) != (self.mode is Mode.REGEX):
            raise ValueError("a pattern belongs to the mode regex, and to it alone; write both or neither")
        if self.pattern is not None:
            _one_group(self.pattern)

    def accepts(self, gold: str) -> bool:
        """Whether some answer can match this gold answer; one that never can is a mistake in the golden questions."""
        if self.mode is Mode.NUMERIC:
            return last_number(gold) is not None
        return bool(gold.strip() if self.mode is Mode.RAW else normalize_answer(gold))

    def matches(self, prediction: str, gold: Sequence[str]) -> bool:
        """True when the prediction equals any gold answer. Raises ValueError without a gold answer."""
        if self.mode is Mode.SQUAD:
            return exact_match(prediction, gold)
        if self.mode is Mode.REGEX:
            captured = _last_group(str(self.pattern), prediction)
            return captured is not None and exact_match(captured, gold)
        _check_gold(gold)
        if self.mode is Mode.RAW:
            return any(prediction.strip() == answer.strip() for answer in gold)
        number = last_number(prediction)
        return number is not None and any(number == last_number(answer) for answer in gold)


def normalize_answer(text: str) -> str:
    """The form in which answers are compared: lower case, no ASCII punctuation, no articles, single spaces.

    The order matters: punctuation goes before articles, so "the." counts as an article.
    Source: Rajpurkar et al. 2016 (arXiv:1606.05250) and its evaluation script.
    """
    without_punctuation = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", without_punctuation).split())


def exact_match(prediction: str, gold: Sequence[str]) -> bool:
    """True when the prediction equals any gold answer after normalisation: the best score over all of them.

    Raises ValueError without a gold answer: such a question is unscored, not wrong.
    """
    _check_gold(gold)
    predicted = normalize_answer(prediction)
    return any(predicted == normalize_answer(answer) for answer in gold)


def last_number(text: str) -> Decimal | None:
    """The last number that is written in digits, None when there is none."""
    found = _NUMBER.findall(text)
    return Decimal(found[-1].replace(",", "")) if found else None


def _check_gold(gold: Sequence[str]) -> None:
    if isinstance(gold, str):
        raise TypeError("gold is a sequence of answers, not one string; write [answer]")
    if not gold:
        raise ValueError("no gold answer to compare with; count the answer as unscored instead")


def _one_group(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"the pattern {pattern!r} is not a regular expression: {error}") from None
    if groups != 1:
        raise ValueError(f"the pattern {pattern!r} has {groups} groups; put the answer alone in ( ), others in (?: )")


def _last_group(pattern: str, text: str) -> str | None:
    found: list[str] = re.findall(pattern, text)
    return found[-1] if found else None
