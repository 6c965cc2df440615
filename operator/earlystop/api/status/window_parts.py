"""The sums of a guard's window, which follow from its parts: they are left out of a status's packed text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from earlystop.api.status.byte_fields import TEXT_PREFIX
from earlystop.api.status.departures import window_of

FROM_PARTS = "="
"""What stands for a guard's window whose sums are those of its parts; a text in its place has one more of it."""


def without_window(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without the sums of a guard's window that its parts give."""
    guard = fields.get("guard")
    if not isinstance(guard, dict):
        return dict(fields)
    window = guard.get("window")
    if isinstance(window, str):
        return {**fields, "guard": {**guard, "window": FROM_PARTS + window}}
    if window and window == _sums_of(guard):
        return {**fields, "guard": {**guard, "window": FROM_PARTS}}
    return dict(fields)


def with_window(fields: dict[str, Any]) -> dict[str, Any]:
    """Inverse of `without_window`. Raises ValueError where there are no parts."""
    guard = fields.get("guard")
    if not isinstance(guard, dict) or not isinstance(guard.get("window"), str):
        return fields
    window: Any = guard["window"].removeprefix(FROM_PARTS) or _sums_of(guard)
    if window is None or not guard["window"].startswith(FROM_PARTS):
        raise ValueError("it lacks the parts of its window")
    return {**fields, "guard": {**guard, "window": window}}


def _sums_of(guard: Mapping[str, Any]) -> dict[str, Any] | None:
    parts = guard.get("windowParts")
    if not isinstance(parts, str) or not parts.startswith(TEXT_PREFIX):
        return None
    try:
        return window_of(base64.b85decode(parts.removeprefix(TEXT_PREFIX)))
    except ValueError:
        return None
