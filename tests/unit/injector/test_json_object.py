"""A body keeps every byte but those of the values that were set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.injector.json_object import ABSENT, JsonObject, UnreadableError

TEXTS = st.text('ab"\\/{}[],:\n\x00ä😀\ud7ff', max_size=4)
SCALARS = st.sampled_from([None, True, False, 0, -1, 2**70, 0.1, 1e300, 5e-324]) | TEXTS
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
)
KEYS = st.sampled_from(["max_tokens", "n", "messages", "ä\n", ""])
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
SPACES = st.text(" \t\r\n", max_size=2)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An object as clients write it: with any spaces, and with or without escapes."""
    value = draw(OBJECTS)
    ascii_only = draw(st.booleans())

    def text_of(each: Any) -> str:
        return json.dumps(each, ensure_ascii=ascii_only, indent=draw(st.sampled_from([None, 1])))

    members = ",".join(
        f"{draw(SPACES)}{text_of(key)}{draw(SPACES)}:{draw(SPACES)}{text_of(each)}{draw(SPACES)}"
        for key, each in value.items()
    )
    return f"{draw(SPACES)}{{{members}{draw(SPACES)}}}{draw(SPACES)}", value


@pytest.mark.slow
@given(written())
def test_an_object_in_which_nothing_is_set_is_written_as_it_came(given_text: tuple[str, dict[str, Any]]) -> None:
    text, value = given_text
    found = JsonObject.parse(text)
    assert not found.is_changed
    assert found.text() == text.strip(" \t\r\n")
    assert {key: found.value(key) for key in value} == value


@pytest.mark.slow
@given(written(), KEYS, st.integers())
def test_a_member_that_is_set_changes_and_no_other_byte_does(
    given_text: tuple[str, dict[str, Any]], key: str, number: int
) -> None:
    text, value = given_text
    found = JsonObject.parse(text)
    found.set(key, str(number))
    new = found.text()
    assert json.loads(new) == value | {key: number}
    if key not in value:
        body = text.strip(" \t\r\n")
        assert new.startswith(body[:-1])
        assert new[len(body) - 1 :] == f"{',' if value else ''}{json.dumps(key)}:{number}}}"


@pytest.mark.slow
@given(written(), st.integers())
def test_a_nested_member_keeps_its_siblings(given_text: tuple[str, dict[str, Any]], number: int) -> None:
    text, value = given_text
    found = JsonObject.parse(text)
    inner = value.get("n")
    if inner is not None and not isinstance(inner, dict):
        with pytest.raises(UnreadableError):
            found.child("n")
        return
    found.child("n").set("budget", str(number))
    assert json.loads(found.text()) == value | {"n": (inner or {}) | {"budget": number}}


def test_a_child_that_is_asked_for_and_not_changed_changes_nothing() -> None:
    found = JsonObject.parse('{ "a" : {"b":1} }')
    found.child("a")
    found.child("new")
    assert not found.is_changed
    assert found.text() == '{ "a" : {"b":1} }'
    assert found.value("new") is ABSENT


def test_numbers_that_no_double_holds_and_odd_spellings_stay() -> None:
    text = '{"seed":9007199254740993,"temperature":1.0E+0,"user":"\\u00e4\\/"}'
    found = JsonObject.parse(text)
    found.set("max_tokens", "20")
    assert found.text() == text[:-1] + ',"max_tokens":20}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "[]",
        '"text"',
        "{",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        '{"a":1 "b":2}',
        "{'a':1}",
        '{"a":NaN}',
        '{"a":[Infinity]}',
        '{"a":1}}',
        '{"a":1}{"a":2}',
        '{"a":1,"a":2}',
        '{"a":1,"\\u0061":2}',
        '{"a":01}',
        '{"a":"\n"}',
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "{1:2}",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_object_without_doubt_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        JsonObject.parse(text)


def test_a_key_that_stands_twice_in_an_object_below_is_refused_where_something_is_set_in_it() -> None:
    with pytest.raises(UnreadableError):
        JsonObject.parse('{"a":{"b":1,"b":2}}').child("a")


def test_a_look_below_a_member_that_was_set_leaves_what_was_set() -> None:
    found = JsonObject.parse('{"b": {"c": 1}}')
    found.set("a", "7")
    assert (found.sent(("a", "x")), found.sent(("b", "c")), found.sent(("b", "x", "y"))) == (ABSENT, 1, ABSENT)
    found.child("b").set("c", "2")
    assert (found.sent(("b", "c")), found.now(("b", "c")), found.now(("b",)), found.now(("a",))) == (1, 2, {"c": 2}, 7)
    assert found.text() == '{"b": {"c": 2},"a":7}'
    with pytest.raises(UnreadableError, match="'a' was set as a whole"):
        found.child("a")


def test_a_look_alone_changes_nothing() -> None:
    found = JsonObject.parse('{"b":  null }')
    assert (found.sent(("b", "c")), found.now(("b", "c")), found.now(("a", "c"))) == (ABSENT, ABSENT, ABSENT)
    assert not found.is_changed and found.text() == '{"b":  null }'
