"""Changes members of a JSON object and leaves every other byte as it was.

To parse a body and write it anew would change what nobody asked to be changed: numbers' spelling, a seed above 2^53 in
other languages, spaces, escapes. So the text is kept, and only the values that were set are replaced in it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Self

ABSENT: Final = object()
"""What `value` returns for a key that an object does not have."""

MOST_VALUES = 2_000_000
"""Values that a text may hold. 64 MiB of empty lists would take 20 times as much when they are read."""
MOST_MEMBERS = 1000
"""Members of an object in which something is looked for; an engine knows some 60."""

_SPACE = re.compile(r"[ \t\n\r]*")


class UnreadableError(ValueError):
    """The text is no JSON object in which a member can be changed without doubt; says why."""


def _refuse_constant(name: str) -> None:
    raise UnreadableError(f"the body holds {name}, which is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


@dataclass(frozen=True, slots=True)
class _Member:
    """start, end: where its value stands in the text; value: as parsed."""

    start: int
    end: int
    value: Any


class JsonObject:
    """One object of a JSON text. Members may be set, and `text` then gives the whole object with nothing else changed.

    A key that stands twice means different things to different engines, so such an object is refused.
    """

    def __init__(self, text: str, members: dict[str, _Member], start: int, end: int) -> None:
        self._text = text
        self._members = members
        self._start, self._end = start, end
        self._changed: dict[str, str | JsonObject] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """The object that the whole text is. Raises UnreadableError for anything else."""
        # Marks in strings are counted, too, so there are no more values than that; nor more than characters.
        if len(text) > MOST_VALUES and sum(text.count(mark) for mark in ",[{") > MOST_VALUES:
            raise UnreadableError(f"the body may hold more than {MOST_VALUES:,} values")
        found = cls._scan(text, _skip(text, 0))
        if _skip(text, found._end) != len(text):
            raise UnreadableError("the body goes on after its JSON object")
        return found

    @classmethod
    def _scan(cls, text: str, start: int) -> Self:
        if not text.startswith("{", start):
            raise UnreadableError("the body is no JSON object")
        members: dict[str, _Member] = {}
        at = _skip(text, start + 1)
        while not text.startswith("}", at):
            if members:
                at = _skip(text, _after(text, at, ","))
            if not text.startswith('"', at):
                raise UnreadableError(f"no member begins at character {at}")
            key, at = _decoded(text, at)
            value_start = _skip(text, _after(text, _skip(text, at), ":"))
            value, value_end = _decoded(text, value_start)
            if len(members) >= MOST_MEMBERS:
                raise UnreadableError(f"an object of the body has more than {MOST_MEMBERS} members")
            if key in members:
                raise UnreadableError(f"the member {key[:80]!r} stands twice")
            members[key] = _Member(value_start, value_end, value)
            at = _skip(text, value_end)
        return cls(text, members, start, at + 1)

    def value(self, key: str) -> Any:
        """The value of a member as the client wrote it, ABSENT where there is none."""
        member = self._members.get(key)
        return ABSENT if member is None else member.value

    def set(self, key: str, written: str) -> None:
        """Give a member this value, written as JSON. A new member goes behind the last one."""
        self._changed[key] = written

    def child(self, key: str) -> JsonObject:
        """The object at this key, so that its members can be set; an empty one where there is none, or null.

        Raises UnreadableError where something else stands there, or what is nested too deep to be read.
        """
        known = self._changed.get(key)
        if isinstance(known, JsonObject):
            return known
        if known is not None:
            raise UnreadableError(f"{key[:80]!r} was set as a whole, so nothing else can be set in it")
        found = self._changed[key] = self._sent_object(key)
        return found

    def sent(self, path: tuple[str, ...]) -> Any:
        """What the client wrote at a path, ABSENT for nothing. It only looks: nothing of it stays in the object.

        Raises UnreadableError as `child` does.
        """
        at = self
        for key in path[:-1]:
            at = at._sent_object(key)
        return at.value(path[-1])

    def now(self, path: tuple[str, ...]) -> Any:
        """What stands at a path after all that was set so far. It only looks, and raises as `sent` does."""
        at = self
        for key in path[:-1]:
            changed = at._changed.get(key)
            if isinstance(changed, str):
                at = JsonObject.parse(changed)
            else:
                at = at._sent_object(key) if changed is None else changed
        changed = at._changed.get(path[-1])
        return json.loads(_written(changed)) if changed is not None and _is_changed(changed) else at.value(path[-1])

    def _sent_object(self, key: str) -> JsonObject:
        """The object that the client wrote at this key, as `child` does it."""
        value = self.value(key)
        if isinstance(value, dict):
            return JsonObject._scan(self._text, self._members[key].start)
        if value is None or value is ABSENT:
            return JsonObject("{}", {}, 0, 2)
        raise UnreadableError(f"{key[:80]!r} is no object, so nothing can be set in it")

    @property
    def is_changed(self) -> bool:
        """Whether any member of it, or of an object in it, was set."""
        return any(_is_changed(each) for each in self._changed.values())

    def whole(self) -> str:
        """The text that was parsed, with the object as it now is: spaces around it stay."""
        return f"{self._text[: self._start]}{self.text()}{self._text[self._end :]}"

    def text(self) -> str:
        """The object as it now is."""
        pieces, at = [], self._start
        for key, member in self._members.items():
            if _is_changed(self._changed.get(key)):
                pieces += [self._text[at : member.start], _written(self._changed[key])]
                at = member.end
        pieces.append(self._text[at : self._end - 1])
        new = [
            f"{json.dumps(key)}:{_written(each)}"
            for key, each in self._changed.items()
            if key not in self._members and _is_changed(each)
        ]
        separator = "," if self._members and new else ""
        return "".join([*pieces, separator, ",".join(new), "}"])


def _is_changed(changed: str | JsonObject | None) -> bool:
    """Whether something was set there; an object may only have been looked at."""
    return changed.is_changed if isinstance(changed, JsonObject) else changed is not None


def _written(changed: str | JsonObject) -> str:
    return changed.text() if isinstance(changed, JsonObject) else changed


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """The value that begins there, and where it ends. Raises UnreadableError, also where it is nested too deep."""
    try:
        return _DECODER.raw_decode(text, at)
    except UnreadableError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"the body is no JSON that can be read: {error}") from None


def _skip(text: str, at: int) -> int:
    if at < len(text) and text[at] > " ":  # most often there is no space
        return at
    found = _SPACE.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()


def _after(text: str, at: int, mark: str) -> int:
    if not text.startswith(mark, at):
        raise UnreadableError(f"{mark!r} is missing at character {at} of the body")
    return at + 1
