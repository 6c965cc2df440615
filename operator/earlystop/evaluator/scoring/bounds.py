"""Numbers that say no value: "at least 5", "more than 5", "5 or fewer", "almost 5", "≥ 5", "between 3 and 5",
"x ≠ 5".

Pure and total.

"About 5" and "exactly 5" name a value. A number that another one is compared with bounds it, too: "15, which is more
than 12" ends with no value.
"""

from __future__ import annotations

import re
from itertools import pairwise

from earlystop.evaluator.scoring.numbers import Number
from earlystop.evaluator.scoring.shown_working import is_near

_MOST_CHARACTERS = 40
_BEFORE = re.compile(
    r"(?:\b(?:at (?:least|most|minimum|the (?:very )?(?:least|most))|(?:a |the )?(?:minimum|maximum|min|max)\.?(?: of)?"
    r"|(?:no |not )?(?:more|less|fewer|greater|larger|bigger|smaller|higher|lower) than(?: or equal to)?"
    r"|(?:strictly )?(?:exceed(?:s|ing)?|above|below|under|over|beyond|up to|upwards? of|almost|nearly|not quite)"
    r"|(?:als|mehr als|weniger als|mindestens|höchstens|über|unter|más de|menos de|al menos|como máximo|plus de"
    r"|moins de|au moins|au plus|più di|meno di|almeno|mais de|menos de|pelo menos))"
    r"|至少|最多|至多|超过|超過|大于|小于|不少于|不超过|少なくとも|최소|최대"
    r"|[≤≥⩽⩾≦≧≮≯≠<]|[<>!]=|(?<=[\w)\]] )>|(?<=[\w)\]])>|\\(?:geq?|leq?|lt|gt|neq?)(?:slant|qq)?)\s*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:[A-Za-z]+\s+)?(?:(?:or|and) (?:more|less|fewer|greater|larger|smaller|higher|lower|above|below|over|under"
    r"|up|older|younger|later|earlier)\b|at (?:least|most|minimum|maximum|the (?:very )?(?:least|most))\b"
    r"|(?:minimum|maximum)\b|oder (?:mehr|weniger)\b|o más\b|ou plus\b|以上|以下|以内|이상|이하)"
    r"|\+(?!\s*[0-9(a-zA-Z\\])|\s*(?:[<>≤≥≠]|\\(?:leq?|geq?|lt|gt|neq?)(?![A-Za-z]))\s*(?=[A-Za-z\\])",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"\s*(?:(?!(?:simplif|reduc|round|com|equal|amount|correspond|convert|add|sum|lead|increas|decreas|ris|fall|drop|grow)"
    r"[a-z]*\s)[A-Za-z]+\s+)?(?:to|through|thru)\s+[$€£¥]?$",
    re.IGNORECASE,
)
_TILDE = re.compile(r"\s?~\s?$")
_FROM = re.compile(
    r"(?<!anywhere )(?<!somewhere )(?<!ranges )(?<!range )(?<!ranging )(?<!varies )(?<!vary )\bfrom\s+[$€£¥]?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\b(?:between|zwischen|entre|tra)\s+[$€£¥]?$", re.IGNORECASE)
_AND = re.compile(r"\s*(?:[A-Za-z]+\s+)?(?:and|und|y|et|e)\s+[$€£¥]?$", re.IGNORECASE)
_PARTS = re.compile(r"\s*(?:,|and|,\s*and)?\s*$", re.IGNORECASE)
LEAD = re.compile(r"(?=\S)[^.!?\n0-9]{1,40}")
"""What may stand between "the answer is" and a number that it bounds."""


def is_bound(text: str, number: Number) -> bool:
    """Whether a number of this text is the bound of values, and not one."""
    before = text[max(0, number.start - _MOST_CHARACTERS) : number.start].rstrip("$€£¥ ") + " "
    return bool(_BEFORE.search(before) or _AFTER.match(text, number.end, number.end + _MOST_CHARACTERS))


def with_bounds_open(text: str, numbers: list[Number | None]) -> list[Number | None]:
    """The numbers, with None for those that bound values, for both ends of a range, and for the parts of one quantity
    in two units, as in "2 hours and 30 minutes"."""
    found = [None if each is None or is_bound(text, each) else each for each in numbers]
    for index, (one, other) in enumerate(pairwise(numbers)):
        if one is not None and other is not None and _are_one(text, one, other):
            found[index] = found[index + 1] = None
    return found


def _are_one(text: str, one: Number, other: Number) -> bool:
    between, before = text[one.end : other.start], text[max(0, one.start - _MOST_CHARACTERS) : one.start]
    if _BETWEEN.search(before) and _AND.match(between):
        return True
    if _RANGE.match(between) and not _FROM.search(before):
        return True
    if _TILDE.match(between) and not is_near(one.value, other.value):
        return True
    return bool(_PARTS.match(between) and one.unit and other.unit and one.unit != other.unit and one.unit != "%")
