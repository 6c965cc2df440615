"""Whether a plain text is the right answer, both normalised as SQuAD v1.1 does. Pure and total."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize_answer(text: str) -> str:
    """The form in which answers are compared: lower case, no ASCII punctuation, no articles, single spaces.

    The order matters: punctuation goes before articles, so "the." counts as an article.
    Source: Rajpurkar et al. 2016 (arXiv:1606.05250) and its evaluation script.
    """
    without_punctuation = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", without_punctuation).split())


def comparable(text: str) -> str:
    """As `normalize_answer`, but a text that is the letter A alone stays itself: it may be a choice, not an article."""
    return normalize_answer(text) or ("a" if text.lower().translate(_PUNCTUATION).strip() == "a" else "")


def exact_match(prediction: str, gold: Sequence[str]) -> bool:
    """True when the prediction equals any gold answer after normalisation: the best score over all of them.

    Raises ValueError without a gold answer: such a question is unscored, not wrong.
    """
    check_gold(gold)
    predicted = comparable(prediction)
    return any(predicted == comparable(answer) for answer in gold)


def check_gold(gold: Sequence[str]) -> None:
    """Raises ValueError without a gold answer, and TypeError for one text in place of a list."""
    if isinstance(gold, str):
        raise TypeError("gold is a sequence of answers, not one string; write [answer]")
    if not gold:
        raise ValueError("no gold answer to compare with; count the answer as unscored instead")
