"""Whether a client's value is larger or smaller than a setting, as the engine would read both."""

from __future__ import annotations

import math
from typing import Any

from earlystop.api.body_knobs import BodySetting, Field, ValueType

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})


def rank(setting: BodySetting, field: Field, value: Any, ours: float) -> float | None:
    """Where a client's value stands among all values of the setting, inf for one that asks for no bound.

    None where nobody can say what the engine makes of it: engines refuse such values, or ignore them without a word.
    ours: the rank of the setting's own value.
    """
    if setting.order:
        return _position(setting.order, value)
    if setting.type is ValueType.BOOLEAN:
        return float(value) if isinstance(value, bool) else None
    number = None if field.only_whole and isinstance(value, float) else number_of(value, reads_text=field.reads_text)
    if number is None or math.isnan(number):
        return None
    if number == 0 and field.zero_is_absent:
        return math.inf
    if number < 0 <= ours:
        return math.inf if field.unbounded_below_zero else None
    return number


def own_rank(setting: BodySetting, value: Any) -> float | None:
    """The rank of the setting's own value, None where it is none that can be compared."""
    if setting.order:
        return _position(setting.order, value)
    return float(value) if isinstance(value, bool | int | float) else None


def is_true(value: Any) -> bool:
    """Whether engines that convert what they read take a value for true."""
    return str(value).lower() in _TRUE if isinstance(value, str | bool | int) else value == 1.0


def _position(order: tuple[str, ...], value: Any) -> float | None:
    return float(order.index(value)) if isinstance(value, str) and value in order else None


def number_of(value: Any, *, reads_text: bool) -> float | None:
    """A client's number. reads_text: whether the engine takes one in quotes, and true, for a number, too."""
    if isinstance(value, bool | str) and not reads_text:
        return None
    if not isinstance(value, bool | str | int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return -math.inf if str(value).startswith("-") else math.inf
    except ValueError:
        return None
