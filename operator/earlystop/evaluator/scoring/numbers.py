"""Numbers as people and models write them, read by their value: pure, total, exact (fractions, no floating point).

What is read: signs of all kinds, 1,234.5 and 1.234,5 and 1 234,5 and 12,34,567 and 1'234, .25, 1/2, ½, 2 1/2, 3.0×10^8,
1e5, 2^10, 42 %, $5, £5 20p, 5 km, 3rd, 1.5 million, 2.5M. What could be two numbers is none: 3-5, 10:30, 2020-12-01,
1.2.3, 1,234,56, ±5, <5. A comma before three digits separates thousands (unless a 0 stands before it); before any other
number of digits it is a decimal comma. A single point is always decimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from earlystop.evaluator.scoring.compound_quantities import with_one_unit
from earlystop.evaluator.scoring.han_numerals import with_digits
from earlystop.evaluator.scoring.latex import latex_as_text
from earlystop.evaluator.scoring.measurement_units import PREFIXES, is_same_quantity, unit_after, unit_named
from earlystop.evaluator.scoring.number_words import SCALES
from earlystop.evaluator.scoring.typography import plain_characters, without_markup
from earlystop.evaluator.scoring.words_of_languages import SCALES as SCALES_OF_LANGUAGES

MOST_DIGITS = 400
_DIGITS = r"(?:[0-9](?:[0-9.,'_]*[0-9])?|(?<![\w.,])\.[0-9]+)"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w)\].,%])[-+] ?)?(?:(?P<prefix>{PREFIXES}) ?(?P<sign_after>[-+])?)?"
    rf"(?P<body>[0-9]{{1,3}}(?: [0-9]{{3}})+(?![0-9])(?:[.,][0-9]+)?|{_DIGITS})"
    r"(?P<fraction> ?/ ?[0-9]+(?![0-9.,]*[/]))?(?P<mixed> [0-9]{1,100} ?/ ?[0-9]{1,100}(?![0-9/]))?"
    r"(?P<exponent>[eE][-+]?[0-9]+(?![A-Za-z])| ?[x*·×⋅] ?10 ?(?:\^|\*\*) ?[({]?[-+]?[0-9]+[)}]?"
    r"|(?:\^|\*\*)[({]?[-+]?[0-9]+[)}]?)?"
    r"(?P<ordinal>(?:st|nd|rd|th)\b)?"
)
_GROUPED = (
    re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"),
    re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?"),
    re.compile(r"[0-9]{1,3}(?:[' _][0-9]{3})+(?:\.[0-9]+)?"),
    re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"),
)
_DECIMAL_COMMA = (
    re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"),
    re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}"),
    re.compile(r"[0-9]{1,3}(?:[' _][0-9]{3})+,[0-9]+"),
    re.compile(r"[0-9]+,[0-9]+"),
)
_DATE_OR_TIME = re.compile(r"[0-9]+ ?:.*|[0-9]+([-/.])[0-9]+\1[0-9]+|(?:1[0-9]|20)[0-9]{2}-[01][0-9]")
_COMPOUND = re.compile(r"(?: ?[-/:] ?|[.,:/-])(?=[0-9])[0-9][0-9.,]*")
_FACTOR = re.compile(r" ?(?:\\pi|\\sqrt|π|√)|[A-Za-z]")
_ROOT_BEFORE = re.compile(r"(?:\\sqrt ?(?:\[[0-9]{1,3}\])? ?[{\[]? ?|(?:√|\bsqrt) ?\(? ?)$")
_MINUS_IN_WORDS = re.compile(r"(?<![0-9] )\b(?:minus|negative) (?=[0-9.$€£])", re.IGNORECASE)
_PARTS = {"a half": "1/2", "one half": "1/2", "a quarter": "1/4", "one quarter": "1/4", "three quarters": "3/4",
          "a third": "1/3", "one third": "1/3", "two thirds": "2/3"}  # fmt: skip
_AND_PART = re.compile(rf"(?<=[0-9]) and ({'|'.join(_PARTS)})\b", re.IGNORECASE)
_AND_FRACTION = re.compile(r"(?<=[0-9])(?: and |  )(?=[0-9]{1,3} ?/ ?[0-9]{1,3}\b)")
_CALCULATED = re.compile(r"<<[^<>\n]{1,200}>>")
"""What GSM8K's answers hold for a calculator, beside the same result."""
_WITH_CENTS = re.compile(
    r"(?<![0-9])(?<![0-9],)(?P<whole>[0-9][0-9,]*) ?(?P<unit>dollars?|euros?|pounds?),? (?:and )?"
    r"(?:(?P<cents>[0-9]{1,2}) ?(?:cents?|pence|p)\b|(?<! and )(?<!, )(?P<two>[0-9]{2})p?"
    r"(?=\s*(?:[.,;!)](?![0-9])|$)))",
    re.IGNORECASE,
)
"""Such as "5 dollars and 20 cents", "5 pounds 20p" and "5 pounds 20"."""
_SIGN_WITH_CENTS = re.compile(
    r"(?<![\w.,])(?P<unit>[$€£]) ?(?P<whole>[0-9][0-9,]*),? (?:and )?(?P<cents>[0-9]{1,2}) ?(?:cents?|pence|p|¢)(?!\w)",
    re.IGNORECASE,
)
"""Such as "£5 20p"."""
_WITH_CENTS_AFTER_SIGN = re.compile(r"(?<![\w.,])(?P<whole>[0-9]+)(?P<unit>[€£])(?P<cents>[0-9]{2})(?![0-9.,])")
_UNITS_IN_FRACTION = re.compile(
    r"\\frac\{ {0,3}(?P<above>[A-Za-z]{1,12}) {0,3}\}"
    r"\{ {0,3}(?P<below>[A-Za-z]{1,12}) {0,3}(?P<power>(?:\^[1-9])?) {0,3}\}"
)
_BELOW_ZERO = re.compile(
    r"(?<![\w.,-])(?=[0-9])([0-9.,]{1,12}(?: ?°[CF]?| degrees?(?: celsius| fahrenheit)?)?) below zero\b", re.IGNORECASE
)
_PERCENT = re.compile(r" ?%| ?(?:percent|per cent|pct)\b", re.IGNORECASE)
_ALL_SCALES = {**SCALES_OF_LANGUAGES, **SCALES, "k": 10**3, "mn": 10**6, "bn": 10**9, "tn": 10**12, "dozen": 12,
               "mln": 10**6, "mlrd": 10**9}  # fmt: skip
