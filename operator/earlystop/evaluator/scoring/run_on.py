"""Where a model goes on to another question after its answer, as one without a mark of its turn's end does. Pure and
total."""

from __future__ import annotations

import re
from itertools import islice

from earlystop.evaluator.scoring.stated import CUE

_HEADING = r"[ \t]{0,3}(?:#{1,4} )?\**(?:question|q|user|human)(?: ?[0-9]{1,3})?\**:\**(?=\s)"
_BEGINS = re.compile(rf"\s*{_HEADING}", re.IGNORECASE)
_NEXT = re.compile(rf"\n{_HEADING}", re.IGNORECASE)
_BOX = re.compile(r"\\boxed\b|####")
_MOST_HEADINGS = 20


def without_next_question(text: str) -> str:
    """The text until the first "Question:" or "User:" at the beginning of a line after a stated answer.

    A text that itself begins with a question is left whole: it may come to its answer by questions of its own.
    """
    if _BEGINS.match(text):
        return text
    for found in islice(_NEXT.finditer(text), _MOST_HEADINGS):
        if CUE.search(text, 0, found.start()) or _BOX.search(text, 0, found.start()):
            return text[: found.start()]
    return text
