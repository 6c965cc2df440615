"""What an answer shows of how its number came about, or rounds it to, beside the number itself. Pure and total."""

from __future__ import annotations

import re
from fractions import Fraction

from earlystop.evaluator.scoring.numbers import Number, numbers_in, prepared

_HOW = re.compile(
    r"\s*\((?:[^()=]*[0-9][^()=]*\s[*×·⋅÷/+x-]\s[^()=]*"
    r"|(?:[a-z. ]+[ :])?[0-9]+(?:, ?[0-9]+)*,? (?:(?:and|&) )?[0-9]+)\)"
    r"\s*[.!]?\s*$"
)
"""Brackets at the end that hold a calculation, or what was counted: "18 (9 × $2)", "3 (2, 3 and 5)"."""
_EQUALS = re.compile(
    r"(?P<result>\s{0,9}-?[0-9][0-9.,]{0,30}) ?= ?[0-9(][0-9 ().]{0,30}"
    r"(?:[-+*/×·⋅] ?[0-9(][0-9 ().]{0,30}){1,9}[.!]?\s*$"
)
"""A number and the calculation that it equals, as the whole text: "8 = 3 + 5"."""
_CALCULATION_AFTER = re.compile(
    r",? (?:which is|which equals|that is|i\.e\.|because|since|as|from) (?P<one>[0-9]{1,15}(?:\.[0-9]{1,9})?) ?"
    r"(?P<sign>[-+*/×·÷x]) ?(?P<other>[0-9]{1,15}(?:\.[0-9]{1,9})?)[.!\s]*$"
)
"""How a number came about, after it: "12, which is 20 - 8"."""
_PARTS_FOLLOW = re.compile(r"(?<=[a-z]):(?= )|(?<= )\(")
_COUNTED = re.compile(r"\s*(?:[A-Za-z]+ ?){0,3}")
_MOST_OF_PARTS = 200
_MOST_PLACES = 5
_ROUNDED = re.compile(
    r"\s*(?:≈|,?\s*\(?(?:(?:or|which is|that is|i\.e\.),?\s+)?(?:about|approximately|roughly|around))\s*"
    r"(?=[$€£]?[0-9.])(?P<rounded>[^=≈()\n]{1,40}?)\)?[\s.$)]*$",
    re.IGNORECASE,
)
"""What a number is rounded to at the end of a text, as in "3/8 ≈ 0.38"."""


def without_working(text: str) -> str:
    """A prepared text without what shows at its end how its number came about: brackets, a calculation that it equals,
    or the parts that it is the sum of, as in "72 clips: 48 in April and 24 in May"."""
    if found := _EQUALS.match(text):
        return found["result"]
    if calculation := _HOW.search(text):
        before = text[: calculation.start()]
        numbers = list(numbers_in(before))
        if not numbers or (numbers[-1] is not None and numbers[-1].end == len(before)):
            return before
    if (calculation := _CALCULATION_AFTER.search(text)) and _is_result(text, calculation):
        return text[: calculation.start()]
    return _without_parts(text)


def _is_result(text: str, calculation: re.Match[str]) -> bool:
    """Whether the number right before a calculation is what that comes to."""
    one, other = Fraction(calculation["one"]), Fraction(calculation["other"])
    results = {"+": one + other, "-": one - other, "*": one * other, "/": one / other if other else None}
    sign = {"×": "*", "·": "*", "x": "*", "÷": "/"}.get(calculation["sign"], calculation["sign"])
    last = _last_of(text[: calculation.start()])
    return last is not None and last.value == results[sign]


def _without_parts(text: str) -> str:
    begin = max(0, len(text) - _MOST_OF_PARTS)
    for place in list(_PARTS_FOLLOW.finditer(text, begin))[-_MOST_PLACES:]:
        parts = list(numbers_in(text[place.end() :]))
        before = text[max(0, place.start() - _MOST_OF_PARTS) : place.start()]
        total = _last_of(before)
        if total and len(parts) > 1 and _COUNTED.fullmatch(before, total.end) and _add_up(total, parts):
            return text[: place.start()]
    return text


def _last_of(text: str) -> Number | None:
    return next(reversed(list(numbers_in(text))), None)


def _add_up(total: Number, parts: list[Number | None]) -> bool:
    known = [each.value for each in parts if each is not None]
    return len(known) == len(parts) and sum(known, Fraction(0)) == total.value


def without_rounding(text: str) -> str:
    """The text without what its number is rounded to at its end, where both are within 2 % of one another: "3/8" of
    "3/8 ≈ 0.38"."""
    text = prepared(text)
    found = _ROUNDED.search(text, max(0, len(text) - _MOST_OF_PARTS))
    if found is None:
        return text
    exact = _last_of(text[: found.start()])
    rounded = next(numbers_in(found["rounded"]), None)
    return text[: found.start()] if exact and rounded and is_near(exact.value, rounded.value) else text


def is_near(exact: Fraction, rounded: Fraction) -> bool:
    """Whether one number may be the other, rounded: within 2 % of it."""
    return abs(rounded - exact) <= abs(exact) / 50
