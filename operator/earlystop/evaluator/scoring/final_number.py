"""The number that an answer comes to: the one it states, else the last one. Pure and total.

An answer that leaves two open ("7 or 8"), or ends with what is no one number ("3-5", "2π", "at least 5"), comes to
none. What it denies, asks about or takes back is not what it comes to.
"""

from __future__ import annotations

import re
from fractions import Fraction

from earlystop.evaluator.scoring.bounds import LEAD, is_bound, with_bounds_open
from earlystop.evaluator.scoring.corrections import corrections
from earlystop.evaluator.scoring.measurement_units import unit_named
from earlystop.evaluator.scoring.number_words import number_in_words, with_words_as_digits
from earlystop.evaluator.scoring.numbers import Number, numbers_in, prepared, whole_number
from earlystop.evaluator.scoring.refusals import is_doubted, refuses
from earlystop.evaluator.scoring.shown_working import without_working
from earlystop.evaluator.scoring.stated import CUE, after_hashes, searched, whole_statement

_FOOTNOTE = re.compile(r" ?\[\^?[0-9]{1,3}\]|https?://\S+|^[ ]*[0-9]{1,2}[.)][ ]+(?=\S)", re.MULTILINE)
_SCIENTIFIC = re.compile(r"(?<=[0-9])[eE][-+]?[0-9]+(?![0-9A-Za-z])")
_STEP = re.compile(r"^[ ]*step [0-9]{1,3}(?:[:.)]| -)[ ]+(?=\S)", re.IGNORECASE | re.MULTILINE)
"""The heading of a step, whose number is none of the answer's."""
_DENIED = re.compile(
    r"(?:(?:\b(?:can)?not|n't|\binstead of|\brather than|\bas opposed to|\bno es|\bn'est pas|\bnicht|\bnão é|\bnon è"
    r"|\bbukan|\bkhông phải(?: là)?)\s+(?:be\s+)?(?:(?:exactly|quite|even|equal to)\s+)?|不(?:是|等于)\s*"
    r"|\b(?:(?:up|down|increased|decreased|reduced|raised|lowered) from|compared (?:to|with)|versus|vs\.?)\s+"
    r"|(?:\bnot|n't) (?:think|believe|say|mean)\b[^.,;:!?\n0-9]*\s"
    r"|\b(?:wrong|incorrect|mistaken|false) (?:answer|result|value|guess|solution) (?:is|was|would be)\s+)$",
    re.IGNORECASE,
)
_OR = re.compile(r"^\s*(?:[A-Za-z]+\s+)?(?:or|and/or)\s+(?:[A-Za-z]\s*=\s*)?$", re.IGNORECASE)
_JOINED = re.compile(r"^\s*(?:,|and|or|and/or|,\s*(?:and|or))\s+(?:[A-Za-z]\s*=\s*)?$", re.IGNORECASE)
_SAME_VARIABLE = re.compile(r"\b([A-Za-z])\s*=\s*$")
_ASIDE = re.compile(r"^\s*(?:[A-Za-z]+\s+)?\([^()]*$")
_OPENING = re.compile(r"[\s(\[\"'=:≈]*")
_OPERATED = re.compile(
    r"\b(?:root|squared?|cubed?|half|thirds?|quarters?|twice|doubled?|triple|log(?:arithm)?|sine|cosine|factorial|reciprocal)"
    r" (?:of )?$",
    re.IGNORECASE,
)
"""Before a number that another one is made of: "the square root of 9" is not 9."""
_OF_THE_VALUE = re.compile(
    r"and|or|to|of|plus|minus|times|over|by|divided|multiplied|mod|choose|factorial|squared|cubed|half|halves|thirds?|quarters?"
    r"|dozens?|score|tens|hundreds?|thousands?|millions?|billions?|less|more|fewer|not|if|at|most|least|past|percentile"
    r"|th|ish|ways?|\w+ths|pi|root|(?:probably|perhaps|maybe|possibly|wrong|incorrect)",
    re.IGNORECASE,
)
"""Words after a number that make another one of it, or none."""
_OUT_OF = re.compile(
    r"^\s*(?:[A-Za-z]+\s+){0,2}?(?:out of|of the)(?:\s+(?:the|all|a total of|possible))?\s*$", re.IGNORECASE
)
"""Between a number and what it is a part of, as in "20 out of the 50 students"."""
_SHARE = re.compile(r"(?<![0-9.,/])([0-9]{1,9}) (?:out of|in)(?: every)? ([0-9]{1,9})\s*[.!]?\s*$")
_REPORTED = re.compile(r"\b(?:asks?|asked|mentions?|wonder)\b", re.IGNORECASE)
_DURATION = re.compile(
    r"(?P<hours>[0-9]{1,3})(?: ?h ?|:(?=[0-9]{2} ?(?:h|hrs?|hours?)$))(?P<minutes>[0-5][0-9])(?: ?[a-z]{1,5})?",
    re.IGNORECASE,
)
_PLURAL = re.compile(
    r"(?!(?:yes|is|was|this|thus|as|always|versus|across|pairs|couples|scores|lakhs|crores)$)\w+s"
    r"|people|persons|children|men|women|feet|teeth|mice|geese|sheep|fish|deer|oxen|dice|data|\w+(?:men|women)",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    r"\b(?:(?:at|in|for|from|among|across|over|on) (?:all )?(?:the|these|those|his|her|their)"
    r"(?: (?:first|last|next|other))?"
    r"|after \w+ing(?: \w+){0,3}) $",
    re.IGNORECASE,
)
"""Before a number that the question gave: "150 pupils at the 2 schools", "12 left after giving away 4"."""
_REFERENCE = re.compile(
    r"\b(?:see|as (?:shown|seen|computed|found|calculated|given|stated|derived) (?:in|by)|according to|cf\.|by|using"
    r"|per|from) (?:the )?(?:step|table|figure|fig\.|equation|eq\.|section|chapter|page|example|case|line|part|rule"
    r"|theorem|lemma|method|option|note) \(?$",
    re.IGNORECASE,
)
"""Before the number of a place that an answer refers to."""
_EXPLANATION = re.compile(r"\s*(?:explanation|reasoning|justification)\s*:?", re.IGNORECASE)
_ASKED = re.compile(r"\s*[?？]")
_SEVERAL = Number(Fraction(0), "", -1, -1)
"""Stands for several numbers that are stated as the answer."""
_ANY_DIGIT = re.compile(r"[0-9]")
_STOP = re.compile(r"[.!?;,\n\"]")
_NEXT_WORD = re.compile(
    r"\s*(?:(?:and|or|no|not|maybe|perhaps|possibly|rather|actually|wait)\b[\s,:]*)*(\w+)", re.IGNORECASE
)
_DIGITS = re.compile(r"[-+]?[0-9][0-9.,]*")
_REJECTED = re.compile(
    r"(?:\s+[A-Za-z]+)?\s*(?:(?:(?:does|do|did)(?: not|n't)|fails?)(?: (?:work|fit|hold|count))?(?=\s*(?:[.,;!]|$))"
    r"|(?:isn't|wasn't) (?:valid|possible|allowed|correct|right|the (?:right |correct )?answer"
    r"|an? (?:valid )?solution)\b"
    r"|(?:(?:is|was|are|were|must be|has to be|can be)\s+|\()(?:also\s+)?(?:rejected|discarded"
    r"|excluded|ruled out|extraneous|invalid|impossible|wrong|incorrect"
    r"|not (?:valid|possible|allowed|correct|right|the (?:right |correct )?answer|an? (?:valid )?solution)"
    r"|too (?:low|high|small|large|big|much|many|few))\b)",
    re.IGNORECASE,
)
"""After a number that an answer throws away, as in "x = -5 is rejected"."""
_MADE_INTO = re.compile(r"\s+(?:squared|cubed|factorial|root|basis points?)\b", re.IGNORECASE)
_UNFINISHED = re.compile(r" ?[×·⋅÷] ?(?=[A-Za-z(\\])| [*+] (?=[A-Za-z(\\])")
"""After a number that an unknown is added to or multiplied with."""
_GOES_ON = re.compile(r"\s*[*/+×=^]|\s+-\s")
_CUT_OFF = re.compile(
    r"\s(?:by|the|an?|and|or|from|we|then|each one|to get|subtract|multiply|divide|costs)\s*$"
    r"|(?<=[0-9)]) ?[=×÷]\s*$|(?<=[0-9)]) [*/]\s*$",
    re.IGNORECASE,
)
"""The end of an answer that breaks off before it comes to its number."""


