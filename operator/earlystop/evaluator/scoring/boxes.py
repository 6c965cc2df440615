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
_WITHDRAWN = re.compile(
    r"[$\s\\)\]]*(?:is|was|would be|cannot be|can't be)\s+(?:wrong|incorrect|not|false|a mistake)", re.IGNORECASE
)
_FACTOR = re.compile(r"[a-z](?![A-Za-z'])|\\pi(?![A-Za-z])|\\sqrt\{[^{}]{0,40}\}|\^\{?[0-9]{1,3}\}?|!(?=\s*\$)")
"""What goes on from a box as part of its formula, as in \\boxed{12}x."""
_STATES = re.compile(r"[-+$\\(]{0,3}\s*(?:[0-9]|[A-Z]\b)")


def standing_boxed(text: str) -> str | None:
    """What the last box holds, and those that are joined to it by a comma or a word; None where there is none, or where
    the answer calls it wrong or states something else in its place afterwards."""
    found = list(boxes_from_the_end(text))
    if not found:
        return None
    end = found[0].end
    if _WITHDRAWN.match(text, end) or any(_STATES.match(text, start) for start in corrections(text, end)):
        return None
    factor = _FACTOR.match(text, end)
    return ", ".join(each.content for each in _joined(text, found)) + (factor[0] if factor else "")


def _joined(text: str, from_the_end: list[Box]) -> list[Box]:
    joined = [from_the_end[0]]
    for each in from_the_end[1:]:
        if not _BETWEEN.fullmatch(text, each.end, joined[0].start):
            break
        joined.insert(0, each)
    return joined
