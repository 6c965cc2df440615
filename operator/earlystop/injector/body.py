"""From a client's body and the settings of its variant to the body that the engine gets, and what was done to it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from earlystop.injector.json_object import ABSENT, JsonObject, UnreadableError
from earlystop.injector.knobs import Api, Apply, BodySetting, Field, ValueType


class Effect(StrEnum):
    """What a setting did to a body: a field was set, a client's larger number was lowered, or the client's was kept.
    Refused: the setting could not be written there, and that part of the body went on as the client sent it."""

    SET = "set"
    LOWERED = "lowered"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EditedBody:
    """body: what the engine gets. effects: by parameter. asks_usage: whether it is the injector, not the client,
    that asks for a stream's usage."""

    body: bytes
    effects: Mapping[str, Effect]
    asks_usage: bool = False


def edited(body: bytes, api: Api, settings: Mapping[str, tuple[BodySetting, str]]) -> EditedBody:
    """The body with these settings.

    settings: by parameter, where it goes and its value as the header says. A body that is no JSON object, or in which a
    key stands twice, goes on untouched: the engine says what is wrong with it.
    """
    try:
        root = JsonObject.parse(body.decode())
    except (UnreadableError, UnicodeDecodeError):
        return EditedBody(body, dict.fromkeys(settings, Effect.REFUSED))
    effects = {name: _apply(root, api, setting, text) for name, (setting, text) in settings.items()}
    streams = root.value("stream") is True
    asks_usage = streams and api in (Api.CHAT_COMPLETIONS, Api.COMPLETIONS) and _ask_for_usage(root)
    return EditedBody(root.text().encode() if root.is_changed else body, effects, asks_usage)


def _ask_for_usage(root: JsonObject) -> bool:
    """Whether the client had not asked for the usage of its stream, which the counts need."""
    options = root.value("stream_options")
    if isinstance(options, dict) and options.get("include_usage") is True:
        return False
    try:
        root.child("stream_options").set("include_usage", "true")
    except UnreadableError:  # the engine refuses such options, and says so
        return False
    return True


def _apply(root: JsonObject, api: Api, setting: BodySetting, text: str) -> Effect:
    written = written_value(setting.type, text)
    if written is None:
        return Effect.REFUSED
    try:
        fields = [field for field in setting.fields.get(api, ()) if _may_be_set(root, field)]
        if not fields:
            return Effect.REFUSED
        found = [(field, _value_at(root, field.path)) for field in fields]
        present = [(field, value) for field, value in found if value is not ABSENT and value is not None]
        if not present:
            _set(root, fields[0].path, written)
            return Effect.SET
        replaced = [field for field, value in present if _is_replaced(field, value, setting.apply, written)]
        for field in replaced:
            _set(root, field.path, written)
    except (UnreadableError, RecursionError):  # the second where values are compared that are nested too deep
        return Effect.REFUSED
    if not replaced:
        return Effect.KEPT
    return Effect.LOWERED if setting.apply is Apply.IF_LARGER else Effect.SET


def _may_be_set(root: JsonObject, field: Field) -> bool:
    """Whether the client sent what the field goes with. Raises UnreadableError as `_value_at` does."""
    return field.only_if is None or bool(_value_at(root, field.only_if[0]) == field.only_if[1])


def _is_replaced(field: Field, value: Any, apply: Apply, written: str) -> bool:
    """Whether a client's value gives way."""
    if apply is Apply.ALWAYS:
        return _differs(value, written)
    if apply is Apply.IF_ABSENT:
        return False
    number = _number(value)
    if number is None:
        return False  # the engine refuses what is no number
    if number < 0:
        if not field.unbounded_below_zero:
            return False
        number = math.inf
    ours = float(written)
    return number > ours if apply is Apply.IF_LARGER else number < ours


def _differs(value: Any, written: str) -> bool:
    known = json.loads(written)
    return type(known) is not type(value) or known != value


def _number(value: Any) -> float | None:
    """A client's number; engines take one in quotes for one, too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _value_at(root: JsonObject, path: tuple[str, ...]) -> Any:
    """The client's value at a path, ABSENT where there is none. Raises UnreadableError where the path leads through
    something that is no object."""
    value = root.value(path[0])
    for key in path[1:]:
        if value is ABSENT or value is None:
            return ABSENT
        if not isinstance(value, dict):
            raise UnreadableError(f"{'.'.join(path)} leads through something that is no object")
        value = value.get(key, ABSENT)
    return value


def _set(root: JsonObject, path: tuple[str, ...], written: str) -> None:
    at = root
    for key in path[:-1]:
        at = at.child(key)
    at.set(path[-1], written)


def written_value(kind: ValueType, text: str) -> str | None:
    """A header's text as JSON, None where it is no value of that type, or nested too deep to be read."""
    try:
        if kind is ValueType.INTEGER:
            return str(int(text))
        if kind is ValueType.DECIMAL:
            return text if math.isfinite(float(text)) and _number(json.loads(text)) is not None else None
        if kind is ValueType.BOOLEAN:
            return text if text in ("true", "false") else None
        if kind is ValueType.JSON:
            return json.dumps(json.loads(text), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return json.dumps(text)
