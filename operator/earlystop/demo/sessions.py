"""Requests that come in sessions: one asks the same question several times, so its answers are alike."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import isfinite
from typing import NamedTuple


class Turn(NamedTuple):
    """One request. session: its number, from 0 on. question: index of what is asked. user: number of who asks."""

    session: int
    question: int
    user: int


@dataclass(frozen=True, slots=True)
class Sessions:
    """How sessions ask. requests: of each, at least 1; seconds: that these take at the load's rate, above 0. One of a
    single request has no length. Raises ValueError for a value out of range."""

    requests: int = 1
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.requests < 1:
            raise ValueError(f"a session has {self.requests} requests; write 1 or more")
        if not (isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"a session takes {self.seconds} s; write more than 0")

    def open_at(self, rate: float) -> int:
        """How many sessions are under way at once, so that each takes its seconds. rate: of all requests a second."""
        return 1 if self.requests == 1 else max(1, round(rate * self.seconds / self.requests))


def draw_turns(sessions: Sessions, rate: float, questions: int, users: int, seed: int) -> Iterator[Turn]:
    """Requests without end. Questions and users are drawn with replacement, once for each session.

    Open sessions ask in turn. The first ones are shorter, by different amounts, so that they do not all end at once.
    """
    asked, askers, numbers = random.Random(seed), random.Random(seed + 1), count()

    def begin() -> Turn:
        return Turn(next(numbers), int(asked.random() * questions), int(askers.random() * users))

    most = sessions.open_at(rate)
    under_way = deque((begin(), sessions.requests - place * sessions.requests // most) for place in range(most))
    while True:
        turn, left = under_way.popleft()
        yield turn
        under_way.append((turn, left - 1) if left > 1 else (begin(), sessions.requests))
