"""Lists, tuples, sets and objects as code writes them, equal however they are spaced or quoted. Pure and total."""

from __future__ import annotations

import ast
import warnings
from typing import Any

_MOST_CHARACTERS = 2000


def same_collection(prediction: str, gold: str) -> bool | None:
    """Whether both are the same list, tuple, set or object; None where one of them is none, and is a text."""
    wanted = _collection(gold)
    found = _collection(prediction) if wanted is not None else None
    return None if found is None else type(found) is type(wanted) and bool(found == wanted)


def _collection(text: str) -> Any:
    text = text.strip("` \t\n")
    if len(text) > _MOST_CHARACTERS or text[:1] + text[-1:] not in ("[]", "()", "{}"):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that Python does not know
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, (list, tuple, set, dict)) else None