_LONG_SCALES = "|".join(sorted(map(re.escape, (*SCALES_OF_LANGUAGES, *SCALES)), key=len, reverse=True))
_SCALE = re.compile(
    rf"[ -]((?:{_LONG_SCALES})(?!\w)|(?:{'|'.join(SCALES)}|dozen|bn|tn|mn|mln|mlrd)s?\b)|(bn|tn|mn|mln|mlrd|k)\b",
    re.IGNORECASE,
)
_CAPITAL_SCALE = re.compile(r"(?:M|B)(?![\w/^])")
"""Right after a number: 2.5M, 7B. A small letter may be a unit."""
_MONEY_SCALE = re.compile(r" ?([kKmMbB])\b")


@dataclass(frozen=True, slots=True)
class Number:
    """value: as written, so 42 for 42 %; unit: its one name, "%" for percent, "" without a known one.

    start, end: where it stands in the prepared text, unit included.
    """

    value: Fraction
    unit: str
    start: int
    end: int

    def agrees(self, other: Number, need_unit: bool = False) -> bool:
        """Whether both mean the same number. need_unit: a unit may not be left out.

        A percentage and a number without unit agree by value, as 42 % and 0.42, and as written, as 42 % and 42; below 1
        by value only, so 0.5 % is never 0.5. Units of one kind are converted, as 5 km and 5000 m.
        """
        if self.unit == other.unit:
            return self.value == other.value
        if self.unit and other.unit:
            return is_same_quantity(self.value, self.unit, other.value, other.unit)
        if need_unit:
            return False
        if "%" not in (self.unit, other.unit):
            return self.value == other.value
        percent, plain = (self, other) if self.unit == "%" else (other, self)
        return percent.value == 100 * plain.value or (percent.value == plain.value and abs(plain.value) >= 1)


def prepared(text: str) -> str:
    """The text as the readers here expect it."""
    text = _UNITS_IN_FRACTION.sub(_with_slash, latex_as_text(_CALCULATED.sub("", text)))
    text = with_digits(without_markup(plain_characters(text)))
    text = with_one_unit(_BELOW_ZERO.sub(r"-\1", _AND_FRACTION.sub(" ", text)))
    for pattern in (_WITH_CENTS, _SIGN_WITH_CENTS, _WITH_CENTS_AFTER_SIGN):
        text = pattern.sub(_with_decimals, text)
    return _AND_PART.sub(lambda found: f" {_PARTS[found[1].lower()]}", _MINUS_IN_WORDS.sub("-", text))


def _with_slash(found: re.Match[str]) -> str:
    are_units = unit_named(found["above"]) and unit_named(found["below"])
    return f" {found['above']}/{found['below']}{found['power']}" if are_units else found[0]


def _with_decimals(found: re.Match[str]) -> str:
    groups = found.groupdict()
    cents = groups["cents"] or groups["two"] or ""
    unit = "£" if groups["unit"].lower().startswith("pound") else groups["unit"]  # no weight has pence
    return f"{groups['whole']}.{cents:0>2} {unit}"


