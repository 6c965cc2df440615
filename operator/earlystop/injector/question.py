"""The operator's own question as users' requests would be: with the fields that settings go with, and without those
that would leave a setting out, so that the engine is asked what it will be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from earlystop.api.body_guards import Relation
from earlystop.api.body_knobs import Api, BodySetting, Field

Path = tuple[str, ...]
# The one API whose requests must have a cap, and what it is called.
MUST_HAVE_CAP: Mapping[Api, str] = {Api.MESSAGES: "max_tokens"}


def for_the_question(setting: BodySetting, api: Api) -> BodySetting:
    """A setting as it is written into the question. One for some bodies is tried in this one, too: the question stands
    for them all. Where the question has what a field goes with, as thinking that is switched on, an engine misses the
    field itself, so a number is written that the engine takes nowhere: it then says what is wrong with that."""
    fields = tuple(each if each.only_if is None else replace(each, least=None) for each in setting.fields.get(api, ()))
    return replace(setting, where=None, fields={**setting.fields, api: fields} if fields else setting.fields)


def as_users_send(body: bytes, api: Api, wanted: Mapping[str, tuple[BodySetting, str]]) -> tuple[bytes, bool]:
    """The question before its settings are written, and whether its answer may be long: it then is a stream, of which
    nobody needs more than the beginning. wanted: as in `body.edited`.

    The operator's question asks for one token, which a cap never lowers and a budget never fits into. So where a
    setting writes that field, or has to be smaller than it, the field goes, or stands above the setting.
    """
    try:
        question = json.loads(body)
    except (ValueError, RecursionError):
        return body, False
    if not isinstance(question, dict):
        return body, False
    fields = list(_fields(api, wanted))
    for field in fields:
        if field.only_if is not None:
            _put(question, *field.only_if)
    opened = {field.path[0] for field in fields if len(field.path) == 1} | _bounds(api, wanted)
    removed = [name for name in opened if question.pop(name, None) is not None]
    cap = MUST_HAVE_CAP.get(api)
    if cap in removed:
        question[cap] = max(_numbers(wanted), default=0) + 1
    if not removed:
        return json.dumps(question).encode(), False
    return json.dumps({**question, "stream": True}).encode(), True


def _fields(api: Api, wanted: Mapping[str, tuple[BodySetting, str]]) -> Iterator[Field]:
    for setting, _ in wanted.values():
        yield from setting.fields.get(api, ())


def _bounds(api: Api, wanted: Mapping[str, tuple[BodySetting, str]]) -> set[str]:
    """Fields that a setting has to be smaller than."""
    guards = (guard for setting, _ in wanted.values() for guard in setting.guards.get(api, ()))
    return {guard.path[0] for guard in guards if guard.relation is Relation.BELOW}


def _numbers(wanted: Mapping[str, tuple[BodySetting, str]]) -> Iterator[int]:
    for _, text in wanted.values():
        with suppress(ValueError, OverflowError):
            yield int(float(text))


def _put(question: dict[str, Any], path: Path, word: str) -> None:
    """Let the question have a word there, in objects that are made where there are none."""
    holder = question
    for key in path[:-1]:
        below = holder.setdefault(key, {})
        if not isinstance(below, dict):
            return
        holder = below
    holder[path[-1]] = word
