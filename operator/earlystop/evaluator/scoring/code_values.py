"""Values as code writes them: lists, tuples, sets and objects, equal however they are spaced or quoted, and texts in
single quotes, of which every character counts. Pure and total.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_MOST_CHARACTERS = 2000
_COLLECTIONS = ("[]", "()", "{}")
_BRACKETS = re.compile(r"[][(){}]")
_SPELLED = re.compile(r"[^\w\[\](){}]+")
"""Around what a list without quotes, or within Markdown, has in common with the value."""


def is_value(text: str) -> bool:
    """Whether a gold answer is a value of code."""
    return _value(text, (*_COLLECTIONS, "''")) is not None


def same_value(prediction: str, gold: str) -> bool | None:
    """Whether both are the same value of code; None where one of them is none, and is a text.

    A text may stand without its quotes in the prediction, and a list without its brackets, or without the
    quotes of what is in it.
    """
    wanted = _value(gold, (*_COLLECTIONS, "''"))
    if isinstance(wanted, str):
        return wanted in (prediction, prediction.strip(), _value(prediction, ("''", '""')))
    found = None if wanted is None else _value(prediction, _COLLECTIONS)
    if wanted is not None and found is None:
        is_other = _BRACKETS.search(prediction) and _SPELLED.sub("", prediction) != _SPELLED.sub("", gold)
        return False if is_other else None
    return None if found is None else found == wanted and _with_types(found) == _with_types(wanted)


def _with_types(value: Any) -> Any:
    """What tells apart what is equal to Python: True and 1, also within a list. 1 and 1.0 are one number."""
    if isinstance(value, dict):
        return frozenset((_with_types(name), _with_types(each)) for name, each in value.items())
    if isinstance(value, (set, frozenset)):
        return "set", frozenset(map(_with_types, value))
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_with_types, value))
    return isinstance(value, bool), value


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
