"""Numbers in words, as people write small ones: "twenty-one", "two and a half", "three quarters", "third"."""

from __future__ import annotations

import re
from fractions import Fraction

from earlystop.evaluator.scoring.han_numerals import han_number
from earlystop.evaluator.scoring.words_of_languages import number_in_another_language

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
SCALES = {"hundred": 10**2, "thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9,
          "trillion": 10**12}  # fmt: skip
_IRREGULAR_ORDINALS = {"first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight",
                       "ninth": "nine", "twelfth": "twelve"}  # fmt: skip
_PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
          "eighth": 8, "ninth": 9, "tenth": 10}  # fmt: skip
_PARTS |= {word + "s": value for word, value in _PARTS.items() if word not in ("half", "halves")}
_MOST_WORDS = 24
_MOST_WORDS_OF_A_SENTENCE = 12
_COUNT = "|".join((*sorted(_SMALL, key=len, reverse=True), *SCALES, "dozen"))
_RUN = re.compile(
    rf"(?<![\w-])one[ -](?:{'|'.join(word for word in _PARTS if not word.endswith('s'))})(?![\w-])"
    rf"|(?<![\w-])(?<!the )(?<!these )(?<!those )(?<!their )(?:an? (?=(?:{'|'.join(SCALES)}|dozen)\b))?"
    rf"(?:{_COUNT})(?:[ -](?:and )?(?:{_COUNT}))*"
    r"(?: and an? (?:half|third|quarter)|[ -](?:halves|thirds|quarters|fourths|fifths|sixths|eighths|tenths))?"
    r"(?![\w-])",
    re.IGNORECASE,
)
"""A number in words within a sentence. "The two" are no number that is told."""
_BESIDE_ANOTHER = re.compile(r" (?:or|to|and)\b", re.IGNORECASE)


def number_in_words(text: str) -> Fraction | None:
    """The number that the whole text is in words, None where it is not one. Small numbers may be words of another
    language, any number Chinese characters. An ordinal is the number it counts to."""
    elsewhere = han_number(text.strip()) if text.strip() else None
    if elsewhere is None:
        elsewhere = number_in_another_language(text)
    if elsewhere is not None:
        return elsewhere
    words = re.sub(r"[-,]", " ", text.lower()).split()
    words = words[words[:1] == ["the"] and words[1:2] == ["number"] :]
    words = words[words[:1] == ["number"] :]
    if not words or len(words) > _MOST_WORDS:
        return None
    negative = words[0] in ("minus", "negative")
    value = _value(words[1:] if negative else words)
    return None if value is None else -value if negative else value


def with_words_as_digits(text: str) -> str | None:
    """A short sentence with its numbers in digits, as "There are 6." for "There are six."; None for one that is long
    or has no number, or one that cannot be read. "One" is a pronoun unless it stands beside another number."""
    if len(text.split()) > _MOST_WORDS_OF_A_SENTENCE or any(character.isdigit() for character in text):
        return None
    pieces: list[str] = []
    position = 0
    for run in _RUN.finditer(text):
        if run[0].lower() == "one" and not _BESIDE_ANOTHER.match(text, run.end()):
            continue
        value = number_in_words(run[0])
        if value is None:
            return None
        pieces += [text[position : run.start()], str(value)]
        position = run.end()
    return "".join((*pieces, text[position:])) if pieces else None


def _value(words: list[str]) -> Fraction | None:
    whole = _cardinal(words)
    if whole is not None:
        return Fraction(whole)
    if words[-1:] == ["dozen"] and (count := _count(words[:-1] or ["a"])) is not None:
        return Fraction(12 * count)
    if "point" in words and words[-1] not in SCALES:
        return _decimal(words)
    scaled = _value(words[:-1]) if words[-1] in SCALES and len(words) > 2 else None
    if scaled is not None:  # one and a half million
        return scaled * SCALES[words[-1]]
    return _with_part(words) or _ordinal(words)


def _cardinal(words: list[str]) -> int | None:
    """Such as "two thousand and twenty"; "a hundred" counts as one hundred, "twenty ten" is no number."""
    if words[:1] == ["a"] and words[1:2] and words[1] in SCALES:
        words = ["one", *words[1:]]
    if not words or "and" in (words[0], words[-1]):
        return None
    total, group, ceiling = 0, 0, 10**15
    for word in words:
        if word == "and":
            if group % 100:
                return None
        elif word == "hundred" and 0 < group < 100:
            group *= 100
        elif word in SCALES and group and 100 < SCALES[word] < ceiling:
            total, group, ceiling = total + group * SCALES[word], 0, SCALES[word]
        elif word in _SMALL and _fits(_SMALL[word], group, len(words)):
            group += _SMALL[word]
        else:
            return None
    return total + group


def _fits(value: int, group: int, count: int) -> bool:
    """Whether this may follow within a group of three digits: units after tens, anything after hundreds."""
    if value == 0:
        return count == 1
    if group % 100 == 0:
        return True
    return value < 10 and group % 100 >= 20 and group % 10 == 0


def _count(words: list[str]) -> int | None:
    return 1 if words in (["a"], ["an"]) else _cardinal(words)


def _decimal(words: list[str]) -> Fraction | None:
    point = words.index("point")
    whole, digits = _cardinal(words[:point] or ["zero"]), words[point + 1 :]
    if whole is None or not digits or not all(_SMALL.get(word, 10) < 10 for word in digits):
        return None
    return whole + Fraction(int("".join(str(_SMALL[word]) for word in digits)), 10 ** len(digits))


def _with_part(words: list[str]) -> Fraction | None:
    """Such as "half", "three quarters" and "two and a half"; "third" alone is an ordinal, "a third" is a part."""
    if words[-1] not in _PARTS:
        return None
    part, before = _PARTS[words[-1]], words[:-1]
    if not before:
        return Fraction(1, 2) if words[-1] == "half" else None
    if "and" in before:
        cut = len(before) - 1 - before[::-1].index("and")
        whole, count = _cardinal(before[:cut]), _count(before[cut + 1 :])
        return None if whole is None or count is None or count >= part else whole + Fraction(count, part)
    count = _count(before)
    if count is None or (count >= 20 and not words[-1].endswith("s")):  # "twenty third" is the ordinal 23rd
        return None
    return Fraction(count, part)


def _ordinal(words: list[str]) -> Fraction | None:
    last = words[-1]
    if words[0] == "the":
        words = words[1:]
    if last in _IRREGULAR_ORDINALS:
        cardinal = _IRREGULAR_ORDINALS[last]
    elif last.endswith("ieth"):
        cardinal = last[:-4] + "y"
    elif last.endswith("th"):
        cardinal = last[:-2]
    else:
        return None
    value = _cardinal([*words[:-1], cardinal])
    return None if value is None else Fraction(value)
