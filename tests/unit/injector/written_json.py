"""JSON as clients write it, piece by piece, so that a test can say to the byte what an edit leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

KEYS = ("max_tokens", "max_completion_tokens", "custom", "other")


@dataclass
class Written:
    """A value and its text. members: of an object, each with the text before its value; None for all else."""

    text: str
    members: dict[str, tuple[str, Written, str]] | None = None
    closing: str = ""
    added: list[str] = field(default_factory=list)

    def render(self) -> str:
        """The text of the value as it now is."""
        if self.members is None:
            return self.text
        inside = ",".join(f"{before}{value.render()}{after}" for before, value, after in self.members.values())
        new = ("," if self.members and self.added else "") + ",".join(self.added)
        return f"{{{inside}{self.closing}{new}}}"

    def loads(self) -> Any:
        """The value that the text has."""
        return json.loads(self.render())

    def set(self, path: tuple[str, ...], text: str) -> None:
        """Write a value at a path: in place of the one that is there, or behind the last member."""
        assert self.members is not None
        key, *rest = path
        if key not in self.members:
            nested = text
            for each in reversed(rest):
                nested = f"{{{json.dumps(each)}:{nested}}}"
            self.added.append(f"{json.dumps(key)}:{nested}")
            return
        before, value, after = self.members[key]
        if not rest:
            self.members[key] = (before, Written(text), after)
        elif value.members is None:  # null gives way to an object
            fresh = Written("", {})
            fresh.set(tuple(rest), text)
            self.members[key] = (before, fresh, after)
        else:
            value.set(tuple(rest), text)


NUMBERS = (
    *("9007199254740993", "1e3", "2.0E1", "20.0", "19.5", "-0", "-1", "-2.5", "0", "1E400", "-1e400", "1" + "0" * 400),
    *('"20"', '"1e3"', '" 7 "', *map(str, range(3, 60, 7))),
)
ODD = ("null", "true", "false", '"low"', '"high"', '"\\u006cow"', '"turbo"', "[1]", '"\\ud800"', '"nan"')


def spaces(draw: Random) -> str:
    """Some of JSON's spaces, or none."""
    return "".join(draw.choices(" \t\r\n", k=draw.choice((0, 0, 1, 2))))


def any_object(draw: Random, likely: Sequence[str], depth: int = 2) -> Written:
    """An object with any spaces, and keys with or without escapes. likely: texts of most values in it."""
    members = {}
    for key in draw.sample(KEYS, draw.randrange(len(KEYS) + 1)):
        spelled = draw.choice([json.dumps(key), f'"\\u{ord(key[0]):04x}{key[1:]}"'])
        before = f"{spaces(draw)}{spelled}{spaces(draw)}:{spaces(draw)}"
        pool = likely if draw.random() < 0.8 else ODD
        is_object = depth > 0 and draw.random() < (0.7 if key == "custom" else 0.1)
        value = any_object(draw, likely, depth - 1) if is_object else Written(draw.choice(pool))
        members[key] = (before, value, spaces(draw))
    return Written("", members, "" if members else spaces(draw))
