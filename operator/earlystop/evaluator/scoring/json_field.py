"""A field of the JSON object that an answer holds, alone, in a code block or within other text. Pure and total."""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_left
from typing import Any

from earlystop.evaluator.scoring.latex import closing_brace

_MOST_CHARACTERS = 200_000
_MOST_OBJECTS = 200
_MOST_IN_OBJECT = 20_000
_BACKSLASH = re.compile(r"\\(u[0-9A-Fa-f]{4}|[\"\\/bfnrt]|)")
"""With what it escapes, "" where that is nothing of JSON."""
_COMMENT = re.compile(r"^[ \t]*//[^\n]*$", re.MULTILINE)
_SAID_TWICE = object()
"""Stands for the values of a key that an object has twice with two of them."""


def json_field(text: str, path: str) -> str | None:
    """The field at a path such as result.answer or items.0, as text; None where the answer has no such field.

    Numbers stay as they are written. The last object with the field counts. An object, a list or null is no answer, nor
    is a key that stands twice with two values.
    """
    text = text[-_MOST_CHARACTERS:]
    found: str | None = None
    position = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if position < 0:
            break
        value, end = _object_at(text, position)
        if value is not None:
            field = _at(value, path)
            found = found if field is None else None if field is _SAID_TWICE else str(field)
        position = text.find("{", end)
    return None if found is None else found.replace("\f", "\\f").replace("\b", "\\b")  # of \frac and \beta


def _object_at(text: str, position: int) -> tuple[Any, int]:
    """The object that begins there, None where none does; and where it ends, or the search goes on."""
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        pass
    try:
        return _with_lone_backslashes(text, position)
    except (ValueError, RecursionError):
        return _as_python(text, position)


def _with_lone_backslashes(text: str, position: int) -> tuple[Any, int]:
    r"""The object where formulas stand as LaTeX has them, as in {"answer": "\(2\pi\)"}: a backslash that escapes
    nothing is one. Raises ValueError where it is no object even so."""
    part = text[position : position + _MOST_IN_OBJECT]
    doubled: list[int] = []  # where in the text that is read

    def escaped(found: re.Match[str]) -> str:
        if found[1]:
            return found[0]
        doubled.append(found.start() + len(doubled))
        return "\\\\"

    read = _BACKSLASH.sub(escaped, part)
    if not doubled:
        raise ValueError("every backslash escapes something")
    value, end = _DECODER.raw_decode(read)
    return value, position + end - bisect_left(doubled, end)


def _as_python(text: str, position: int) -> tuple[Any, int]:
    """The object as Python writes it, with single quotes, a comma at its end or lines of comments, as models do; and
    where it ends."""
    closing = closing_brace(text, position)
    if closing is None:
        return None, position + 1
    source = _COMMENT.sub("", text[position : closing + 1])
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that Python does not know
            return _with_text(_literal(source)), closing + 1
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None, position + 1


def _literal(source: str) -> Any:
    """The value as JSON with comments taken out, else as Python writes it."""
    try:
        return _DECODER.decode(source)
    except ValueError:
        return ast.literal_eval(source)


def _with_text(value: Any) -> Any:
    """The same value with numbers as text, as they are where JSON is read; None for what is no value of JSON."""
    if isinstance(value, dict):
        return {str(name): _with_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_text(each) for each in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, (bool, str)) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = value if found.get(key, value) == value else _SAID_TWICE
    return found


_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object)


def _at(value: Any, path: str) -> Any:
    """The field as text, None where there is none, _SAID_TWICE where it cannot be known which one is meant."""
    for name in path.split("."):
        if isinstance(value, list) and name.isascii() and name.isdigit() and int(name[:6]) < len(value):
            value = value[int(name[:6])]
        elif isinstance(value, dict):
            value = value.get(name)
            if value is _SAID_TWICE:
                return _SAID_TWICE
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None
