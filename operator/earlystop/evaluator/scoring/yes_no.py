"""Yes or no, true or false, out of a sentence. Pure and total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.numbers import prepared
from earlystop.evaluator.scoring.stated import CUE, after_hashes, searched

_WORDS = {"yes": True, "true": True, "yeah": True, "yep": True, "no": False, "false": False, "nope": False}
_WORD = r"(yes|no|true|false|yeah|yep|nope)\b"
_NO_ANSWER = r"(?!-| (?:one|longer|more|other|such|way|matter|doubt|need|evidence|reason|question)\b)"
"""After a "no" that answers nothing, as in "no doubt"."""
_FIRST = re.compile(rf"[\s\"'(]*{_WORD}{_NO_ANSWER}", re.IGNORECASE)
_ANY = re.compile(rf"\b{_WORD}{_NO_ANSWER}", re.IGNORECASE)
_OPEN = re.compile(rf"\s*(?:or|and|/)\s*{_WORD}", re.IGNORECASE)
_NOT = (
    r"(?:\b(?:can)?not|n't|\bnever|\bhardly|\bscarcely|\bbarely|\bfar from|\bno longer)"
    r"(?: (?:be|entirely|always|necessarily|strictly|quite|really|actually|exactly))*"
)
_DENIED_TRUTH = re.compile(rf"{_NOT} (?P<true>true|correct|right)\b|{_NOT} false\b", re.IGNORECASE)
"""A statement that is not true is false; what is "not yes" says nothing."""
_DENIED = re.compile(rf"{_NOT} (?:say |answer )?{_WORD}", re.IGNORECASE)


def says_yes(text: str) -> bool | None:
    """True for yes, False for no, None where an answer says neither or both."""
    text = prepared(searched(text))
    text = _DENIED_TRUTH.sub(lambda found: " false" if found["true"] else " true", after_hashes(text) or text)
    text = _DENIED.sub(" ", text)
    places = [cue.end() for cue in reversed(list(CUE.finditer(text)))]
    for place in (*places, 0):
        if first := _FIRST.match(text, place):
            return None if _OPEN.match(text, first.end()) else _WORDS[first[1].lower()]
    found = {_WORDS[word.lower()] for word in _ANY.findall(text)}
    return found.pop() if len(found) == 1 else None
