"""Where a model goes on to another question after its answer, as one without a mark of its turn's end does. Pure and
total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.stated import CUE

_HEADING = r"[ \t]{0,3}(?:#{1,4} )?\**(?:question|q|user|human)(?: ?[0-9]{1,3})?\**:\**(?=\s)"
_BEGINS = re.compile(rf"\s*{_HEADING}", re.IGNORECASE)
_NEXT = re.compile(rf"\n{_HEADING}", re.IGNORECASE)
_BOX = re.compile(r"\\boxed\b|####")
_ON_THE_WAY = ("result", "solution")
"""Of cues, those that answers also state a step by."""
_SPACES = re.compile(r"\s{2,}")
"""Cues are looked for without long runs of these, along which their search would take the square of the time."""


def without_next_question(text: str) -> str:
    """The text until the first "Question:" or "User:" at the beginning of a line, where an answer is stated before it.

    A text that comes to a question before any stated answer is left whole: it may come to its answer by questions of
    its own. So is one that states a result alone, as of a step.
    """
    found = None if _BEGINS.match(text) else _NEXT.search(text)
    return text[: found.start()] if found and _states_answer(text[: found.start()]) else text


def _states_answer(text: str) -> bool:
    cues = (cue[0].lower() for cue in CUE.finditer(_SPACES.sub(" ", text)))
    return bool(_BOX.search(text)) or any(not any(word in cue for word in _ON_THE_WAY) for cue in cues)
