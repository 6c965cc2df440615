"""Quantities in two units, as 2 hours 30 minutes or 5' 6", become a number of the smaller one. Pure and total."""

from __future__ import annotations

import re
from decimal import Decimal

from earlystop.evaluator.scoring.measurement_units import smaller_units, unit_named

_MOST_UNITS = 4
_PAIR = re.compile(
    r"(?<![\w.,/'-])(?P<upper>[0-9]{1,9}) ?(?P<of_upper>[A-Za-z]{1,12})\.?(?:,? and |, ?| )?"
    r"(?P<lower>[0-9]{1,9}(?:\.[0-9]{1,9})?) ?(?P<of_lower>[A-Za-z]{1,12})(?![\w/^])"
)
_FEET = re.compile(r"(?<![\w.,'])(?P<feet>[0-9]{1,3})' ?(?P<inches>[0-9]{1,2}(?:\.[0-9]{1,3})?)(?:\"|'')")
_HALF = re.compile(r"\bhalf an? (?=(?P<unit>[A-Za-z]{1,12})\b)", re.IGNORECASE)
_WITHIN = {("h", "m"): "min", ("ft", "in"): "inch"}
"""What a short word means after a larger unit, and not elsewhere."""


def with_one_unit(text: str) -> str:
    """The text with each such quantity in one unit: "150 min" for "2 hours and 30 minutes"."""
    text = _FEET.sub(lambda found: f"{12 * Decimal(found['feet']) + Decimal(found['inches'])} inches", text)
    text = _HALF.sub(lambda found: "0.5 " if smaller_units(unit_named(found["unit"])) else found[0], text)
    for _ in range(_MOST_UNITS):
        joined = _PAIR.sub(_joined, text)
        if joined == text:
            break
        text = joined
    return text


def _joined(found: re.Match[str]) -> str:
    upper = unit_named(found["of_upper"])
    word = found["of_lower"]
    lower = _WITHIN.get((upper, word.lower())) or unit_named(word)
    times = smaller_units(upper).get(lower)
    if times is None or Decimal(found["lower"]) >= times:
        return found[0]
    return f"{times * Decimal(found['upper']) + Decimal(found['lower'])} {lower}"
