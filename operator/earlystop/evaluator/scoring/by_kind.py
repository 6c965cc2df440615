"""One comparison of an answer with one gold answer for each kind of answer. Pure and total.

`as_text`, the default, keeps Exact Match as SQuAD has it for plain text, and reads a gold answer that is something else
as what it is. The rule, by the gold answer alone:
- a number in digits (42, -5, 1,234.5, 3/4, $5, 42 %; not 007): the whole answer must be a number of the same value;
- a number in words (seven): Exact Match, or a number of the same value;
- a date or a time: the whole answer must be the same date or time;
- one capital letter, alone or in brackets: the answer must choose this letter, also in a sentence;
- a list, tuple, set or object of code: the same one, however it is spaced; in single quotes, the same characters;
- any other text: Exact Match, whichever way quotes and dashes are written, and the numbers and signs in both texts must
  agree, so that "1.2 km" is not "12 km", and "C" is not "C++".
"The whole answer" leaves out emphasis, a box, quotes, a full stop and the words "The answer is".
"""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.boxes import standing_boxed
from earlystop.evaluator.scoring.choice import choice_letter, gold_letter, is_choice
from earlystop.evaluator.scoring.code_values import is_value, same_value
from earlystop.evaluator.scoring.exact import comparable
from earlystop.evaluator.scoring.final_number import (
    bounds_values,
    final_number,
    gold_number,
    hours_and_minutes,
    number_and_what_is_counted,
    stated_proportion,
)
from earlystop.evaluator.scoring.latex import (
    last_boxed,
    normalize_latex,
    without_braces,
    without_counted_words,
    without_parentheses,
    without_sizes,
    without_variable,
)
from earlystop.evaluator.scoring.moments import last_moment, whole_moment
from earlystop.evaluator.scoring.number_words import number_in_words
from earlystop.evaluator.scoring.numbers import Number, numbers_in, prepared, whole_number
from earlystop.evaluator.scoring.shown_working import is_near, without_rounding
from earlystop.evaluator.scoring.signs import same_signs
from earlystop.evaluator.scoring.solution_sets import as_interval, parts_without_order
from earlystop.evaluator.scoring.stated import MOST_CHARACTERS, searched, whole_statement
from earlystop.evaluator.scoring.typography import plain_characters
from earlystop.evaluator.scoring.yes_no import says_yes

_EQUAL = re.compile(r"=|\\approx(?![A-Za-z])|≈")
_CALCULATION = re.compile(r"(?:[-+*/^(){}0-9., ]|\\(?:cdot|times|div|frac|dfrac|tfrac|sqrt|left|right)(?![A-Za-z]))+")
"""Of numbers alone: no unknown stands in it."""
_DECADE = re.compile(r"(?:1[0-9]|20)[0-9]0'?s")
"""1990s is a decade, not 1990 seconds, where people write it as a gold answer."""


def as_text(prediction: str, gold: str) -> bool:
    """By the rule above."""
    number = whole_number(gold, leading_zeros=False)
    if number is not None and not _DECADE.fullmatch(gold.strip()):
        return _is_whole_number(prediction, number)
    moment = whole_moment(gold)
    if moment is not None:
        stated = whole_statement(prediction)
        return stated is not None and whole_moment(stated) == moment
    if is_choice(gold):
        return choice_letter(prediction) == gold_letter(gold)
    in_words = number_in_words(gold)
    if in_words is not None and _is_whole_number(prediction, Number(in_words, "", 0, 0)):
        return True
    same = same_value(prediction, gold)
    if same is not None:
        return same
    return _same_text(prediction, gold) and _same_numbers(prediction, gold) and same_signs(prediction, gold)


def as_number(prediction: str, gold: str, need_unit: bool = False) -> bool:
    """The number that the answer comes to, or its last date or time, whichever the gold answer is."""
    moment = whole_moment(gold) if whole_number(gold) is None else None
    if moment is not None:
        return last_moment(searched(prediction), moment.kind) == moment
    wanted = gold_number(gold)
    if wanted is None:
        return False
    found = final_number(prediction, may_bound=bounds_values(gold))
    if found is not None and found.agrees(wanted, need_unit):
        return True
    exact = without_rounding(prediction[-MOST_CHARACTERS:])
    readings = (final_number(exact), stated_proportion(prediction, wanted), hours_and_minutes(prediction, wanted))
    return any(each is not None and each.agrees(wanted, need_unit) for each in readings)


def as_choice(prediction: str, gold: str) -> bool:
    """Whether the one letter that an answer chooses is the gold answer's."""
    letter = gold_letter(gold)
    return letter is not None and choice_letter(prediction) == letter


