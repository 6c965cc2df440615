"""Where an answer takes back what it stated and states something else: "The answer is B. Wait, it's C.".

Pure and total.
"""

from __future__ import annotations

import re

_WRONG = (
    r"(?:that(?:'s| is| was)|it(?:'s| is| was)) (?:wrong|not right|not correct|incorrect|a mistake)"
    r"|i (?:was wrong|misspoke|made an? (?:mistake|error)|meant(?: to say)?|mean)"
)
_IS = r"(?:'s| is| was| should be| must be| would be| has to be)(?: (?:actually|really|in fact|clearly|indeed))?"
CORRECTION = re.compile(
    r"(?:^|(?<=[.!?;,:\n)])|(?<=\s[-—–]))\s*(?:(?:but|oh|hmm+|no|nope|well|ah|oops|ok|okay|and)\b[\s,.!]*){0,6}"
    r"(?:wait|actually|correction|edit|on (?:second thoughts?|reflection)|sorry|apologies|scratch that|my mistake"
    rf"|{_WRONG})\b[\s,.:;!—–-]*(?:(?:no|nope|wait|actually|hmm+|sorry|{_WRONG})\b[\s,.:;!—–-]*){{0,6}}"
    r"(?:(?:so|but|then)\b,?\s*)?"
    r"(?:(?:it|that|this|the (?:(?:correct|right|real|true|final|actual) )?(?:answer|one|option|choice|result|value))"
    rf"{_IS}"
    r"|make (?:it|that)|i (?:choose|pick|say|go with))?[\s:\"'(]*",
    re.IGNORECASE,
)


def corrections(text: str, start: int) -> list[int]:
    """Where in the text a corrected answer would begin, the last one first, of those after `start`."""
    return [found.end() for found in reversed(list(CORRECTION.finditer(text, start)))]
