"""How sentences about a file quote what it holds, and name what was probably meant."""

from __future__ import annotations

import json
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

LONGEST_SHOWN = 60


def shown(value: Any) -> str:
    """A value as it stands in a file, no longer than a sentence bears."""
    text = json.dumps(value, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def closest(name: str, known: Collection[str], likeness: float = 0.75) -> str | None:
    """The known name that was probably meant by another one, whatever its capitals; None where none is near.

    likeness: how alike the two must be, 0 to 1.
    """
    by_small = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_small, n=1, cutoff=likeness)
    return by_small[close[0]] if close else None


def nearest(name: str, known: Collection[str]) -> str:
    """The end of a sentence about a name that is not known: the one that was probably meant, or all there are."""
    close = closest(name, known)
    if close:
        return f"; perhaps {close} is meant"
    return f"; there are {', '.join(known)}" if known else "; remove it"