def final_number(text: str, may_bound: bool = False) -> Number | None:
    """The number that an answer comes to, None when there is none. may_bound: whether that of "at least 5" is 5."""
    text = prepared(searched(text))
    line = after_hashes(text)
    if line is not None:
        text = line
    text = without_working(_before_explanation(_STEP.sub("", text)))
    if (in_words := _stated_in_words(text)) is not None:
        return in_words
    without_notes = _FOOTNOTE.sub(" ", text)
    for read in (without_notes, text):
        numbers = [each for each in numbers_in(read) if each is None or not _is_unsaid(read, each)]
        if numbers:
            return _comes_to(read, numbers, values_only=not may_bound)
    found = _in_words(text)
    if found is None and (read_as := with_words_as_digits(text)) is not None:
        in_digits = prepared(read_as)
        numbers = [each for each in numbers_in(in_digits) if each is None or not _is_unsaid(in_digits, each)]
        return _comes_to(in_digits, numbers, values_only=not may_bound) if numbers else None
    return found


def _before_explanation(text: str) -> str:
    """The first line of an answer that is one number there, and explains it under a heading of its own."""
    first, _, rest = text.strip().partition("\n")
    is_explained = _EXPLANATION.match(rest) and not CUE.search(rest) and not corrections(rest, 0)
    return first if is_explained and (found := gold_number(first)) and not is_bound(first, found) else text