def numbers_in(text: str) -> Iterator[Number | None]:
    """The numbers of a prepared text from left to right; None for one that has no one value, such as 3-5.

    Dates, times and names with digits, such as B52, are none and left out.
    """
    position = 0
    while found := _NUMBER.search(text, position):
        position = _end_of_compound(text, found.end())
        before = text[found.start() - 1 : found.start()]
        if before.isascii() and before.isalnum():
            continue
        if position > found.end():
            if not _DATE_OR_TIME.fullmatch(text[found.start() : position]):
                yield None
            continue
        if (before and before in "±<>≤≥^_\\√") or _ROOT_BEFORE.search(text, max(0, found.start() - 20), found.start()):
            yield None
            continue
        number = _number(text, found)
        position = max(position, number.end if number else 0)
        yield number


def whole_number(text: str, leading_zeros: bool = True) -> Number | None:
    """The number that the whole text is, None where it is more or less than one. A full stop at the end is no more.

    leading_zeros: whether 007 is the number 7, or a name, and then none.
    """
    text = prepared(text).strip().rstrip(".!").strip().strip("\"'").strip()
    numbers = list(numbers_in(text)) if len(text) <= 4 * MOST_DIGITS else []
    if len(numbers) != 1 or numbers[0] is None:
        return None
    if not leading_zeros and re.match(r"[-+]?0[0-9]", text):
        return None
    only = numbers[0]
    return only if not text[: only.start].strip(" =≈") and not text[only.end :].strip(" .") else None


def _end_of_compound(text: str, end: int) -> int:
    """Where 3-5, 10:30, 1/2/2020 or 1.2.3 ends; `end` itself for a number that stands alone."""
    while following := _COMPOUND.match(text, end):
        if following[0].startswith(" -") and not following[0].startswith(" - "):
            break  # in "3 -5" the sign belongs to the second number
        end = following.end()
    return end


def _number(text: str, found: re.Match[str]) -> Number | None:
    value = _value_of(found)
    if value is None:
        return None
    if "-" in ((found["sign"] or "") + (found["sign_after"] or "")):
        value = -value
    unit, end = unit_named(found["prefix"] or ""), found.end()
    if percent := _PERCENT.match(text, end):
        return Number(value, "%", found.start(), percent.end())
    if found["ordinal"] is None:
        value, end = _scaled(text, end, value, bool(unit))
        written, end = unit_after(text, end)
        if unit and written and written not in (unit, "cent", "penny"):
            return None
        unit = unit or written
    if _FACTOR.match(text, end) and not unit:
        return None  # 3x, 2π, 4i and names that begin with digits
    return Number(value, unit, found.start(), end)


def _scaled(text: str, end: int, value: Fraction, is_money: bool) -> tuple[Fraction, int]:
    """The number with the word after it, as 1.5 million; of money also $5m, which may be metres elsewhere."""
    if found := _SCALE.match(text, end):
        word = (found[1] or found[2]).lower()
        return value * (_ALL_SCALES.get(word) or _ALL_SCALES[word.removesuffix("s")]), found.end()
    if is_money and (found := _MONEY_SCALE.match(text, end)):
        return value * {"k": 10**3, "m": 10**6, "b": 10**9}[found[1].lower()], found.end()
    if found := _CAPITAL_SCALE.match(text, end):
        return value * {"M": 10**6, "B": 10**9}[found[0]], found.end()
    return value, end


def _value_of(found: re.Match[str]) -> Fraction | None:
    value = _body(found["body"])
    if value is None or (found["fraction"] and found["mixed"]):
        return None
    if found["fraction"]:
        value = _ratio(value, found["fraction"].strip(" /"))
    elif found["mixed"]:
        upper, lower = found["mixed"].split("/")
        part = _ratio(Fraction(int(upper)), lower.strip())
        value = None if part is None or part >= 1 or value.denominator != 1 else value + part
    return value if value is None or not found["exponent"] else _powered(value, found["exponent"])


def _body(body: str) -> Fraction | None:
    if len(body) > MOST_DIGITS:
        return None
    if any(pattern.fullmatch(body) for pattern in _GROUPED) and not re.match(r"0[, ']", body):
        return Fraction(re.sub("[,' _]", "", body).removesuffix("."))
    if any(pattern.fullmatch(body) for pattern in _DECIMAL_COMMA):
        return Fraction(re.sub("[.' _]", "", body).replace(",", "."))
    return None


def _ratio(upper: Fraction, lower: str) -> Fraction | None:
    return upper / int(lower) if len(lower) <= MOST_DIGITS and int(lower) else None


def _powered(value: Fraction, written: str) -> Fraction | None:
    exponent = int(re.sub(r".*?([-+]?[0-9]+)[)}]?$", r"\1", written)[:6])
    base = value if re.match(r"\^|\*\*", written) else Fraction(10)
    if abs(exponent) > 999 or (base == 0 and exponent < 0) or len(str(base)) * abs(exponent) > 10_000:
        return None
    return base**exponent if base is value else value * base**exponent
