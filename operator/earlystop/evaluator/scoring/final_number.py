"""The number that an answer comes to: the one it states, else the last one. Pure and total.

An answer that leaves two open ("7 or 8"), or ends with what is no one number ("3-5", "2π"), comes to none.
"""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.measurement_units import unit_named
from earlystop.evaluator.scoring.number_words import number_in_words
from earlystop.evaluator.scoring.numbers import Number, numbers_in, prepared, whole_number
from earlystop.evaluator.scoring.stated import CUE, after_hashes, searched, whole_statement

_FOOTNOTE = re.compile(r" ?\[[0-9]{1,3}\]|https?://\S+|^[ ]*[0-9]{1,2}[.)][ ]+(?=\S)", re.MULTILINE)
_DENIED = re.compile(
    r"(?:(?:\bnot|n't|\binstead of|\brather than|\bno es|\bn'est pas|\bnicht|\bnão é|\bnon è|\bbukan"
    r"|\bkhông phải(?: là)?)\s+(?:exactly\s+|quite\s+|equal to\s+)?|不(?:是|等于)\s*)$",
    re.IGNORECASE,
)
_OR = re.compile(r"^\s*(?:[A-Za-z]+\s+)?(?:or|and/or)\s+$", re.IGNORECASE)
_OPENING = re.compile(r"[\s(\[\"'=:]*")
_GOES_ON = re.compile(r"\s*[*/+×=^]|\s+-\s")


def final_number(text: str) -> Number | None:
    """The number that an answer comes to, None when there is none."""
    text = prepared(searched(text))
    line = after_hashes(text)
    if line is not None:
        text = line
    without_notes = _FOOTNOTE.sub(" ", text)
    for read in (without_notes, text):
        numbers = [each for each in numbers_in(read) if each is None or not _DENIED.search(read[: each.start][-30:])]
        if numbers:
            return _stated(read, numbers) or _last(read, numbers)
    return _in_words(text)


def gold_number(text: str) -> Number | None:
    """The number of a gold answer: the whole text, or the only number beside words, as in "5 apples"."""
    whole = whole_number(text)
    if whole is not None:
        return whole
    numbers = list(numbers_in(prepared(text)))
    return numbers[0] if len(numbers) == 1 and len(re.findall(r"[0-9]+(?![0-9.,' _/^*]*[0-9])", text)) <= 1 else None


def _stated(text: str, numbers: list[Number | None]) -> Number | None:
    """The number right after the last "the answer is", unless a calculation or an alternative goes on from it."""
    cues = list(CUE.finditer(text))
    if not cues:
        return None
    after = _OPENING.match(text, cues[-1].end())
    start = after.end() if after else cues[-1].end()
    for index, number in enumerate(numbers):
        if number is not None and number.start == start:
            following = numbers[index + 1] if index + 1 < len(numbers) else None
            is_open = following and _OR.match(text[number.end : following.start]) and following.value != number.value
            return None if is_open or _GOES_ON.match(text, number.end) else number
    return None


def _last(text: str, numbers: list[Number | None]) -> Number | None:
    last = numbers[-1]
    before = numbers[-2] if len(numbers) > 1 else None
    if last and before and before.value != last.value and _OR.match(text[before.end : last.start]):
        return None
    return last


def _in_words(text: str) -> Number | None:
    return number_and_unit_in_words(whole_statement(text) or "")


def number_and_unit_in_words(text: str) -> Number | None:
    """The number that the whole text is in words, as "five" or "five feet"; None where it is none."""
    value = number_in_words(text)
    if value is not None:
        return Number(value, "", 0, 0)
    counted, _, last = text.strip().rpartition(" ")
    value, unit = number_in_words(counted), unit_named(last)
    return Number(value, unit, 0, 0) if value is not None and unit else None