def _is_unsaid(text: str, number: Number) -> bool:
    """Whether an answer denies a number, asks about it, or makes another one of it."""
    before = text[: number.start][-40:]
    if any(each.search(before) for each in (_DENIED, _OPERATED, _REFERENCE)) or is_doubted(text, number.start):
        return True
    return any(each.match(text, number.end) for each in (_ASKED, _REJECTED, _MADE_INTO))


def _comes_to(text: str, numbers: list[Number | None], values_only: bool) -> Number | None:
    cues = list(CUE.finditer(text))
    opened = with_bounds_open(text, numbers) if values_only else numbers
    for start in corrections(text, cues[-1].end() if cues else 0):
        corrected = next((each for each in opened if each is not None and each.start == start), None)
        if corrected is not None:
            return _last(text, opened) if _GOES_ON.match(text, corrected.end) else corrected
    lead = LEAD.match(text, cues[-1].end()) if cues else None
    if lead and any(each and each.start == lead.end() and values_only and is_bound(text, each) for each in numbers):
        return None
    stated = _stated(text, opened)
    if stated == _SEVERAL:
        return None
    return _last(text, opened) if stated is None and not (refuses(text) or _CUT_OFF.search(text)) else stated


def bounds_values(gold: str) -> bool:
    """Whether a gold answer is itself a bound, as "at least 5"."""
    text = prepared(gold)
    return any(each is not None and is_bound(text, each) for each in numbers_in(text))


def gold_number(text: str) -> Number | None:
    """The number of a gold answer: the whole text, or the only number beside words, as in "5 apples"."""
    whole = whole_number(text)
    if whole is not None:
        return whole
    numbers = list(numbers_in(prepared(text)))
    digits = re.findall(r"[0-9]+(?![0-9.,' _/^*]*[0-9])", _SCIENTIFIC.sub("", text))
    return numbers[0] if len(numbers) == 1 and len(digits) <= 1 else None


def _stated(text: str, numbers: list[Number | None]) -> Number | None:
    """The number right after the last "the answer is", unless a calculation goes on from it; `_SEVERAL` where others
    stand beside it."""
    cues = list(CUE.finditer(text))
    if not cues:
        return None
    after = _OPENING.match(text, cues[-1].end())
    start = after.end() if after else cues[-1].end()
    for index, number in enumerate(numbers):
        if number is not None and number.start == start:
            if _are_open(text, _listed(text, numbers[index:])):
                return _SEVERAL
            return None if _GOES_ON.match(text, number.end) else number
    return None


def _listed(text: str, numbers: list[Number | None]) -> list[Number]:
    """The first number, and those that are joined to it one after the other, as in "3, 5 and 7"."""
    listed: list[Number] = []
    for each in numbers:
        if each is None or (listed and not _is_joined(text, listed[-1], each)):
            break
        listed.append(each)
    return listed


def _is_joined(text: str, number: Number, following: Number) -> bool:
    between = text[number.end : following.start]
    return bool(_OR.match(between) or _JOINED.match(between))


def _are_open(text: str, listed: list[Number]) -> bool:
    """Whether the answer states several numbers: with "or", or as a list with nothing after it."""
    if all(each.agrees(listed[0]) for each in listed):
        return False
    return bool(_OR.match(text[listed[0].end : listed[1].start])) or not text[listed[-1].end :].strip(" .!)$")


