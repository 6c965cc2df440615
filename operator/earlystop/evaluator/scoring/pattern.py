"""Regular expressions that people write into golden questions: what they may be, and a search that always ends.

Their language is that of Python's `re`. The search is the module regex's, which takes the same expressions and can be
given a time: a search by backtracking may take longer than anybody waits, as that of `(a+)+$` does.
"""

from __future__ import annotations

import math
import re

import regex

MOST_CHARACTERS = 1000
"""Of a pattern."""
MOST_REPEATS = 100_000
"""The numbers in braces, multiplied: the module regex writes nested repeats out when it compiles them."""
SECONDS = 0.25
"""Of the processor for one search. A search that has an answer takes some milliseconds."""


class TooSlow(Exception):
    """A pattern took too long on an answer, which is then neither right nor wrong."""


def check_pattern(pattern: str) -> None:
    """Raises ValueError for what is no regular expression with one group, or too large for one."""
    if len(pattern) > MOST_CHARACTERS:
        raise ValueError(f"the pattern has {len(pattern)} characters; write at most {MOST_CHARACTERS}")
    try:
        groups = re.compile(pattern).groups
        repeats = math.prod(max(1, int(each)) for each in re.findall(r"\{([0-9]+)", pattern))
        if repeats <= MOST_REPEATS:
            regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern {pattern!r} is not a regular expression: {error}") from None
    if repeats > MOST_REPEATS:
        raise ValueError(f"the pattern {pattern!r} repeats too much; write fewer or smaller numbers in braces")
    if groups != 1:
        raise ValueError(f"the pattern {pattern!r} has {groups} groups; put the answer alone in ( ), others in (?: )")


def last_group(pattern: str, text: str) -> str | None:
    """What the pattern's one group captured at its last match; None without a match.

    Raises TooSlow where the search takes too long.
    """
    try:
        found: list[str] = regex.findall(pattern, text, timeout=SECONDS)
    except TimeoutError:
        raise TooSlow(
            f"the pattern {pattern!r} takes too long on an answer of {len(text)} characters; write one without a "
            "repeat within a repeat, or that begins with fixed words"
        ) from None
    return found[-1] if found else None
