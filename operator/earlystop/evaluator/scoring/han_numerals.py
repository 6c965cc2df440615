"""Numbers with Chinese and Japanese characters, alone or after digits: 四十五, 二千三百, 25万, 3千万, 123万4567.

Pure and total.
"""

from __future__ import annotations

import re
from fractions import Fraction

_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
_DIGITS |= {"零": 0, "两": 2, "兩": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8, "玖": 9}
_SMALL_SCALES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE_SCALES = {"万": 10**4, "萬": 10**4, "億": 10**8, "亿": 10**8, "兆": 10**12}
_SCALES = "".join((*_SMALL_SCALES, *_LARGE_SCALES))
_PART = re.compile(rf"[0-9]+(?:\.[0-9]+)?|[{''.join(_DIGITS)}{_SCALES}]")
_MOST_CHARACTERS = 40
_PERCENT = re.compile(rf"百分之(?P<parts>[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?|[{''.join(_DIGITS)}{_SCALES}]{{1,12}})")
_SCALED = re.compile(
    rf"(?<![\w.])(?P<body>[0-9]{{1,18}}(?:,[0-9]{{3}}){{0,5}}(?:\.[0-9]{{1,9}})? ?(?!千[克米瓦卡焦赫])[{_SCALES}]"
    rf"[0-9{_SCALES}]{{0,20}})"
)
"""Digits with a scale after them. 千 before 克 or 米 is the prefix of kilogram and kilometre."""


def han_number(text: str) -> Fraction | None:
    """The number that the whole text is in such characters, None where it is none or has none of them."""
    text = text.replace(",", "").replace(" ", "").removeprefix("正")
    negative = text.startswith(("负", "負"))
    parts = _PART.findall(text.lstrip("负負"))
    is_whole = 0 < len(text) <= _MOST_CHARACTERS and "".join(parts) == text[negative:]
    if not is_whole or text.isascii():
        return None
    value = _decimal_digits(parts) if all(part in _DIGITS for part in parts) else _scaled(parts)
    return None if value is None else -value if negative else value


def with_digits(text: str) -> str:
    """The text with 25万 as 250000, and 百分之二十八 as 28 %. Other characters without a digit before them stay:
    most of them stand in words."""
    text = _PERCENT.sub(_as_percent, text)
    return _SCALED.sub(lambda found: _written(found["body"]), text)


def _as_percent(found: re.Match[str]) -> str:
    value = found["parts"] if found["parts"].isascii() else _written(found["parts"])
    return f"{value}%" if value.isascii() else found[0]


def _written(body: str) -> str:
    value = han_number(body)
    return body if value is None or value.denominator != 1 else str(value)


def _decimal_digits(parts: list[str]) -> Fraction:
    """Digits one after the other, as in 二〇二四."""
    return Fraction(int("".join(str(_DIGITS[part]) for part in parts)))


def _scaled(parts: list[str]) -> Fraction | None:
    """Scales fall within a group, and groups within a number, as 123万4567 has two; None where they do not."""
    total, group, number = Fraction(0), Fraction(0), None
    last_small, last_large = 10**4, 10**16
    for part in parts:
        if part in _LARGE_SCALES:
            scale = _LARGE_SCALES[part]
            if scale >= last_large or (group == 0 and number is None):
                return None
            total += (group + (number or 0)) * scale
            group, number, last_small, last_large = Fraction(0), None, 10**4, scale
        elif part in _SMALL_SCALES:
            scale = _SMALL_SCALES[part]
            if scale >= last_small:
                return None
            group += (1 if number is None else number) * scale
            number, last_small = None, scale
        elif number:
            return None
        else:
            number = Fraction(_DIGITS[part]) if part in _DIGITS else Fraction(part)
    return total + group + (number or 0)
