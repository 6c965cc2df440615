"""From a client's body and the settings of its variant to the body that the engine gets, and what was done to it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from earlystop.api.body_knobs import Api, Apply, BodySetting, Field, ValueType
from earlystop.injector.guards import holds
from earlystop.injector.json_object import ABSENT, JsonObject, UnreadableError
from earlystop.injector.order import is_true, own_rank, rank


class Effect(StrEnum):
    """What a setting did to a body: a field was set, a client's larger number was lowered, or the client's was kept.
    Refused: the setting could not be written there, and that part of the body went on as the client sent it. Missing: a
    gateway should have written it and had not, so it was written here (`checking`)."""

    SET = "set"
    LOWERED = "lowered"
    KEPT = "kept"
    REFUSED = "refused"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class EditedBody:
    """body: what the engine gets. effects: by parameter. asks_usage: whether it is the injector, not the client,
    that asks for a stream's usage. streams: whether a stream is asked for."""

    body: bytes
    effects: Mapping[str, Effect]
    asks_usage: bool = False
    streams: bool = False


def edited(
    body: bytes, api: Api, settings: Mapping[str, tuple[BodySetting, str]], *, may_ask_usage: bool = True
) -> EditedBody:
    """The body with these settings.

    settings: by parameter, where it goes and its value as the header says. may_ask_usage: whether a stream is asked for
    its usage where the client did not ask. A body that is no JSON object, or in which a
    key stands twice, goes on untouched: the engine says what is wrong with it.
    """
    try:
        root = JsonObject.parse(body.decode())
    except (UnreadableError, UnicodeDecodeError):
        return EditedBody(body, dict.fromkeys(settings, Effect.REFUSED))
    effects = {name: _apply(root, api, setting, text) for name, (setting, text) in settings.items()}
    streams = is_true(root.value("stream"))
    may_tell_usage = may_ask_usage and api in (Api.CHAT_COMPLETIONS, Api.COMPLETIONS)
    asks_usage = streams and may_tell_usage and _ask_for_usage(root)
    return EditedBody(root.whole().encode() if root.is_changed else body, effects, asks_usage, streams)


def _ask_for_usage(root: JsonObject) -> bool:
    """Whether the client had not asked for the usage of its stream, which the counts need."""
    options = root.value("stream_options")
    if isinstance(options, dict) and is_true(options.get("include_usage")):
        return False
    try:
        root.child("stream_options").set("include_usage", "true")
    except UnreadableError:  # the engine refuses such options, and says so
        return False
    return True


def _apply(root: JsonObject, api: Api, setting: BodySetting, text: str) -> Effect:
    """Sets all that is to be set, or, where that cannot be, nothing."""
    written = _written(setting, text)
    if written is None:
        return Effect.REFUSED
    try:
        if setting.where is not None and root.sent(setting.where[0]) != setting.where[1]:
            return Effect.KEPT
        fields = [field for field in setting.fields.get(api, ()) if _may_be_set(root, field)]
        holders = [_holder(root, field.path) for field in fields]
        values = [_sent(root, setting, field, holder) for field, holder in zip(fields, holders, strict=True)]
        replaced = _replaced(setting, fields, values, json.loads(written))
        is_taken = not replaced or _is_taken(setting, api, root, [fields[index] for index in replaced], text)
    except (UnreadableError, RecursionError):  # the second where values are compared that are nested too deep
        return Effect.REFUSED
    if replaced is None or not is_taken:
        return Effect.REFUSED
    for index in replaced:
        holders[index].set(fields[index].path[-1], written)
    if not replaced:
        return Effect.KEPT
    was_there = any(_is_there(holders[index].value(fields[index].path[-1])) for index in replaced)
    return Effect.LOWERED if was_there and setting.apply is Apply.IF_LARGER else Effect.SET


