r"""What an answer's boxes say together: "\boxed{5} or \boxed{6}" says two, and a box may be taken back.

Pure and total.
"""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.corrections import corrections
from earlystop.evaluator.scoring.latex import Box, boxes_from_the_end

_SPACE = r"(?:[$\s\\()\[\]]|\\q?quad(?![A-Za-z]))*"
_WORD = r"(?:or|and|\\(?:text|mbox|textrm)\{\s*(?:or|and)\s*\})"
_BETWEEN = re.compile(rf"{_SPACE}(?:,|{_WORD}|,\s*{_WORD}){_SPACE}")
_EMPTY = re.compile(r"(?:[\s~?]|\\(?:q?quad|[,;:! ])|\\h?phantom\{[^{}]*\})*")
"""What a box holds that is the gap of a question."""
_WITHDRAWN = re.compile(
    r"[$\s\\)\]]*(?:is|was|would be|cannot be|can't be)\s+(?:wrong|incorrect|not|false|a mistake)", re.IGNORECASE
)
_FACTOR = re.compile(r"[a-z](?![A-Za-z'])|\\pi(?![A-Za-z])|\\sqrt\{[^{}]{0,40}\}|\^\{?[0-9]{1,3}\}?|!(?=\s*\$)")
"""What goes on from a box as part of its formula, as in \\boxed{12}x."""
_SCALE = re.compile(
    r"[\s$]{0,3}(?:\\text\{\s*)?(?P<word>hundred|thousand|million|billion|trillion)(?![A-Za-z]|\s*and\b)",
    re.IGNORECASE,
)
_OPERATION = re.compile(
    r"\s{0,3}(?:[-+*/]|\\(?:cdot|times|pm|mp|div)(?![A-Za-z]))\s{0,3}(?=[0-9(\\]|[A-Za-z](?![A-Za-z]))[^=$\n,.;]{1,60}?"
    r"(?=\s*(?:\$|\\[)\]]|[.,;]?\s*(?:\n|$)))"
)
"""What goes on from a box and makes another value of it. Where an equals sign follows, the box fills a gap and is the
answer."""
_WITHIN = re.compile(r"\\(?:sqrt(?:\[[^\[\]]{1,9}\])?|[dtc]?frac)\s*\{\s*$")
_WITHIN_MOST = 20
_MINUS = re.compile(r"(?:^|[\s$(=:])-$")
_STATES = re.compile(r"[-+$\\(]{0,3}\s*(?:[0-9]|[A-Z]\b)")


def standing_boxed(text: str) -> str | None:
    """What the last box holds, and those that are joined to it by a comma or a word; None where there is none, or where
    the answer calls it wrong, makes another value of it or states something else in its place afterwards."""
    found = [box for box in boxes_from_the_end(text) if not _EMPTY.fullmatch(box.content)]
    if not found:
        return None
    end = found[0].end
    if _WITHDRAWN.match(text, end) or any(_STATES.match(text, start) for start in corrections(text, end)):
        return None
    joined = _joined(text, found)
    before = text[max(0, joined[0].start - _WITHIN_MOST) : joined[0].start]
    if _WITHIN.search(before) and "=" not in text[end : end + _WITHIN_MOST]:
        return None
    return _minus(before) + ", ".join(each.content for each in joined) + _after(text, end)


def _minus(before: str) -> str:
    """The sign that stands right before a box, as in "x = -\\boxed{5}"; "" without one, or for a dash."""
    return "-" if _MINUS.search(before) else ""


def _after(text: str, end: int) -> str:
    """What goes on from a box and makes another value of what it holds, "" where nothing does."""
    if scale := _SCALE.match(text, end):
        return f" {scale['word']}"
    goes_on = _FACTOR.match(text, end) or _OPERATION.match(text, end)
    return goes_on[0] if goes_on else ""


def _joined(text: str, from_the_end: list[Box]) -> list[Box]:
    joined = [from_the_end[0]]
    for each in from_the_end[1:]:
        if not _BETWEEN.fullmatch(text, each.end, joined[0].start):
            break
        joined.insert(0, each)
    return joined