def as_yes_no(prediction: str, gold: str) -> bool:
    """Yes and true are one answer, no and false the other."""
    wanted = says_yes(gold)
    return wanted is not None and says_yes(prediction) is wanted


def as_boxed(prediction: str, gold: str) -> bool:
    r"""What the last \boxed{…} holds: equal as a number or a letter, by its LaTeX, or, without formulas, as text."""
    found = standing_boxed(prediction[-MOST_CHARACTERS:])
    inner = last_boxed(gold)
    gold = gold if inner is None else inner
    if found is None:
        return False
    found, gold = (without_braces(without_sizes(each)) for each in (found, gold))
    if _same_parts(found, gold):
        return True
    if without_variable(found) == found or without_variable(gold) == gold:  # x = 5 is 5, but x = 5 is not y = 5
        found, gold = without_variable(found), without_variable(gold)
    found = _one_of_equals(found, gold)
    found, gold = without_parentheses(found), without_parentheses(gold)
    number = whole_number(gold)
    if number is not None and number.unit == "" and whole_number(found) is None:
        found = without_counted_words(found)
    if (number is not None and not found.endswith("!")) or is_choice(gold):  # 5! is a factorial here
        return as_text(found, gold)
    wanted = normalize_latex(plain_characters(gold))
    if wanted and normalize_latex(plain_characters(found)) == wanted:
        return True
    return all(each.isalpha() or each in " '-.," for each in gold) and as_text(found, gold)


def _same_parts(found: str, gold: str) -> bool:
    """Whether both list the same values or intervals, whichever comes first, or are one interval."""
    one, other = as_interval(found), as_interval(gold)
    if (one, other) != (found, gold):
        return normalize_latex(one) == normalize_latex(other)
    listed, accepted = parts_without_order(found), parts_without_order(gold)
    if listed is None or accepted is None:
        return False
    return sorted(map(normalize_latex, listed)) == sorted(map(normalize_latex, accepted))


def _one_of_equals(found: str, gold: str) -> str:
    r"""The side of what a box holds as equal that is its answer, where all of it says one thing: the exact one of
    \frac{1}{3} \approx 0.33, the number of 3 \cdot 4 = 12, the first of \frac{3}{4} = 0.75."""
    first, *others = (side.strip() for side in _EQUAL.split(found))
    if not others or _EQUAL.search(gold):
        return found
    sides = [(side, whole_number(side)) for side in (first, *others)]
    if set(_EQUAL.findall(found)) == {"="}:
        values = {number.value for _, number in sides if number is not None}
        says_one = len(values) == 1 and all(number or _CALCULATION.fullmatch(side) for side, number in sides)
        return next(side for side, number in sides if number) if says_one else found
    exact, *near = (number.value if number else None for _, number in sides)
    if "=" in found or any(each is None or (exact is not None and not is_near(exact, each)) for each in near):
        return found
    return first


def can_match(gold: str) -> bool:
    """Whether some answer can match this gold answer as text."""
    return bool(comparable(gold)) or whole_number(gold) is not None or is_value(gold)


def can_match_number(gold: str) -> bool:
    """Whether a gold answer is one number, date or time."""
    return gold_number(gold) is not None or whole_moment(gold) is not None


def _is_whole_number(prediction: str, wanted: Number) -> bool:
    stated = whole_statement(prediction)
    if not stated:
        return False
    number = whole_number(stated, leading_zeros=False) or number_and_what_is_counted(stated)
    return number is not None and number.agrees(wanted)


def _same_text(prediction: str, gold: str) -> bool:
    """Exact Match as it is published, or once quotes, dashes, spaces and accents are spelled one way."""
    if not comparable(gold):
        return False
    if comparable(prediction) == comparable(gold):
        return True
    if len(prediction) > MOST_CHARACTERS:
        return False
    return comparable(plain_characters(prediction)) == comparable(plain_characters(gold))


def _same_numbers(prediction: str, gold: str) -> bool:
    """Whether both texts hold the same numbers. Exact Match takes points and signs away, with meaning."""
    if not any(character.isdigit() for character in gold):
        return True
    return _values(prediction) == _values(gold)


def _values(text: str) -> list[str]:
    """The values of a text's numbers, the digits of names such as B52, whichever hyphens stand before them, and what
    is no one number as it is written, such as 1.10.2."""
    text = prepared(text)
    named = re.findall(r"(?<=[A-Za-z])[0-9](?:[0-9.,]*[0-9])?", text)
    parted = [each for each in re.findall(r"[0-9]+(?:[.:/][0-9]+)+", text) if whole_number(each) is None]
    return sorted([*named, *parted, *(str(each and each.value) for each in numbers_in(text))])