def _last(text: str, numbers: list[Number | None]) -> Number | None:
    """The last number, but for what stands in brackets beside it, as in "12 inches (30 cm)"."""
    last = numbers[-1]
    for before in reversed(numbers[:-1]):
        if before is None or last is None:
            break
        between = text[before.end : last.start]
        is_given = _GIVEN.search(between) and not re.search(r"[.=!?\n]", between)
        if _ASIDE.match(between) or _OUT_OF.match(between) or is_given:
            last = before
            continue
        return None if not before.agrees(last) and _are_several(text, before, last) else last
    return None if last and _UNFINISHED.match(text, last.end) else last


def _are_several(text: str, before: Number, last: Number) -> bool:
    """Whether two numbers are both the answer: joined by "or", given to one variable, or all that is written."""
    between = text[before.end : last.start]
    if _OR.match(between):
        return True
    variables = [_SAME_VARIABLE.search(text[: each.start][-20:]) for each in (before, last)]
    same = all(variables) and variables[0][1] == variables[1][1]  # type: ignore[index]
    return bool(_JOINED.match(between)) and (same or not text[: before.start].strip(" ([$"))


def stated_proportion(text: str, wanted: Number) -> Number | None:
    """The part that "3 out of 8" or "3 in 8" says at a text's end, where a number that is not whole, or a percentage,
    is wanted; None beside another number in the same sentence, and for what is denied, doubted or a bound."""
    text = prepared(searched(text))
    found = _SHARE.search(text) if wanted.value.denominator > 1 or wanted.unit == "%" else None
    if found is None or not int(found[2]) or refuses(text):
        return None
    upper = Number(Fraction(int(found[1])), "", found.start(), found.end(1))
    *_, sentence = re.split(r"[.!?;\n](?!\d)", text[: found.start()])
    if is_bound(text, upper) or _is_unsaid(text, upper) or any(numbers_in(sentence)) or _REPORTED.search(sentence):
        return None
    return Number(upper.value / int(found[2]), "", 0, 0)


def hours_and_minutes(text: str, wanted: Number) -> Number | None:
    """The minutes of a duration such as 2h30 or "2:30 hours", which is the whole text, where a time span is wanted."""
    found = _DURATION.fullmatch(whole_statement(text) or "") if wanted.unit in ("h", "min", "s") else None
    return Number(Fraction(60 * int(found["hours"]) + int(found["minutes"])), "min", 0, 0) if found else None


def _stated_in_words(text: str) -> Number | None:
    """The number in words right after the last "the answer is", where no digits follow that."""
    cues = list(CUE.finditer(text))
    if not cues or _ANY_DIGIT.search(text, cues[-1].end()):
        return None
    said = text[cues[-1].end() :].strip(" \n:\"'")
    stop = _STOP.search(said)
    if stop is not None and (stop[0] == "?" or _goes_on_with_a_number(said[stop.end() :])):
        return None
    return number_and_what_is_counted(said[: stop.start()] if stop else said)


def _goes_on_with_a_number(text: str) -> bool:
    """Whether another number in words comes next, as of a list, an alternative or a correction."""
    following = _NEXT_WORD.match(text)
    return following is not None and number_in_words(following[1]) is not None


def _in_words(text: str) -> Number | None:
    return number_and_what_is_counted(whole_statement(text) or "")


def number_and_what_is_counted(text: str) -> Number | None:
    """The number that the whole text is, as "five", "five feet", "five apples" or "5 apples"; None where it is none."""
    value = number_in_words(text)
    if value is not None:
        return Number(value, "", 0, 0)
    counted, _, last = text.strip().rpartition(" ")
    value = number_in_words(counted)
    if value is None and _DIGITS.fullmatch(counted) and (found := whole_number(counted, leading_zeros=False)):
        value = found.value if len(last) > 2 else None
    is_counted = last.isalpha() and _is_counted(last, value) and not _OF_THE_VALUE.fullmatch(last)
    return Number(value, unit_named(last), 0, 0) if value is not None and is_counted else None


def _is_counted(word: str, value: Fraction | None) -> bool:
    """Whether a word names what there are so many of, and says nothing of the number, as in "42 doubled"."""
    return bool(value == 1 or unit_named(word) or _PLURAL.fullmatch(word))
