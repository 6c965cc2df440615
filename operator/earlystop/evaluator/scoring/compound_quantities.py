"""Quantities become one number and one unit: 2 hours 30 minutes, 5' 6", half an hour, metres per second squared,
degrees Celsius. Pure and total."""

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
_OF_A_UNIT = re.compile(r"(?<=[0-9]) of an? (?=(?P<unit>[A-Za-z]{1,12})\b)")
_POWER = re.compile(r"\b(?P<unit>[A-Za-z]{1,12}) (?P<power>squared|cubed)\b", re.IGNORECASE)
_SCALE = re.compile(r"(?<=[0-9]) ?(?:°|degrees?) ?(?P<scale>celsius|centigrade|fahrenheit|[CF])\b", re.IGNORECASE)
_WITHIN = {("h", "m"): "min", ("ft", "in"): "inch"}
"""What a short word means after a larger unit, and not elsewhere."""
_BEFORE = {("m", "s"): "min", ("pound", "oz"): "lb"}
"""What a unit is before a smaller one: no length has seconds, and no money ounces."""


def with_one_unit(text: str) -> str:
    """The text with each such quantity as one number of one unit: "150 min" for "2 hours and 30 minutes"."""
    text = _FEET.sub(lambda found: f"{12 * Decimal(found['feet']) + Decimal(found['inches'])} inches", text)
    text = _HALF.sub(lambda found: "0.5 " if smaller_units(unit_named(found["unit"])) else found[0], text)
    text = _OF_A_UNIT.sub(lambda found: " " if smaller_units(unit_named(found["unit"])) else found[0], text)
    text = _POWER.sub(_with_power, text)
    text = _SCALE.sub(lambda found: " °F" if found["scale"].lower().startswith("f") else " °C", text)
    for _ in range(_MOST_UNITS):
        joined = _PAIR.sub(_joined, text)
        if joined == text:
            break
        text = joined
    return text


def _with_power(found: re.Match[str]) -> str:
    power = 2 if found["power"].lower() == "squared" else 3
    return f"{found['unit']}^{power}" if unit_named(found["unit"]) else found[0]


def _joined(found: re.Match[str]) -> str:
    upper, word = unit_named(found["of_upper"]), found["of_lower"].lower()
    lower = _WITHIN.get((upper, word)) or unit_named(word)
    upper = _BEFORE.get((upper, lower), upper)
    times = smaller_units(upper).get(lower)
    if times is None or Decimal(found["lower"]) >= times:
        return found[0]
    return f"{times * Decimal(found['upper']) + Decimal(found['lower'])} {lower}"
