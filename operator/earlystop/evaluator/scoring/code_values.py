"""Values as code writes them: lists, tuples, sets and objects, equal however they are spaced or quoted, and texts in
single quotes, of which every character counts. Pure and total.
"""

from __future__ import annotations

import ast
import warnings
from typing import Any

_MOST_CHARACTERS = 2000
_COLLECTIONS = ("[]", "()", "{}")


def is_value(text: str) -> bool:
    """Whether a gold answer is a value of code."""
    return _value(text, (*_COLLECTIONS, "''")) is not None


def same_value(prediction: str, gold: str) -> bool | None:
    """Whether both are the same value of code; None where one of them is none, and is a text.

    A text may stand without its quotes in the prediction.
    """
    wanted = _value(gold, (*_COLLECTIONS, "''"))
    if isinstance(wanted, str):
        return wanted in (prediction, prediction.strip(), _value(prediction, ("''", '""')))
    found = None if wanted is None else _value(prediction, _COLLECTIONS)
    return None if found is None else type(found) is type(wanted) and bool(found == wanted)


def _value(text: str, kinds: tuple[str, ...]) -> Any:
    """The value that stands between one of these pairs of signs, None where it is none."""
    text = text.strip("` \t\n")
    if not 2 <= len(text) <= _MOST_CHARACTERS or text[0] + text[-1] not in kinds:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that Python does not know
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, (str, list, tuple, set, dict)) else None