def _sent(root: JsonObject, setting: BodySetting, field: Field, holder: JsonObject) -> Any:
    """The client's value of a field, ABSENT for none. Raises UnreadableError as `_holder` does."""
    value = holder.value(field.path[-1])
    is_off = not _is_there(value) and any(root.sent(path) == word for path, word in field.off_where)
    least = setting.order[0] if setting.order else False
    return least if is_off else value


def _replaced(setting: BodySetting, fields: list[Field], values: list[Any], ours: Any) -> tuple[int, ...] | None:
    """Which fields get the setting's value; None where it cannot be said whether the client's give way. values: the
    client's, by field."""
    there = [index for index, value in enumerate(values) if _is_there(value)]
    if not there:
        return (0,) if fields else None
    if setting.apply is Apply.IF_ABSENT:
        return ()
    changed = _changed(setting, fields, values, ours)
    if changed is None or not all(fields[index].by_some_models for index in there):
        return changed
    # All that the client wrote will be as ours is, and other models look at the first field.
    return (0, *changed) if all(index in changed or values[index] == ours for index in there) else changed


def _changed(setting: BodySetting, fields: list[Field], values: list[Any], ours: Any) -> tuple[int, ...] | None:
    """Which of the client's values give way, None where it cannot be said."""
    there = [index for index, value in enumerate(values) if _is_there(value)]
    if setting.apply is Apply.ALWAYS:
        return tuple(index for index in there if type(values[index]) is not type(ours) or values[index] != ours)
    rank_of_ours = own_rank(setting, ours)
    if rank_of_ours is None:
        return None
    ranks = {index: rank(setting, fields[index], values[index], rank_of_ours) for index in there}
    if None in ranks.values():
        return None
    if setting.apply is Apply.IF_LARGER:
        return tuple(index for index, each in ranks.items() if each is not None and each > rank_of_ours)
    return tuple(index for index, each in ranks.items() if each is not None and each < rank_of_ours)


def _is_taken(setting: BodySetting, api: Api, root: JsonObject, fields: list[Field], text: str) -> bool:
    """Whether the engine takes the value in these fields, beside the others of the body. Raises as `_holder` does."""
    guards = setting.guards.get(api, ())
    return all(field.takes(text) for field in fields) and all(holds(guard, root, float(text)) for guard in guards)


def _is_there(value: Any) -> bool:
    return value is not ABSENT and value is not None


def _may_be_set(root: JsonObject, field: Field) -> bool:
    """Whether a field may be set in this body, since the client sent the other field that it goes with. Raises
    UnreadableError as `_holder` does."""
    if field.only_if is None:
        return True
    path, wanted = field.only_if
    return bool(root.sent(path) == wanted)


def _holder(root: JsonObject, path: tuple[str, ...]) -> JsonObject:
    """The object that has, or would have, the last key of a path. Raises UnreadableError where the path leads through
    something that is no object, or in which a key stands twice."""
    at = root
    for key in path[:-1]:
        at = at.child(key)
    return at


def _written(setting: BodySetting, text: str) -> str | None:
    """The setting's value as JSON, None for one that engines would not take for a bound."""
    if setting.pattern and not text.lstrip().startswith("{"):
        number = written_value(ValueType.INTEGER, text)
        is_bound = number is not None and float(number) >= (setting.least or 0)
        return setting.pattern.replace("{}", str(number)) if is_bound else None
    written = None if setting.order and text not in setting.order else written_value(setting.type, text)
    if written is None or setting.least is None or setting.type is ValueType.JSON:
        return written
    return written if float(written) >= setting.least else None


def written_value(kind: ValueType, text: str) -> str | None:
    """A header's text as JSON, None where it is no value of that type, or nested too deep to be read."""
    try:
        if kind is ValueType.INTEGER:
            return str(int(text))
        if kind is ValueType.DECIMAL:
            return text if math.isfinite(float(text)) and math.isfinite(json.loads(text)) else None
        if kind is ValueType.BOOLEAN:
            return text if text in ("true", "false") else None
        if kind is ValueType.JSON:
            return json.dumps(json.loads(text), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return json.dumps(text)
