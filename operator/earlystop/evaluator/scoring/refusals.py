"""Where an answer refuses, doubts or only reports what it names: "I cannot say whether it is 24" is not 24. Pure and
total."""

from __future__ import annotations

import re

_CANNOT = (
    r"(?:\bcan(?:not|'t| not)|\bcould(?:n't| not)|\bunable to|\bnot able to|\bimpossible to"
    r"|(?:\bnot|n't) possible to|\b(?:will not|won't|refuse to))"
)
_FIND_OUT = (
    r"(?:answer|determine|verify|tell|say|confirm|conclude|decide|know|assist|help|find out"
    r"|be (?:answered|determined|verified|known|computed|calculated|found))"
)
_NOT_ENOUGH = r"(?:(?:\bnot|n't)(?: \w+){0,2} enough|\binsufficient|\btoo little) (?:information|info|data|context)"
_REFUSED = re.compile(rf"{_CANNOT} {_FIND_OUT}\b|{_NOT_ENOUGH}\b|\b(?:nobody|no one) knows\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"\b(?:but|however|so|still|yet|assuming|assume|estimated?|guess|nonetheless|answer)\b", re.IGNORECASE
)
"""After a refusal: what an answer says nevertheless."""
_DOUBTED = re.compile(
    rf"(?:{_CANNOT} {_FIND_OUT}\b|(?:\bnot|n't) know (?:if|whether|that)\b|{_NOT_ENOUGH}\b"
    r"|\bunlikely\b|(?<!no )(?<!without )(?<!without a )(?<!beyond )\bdoubt\b)[^.!?;,:\n]{0,80}$"
    r"|\b(?:if|whether) (?:it|that|this|the answer) (?:is|was|were|would be|equals)\s+$",
    re.IGNORECASE,
)
_OPENS = re.compile(r"\s*[-+$€£]?[0-9][0-9.,]*[^\w\s.,]?\s*(?:[.;(\n]|$)")
"""An answer that begins with its number alone, whatever it says of it afterwards."""
_MOST_CHARACTERS = 120


def is_doubted(text: str, start: int) -> bool:
    """Whether what begins there is what the clause before it refuses to say, or doubts."""
    return _DOUBTED.search(text[max(0, start - _MOST_CHARACTERS) : start]) is not None


def refuses(text: str) -> bool:
    """Whether an answer says that it can give none, and says none nevertheless afterwards."""
    found = [] if _OPENS.match(text) else list(_REFUSED.finditer(text))
    return bool(found) and _GOES_ON.search(text, found[-1].end()) is None
