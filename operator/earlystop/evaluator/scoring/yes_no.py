"""Yes or no, true or false, out of a sentence. Pure and total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.numbers import prepared
from earlystop.evaluator.scoring.stated import CUE, after_hashes, searched

_WORDS = {"yes": True, "true": True, "yeah": True, "yep": True, "no": False, "false": False, "nope": False}
_WORD = r"(yes|no|true|false|yeah|yep|nope)\b"
_FIRST = re.compile(rf"[\s\"'(]*{_WORD}(?!-)", re.IGNORECASE)
_ANY = re.compile(
    rf"\b{_WORD}(?! (?:one|longer|more|other|such|way|matter|doubt|need|evidence|reason)\b)", re.IGNORECASE
)
_OPEN = re.compile(rf"\s*(?:or|and|/)\s*{_WORD}", re.IGNORECASE)
_DENIED = re.compile(rf"\bnot {_WORD}", re.IGNORECASE)


def says_yes(text: str) -> bool | None:
    """True for yes, False for no, None where an answer says neither or both."""
    text = prepared(searched(text))
    text = _DENIED.sub(" ", after_hashes(text) or text)
    places = [cue.end() for cue in reversed(list(CUE.finditer(text)))]
    for place in (*places, 0):
        if first := _FIRST.match(text, place):
            return None if _OPEN.match(text, first.end()) else _WORDS[first[1].lower()]
    found = {_WORDS[word.lower()] for word in _ANY.findall(text)}
    return found.pop() if len(found) == 1 else None
