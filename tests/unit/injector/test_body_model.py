"""Whatever a client sent: what is edited is what a plain model says, every other byte stays, and no client that would
escape a setting is counted as if it had it."""

from __future__ import annotations

import copy
import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from earlystop.api.body_knobs import Api, Apply, BodySetting, Field, ValueType
from earlystop.injector.body import Effect, edited
from tests.unit.injector.written_json import KEYS, NUMBERS, Written, any_object

CHAT = Api.CHAT_COMPLETIONS
ORDER = ("low", "medium", "high")
OWN: dict[ValueType, tuple[str, ...]] = {
    ValueType.INTEGER: ("0", "7", "20", "40"),
    ValueType.BOOLEAN: ("true", "false"),
    ValueType.STRING: ORDER,
}
LIKELY = {
    ValueType.INTEGER: NUMBERS,
    ValueType.BOOLEAN: ("true", "false"),
    ValueType.STRING: tuple(map(json.dumps, ORDER)),
}
PATHS = [*((key,) for key in KEYS), *(("custom", key) for key in KEYS), ("custom", "custom", "other")]
Case = tuple[Written, BodySetting, str]


def any_case(seed: int) -> Case:
    """A client's body, a setting, and its value."""
    draw = Random(seed)
    kind = draw.choice(list(OWN))
    paths = draw.sample(PATHS, draw.randrange(1, 4))
    apart = [path for path in paths if not any(path != other and path[: len(other)] == other for other in paths)]
    fields = tuple(
        Field(path, draw.random() < 0.5, zero_is_absent=draw.random() < 0.5, reads_text=draw.random() < 0.5)
        for path in apart
    )
    order = ORDER if kind is ValueType.STRING else ()
    setting = BodySetting(kind, draw.choice(list(Apply)), {CHAT: fields}, order)
    return any_object(draw, LIKELY[kind]), setting, draw.choice(OWN[kind])


def at(value: Any, path: tuple[str, ...]) -> tuple[bool, Any]:
    """Whether a path can be followed in a value, and what stands there; None for nothing."""
    for key in path:
        if value is None:
            return True, None
        if not isinstance(value, dict):
            return False, None
        value = value.get(key)
    return True, value


def size(field: Field, setting: BodySetting, value: Any, own: Any) -> float | None:
    """How large a client's value is, None where nobody knows."""
    if setting.type is ValueType.STRING:
        return ORDER.index(value) if value in ("low", "medium", "high") else None
    if setting.type is ValueType.BOOLEAN:
        return {True: 1, False: 0}[value] if value is True or value is False else None
    if isinstance(value, bool | str):
        readable = field.reads_text and value not in ("low", "high", "turbo", "\ud800", "nan")
        value = float(value) if readable else None
    if isinstance(value, int) and abs(value) > 10**300:
        value = math.inf
    if not isinstance(value, int | float):
        return None
    if field.zero_is_absent and value == 0:
        return math.inf
    if value < 0:
        return math.inf if field.unbounded_below_zero else None
    return value


def model(body: Written, setting: BodySetting, text: str) -> tuple[Written, Effect]:
    own = text if setting.type is ValueType.STRING else json.loads(text)
    written = json.dumps(text) if setting.type is ValueType.STRING else text
    sent, fields = body.loads(), setting.fields[CHAT]
    found = [at(sent, field.path) for field in fields]
    if not all(reachable for reachable, _ in found):
        return body, Effect.REFUSED
    there = [(field, value) for field, (_, value) in zip(fields, found, strict=True) if value is not None]
    after = copy.deepcopy(body)
    if not there:
        after.set(fields[0].path, written)
        return after, Effect.SET
    if setting.apply is Apply.IF_ABSENT:
        return body, Effect.KEPT
    if setting.apply is Apply.ALWAYS:
        changed = [field for field, value in there if json.dumps(value) != json.dumps(own)]
    else:
        sizes = [(field, size(field, setting, value, own)) for field, value in there]
        if any(each is None for _, each in sizes):
            return body, Effect.REFUSED
        ours: float = ORDER.index(own) if setting.type is ValueType.STRING else float(own)
        sign = 1 if setting.apply is Apply.IF_LARGER else -1
        changed = [field for field, each in sizes if each is not None and sign * each > sign * ours]
    for field in changed:
        after.set(field.path, written)
    effect = Effect.LOWERED if setting.apply is Apply.IF_LARGER else Effect.SET
    return (after, effect) if changed else (body, Effect.KEPT)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32).map(any_case))
def test_just_the_fields_that_a_model_names_change_and_every_other_byte_stays(case: Case) -> None:
    body, setting, text = case
    expected, effect = model(body, setting, text)
    change = edited(body.render().encode(), CHAT, {"it": (setting, text)})
    assert (change.effects["it"], change.body.decode()) == (effect, expected.render())
    assert json.loads(change.body) == expected.loads()


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32).map(any_case))
def test_what_one_setting_cannot_write_changes_nothing_of_what_another_does(case: Case) -> None:
    body, setting, text = case
    refused = BodySetting(ValueType.INTEGER, Apply.ALWAYS, {CHAT: (Field(("custom", "max_tokens", "x")),)})
    alone = edited(body.render().encode(), CHAT, {"it": (setting, text)})
    together = edited(body.render().encode(), CHAT, {"other": (refused, "many"), "it": (setting, text)})
    assert together.effects["other"] is Effect.REFUSED
    assert (together.body, together.effects["it"]) == (alone.body, alone.effects["it"])


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
@example(b"\xef\xbb\xbf{}")
@example('{"max_tokens": 9}'.encode("utf-16"))
@example('{"max_tokens": 9}'.encode("utf-32-be"))
@example(b'{"max_tokens": NaN}')
@example(b'{"max_tokens": -Infinity}')
@example(b'{"max_tokens": 9, "max_tokens": 9}')
@example(b'{"custom": {"a": 1, "a": 2}}')
@example(b"{" + b",".join(b'"%d":1' % n for n in range(1001)) + b"}")
@example(b'{"x":' + b"1" * 5000 + b"}")
def test_bytes_of_any_kind_are_edited_or_go_on_as_they_came(body: bytes) -> None:
    setting = BodySetting(ValueType.INTEGER, Apply.IF_LARGER, {CHAT: (Field(("custom", "b")), Field(("max_tokens",)))})
    change = edited(body, CHAT, {"it": (setting, "20")})
    if change.effects["it"] in (Effect.REFUSED, Effect.KEPT):
        assert change.body == body
    else:
        assert json.loads(change.body) != json.loads(body)
