"""Loops of tests that wait for something: each has a number of turns that it may take, and fails after them.

A test that never ends is worse than one that fails: nobody is told which it was. Turns are counted, not seconds, so
that a slow machine gets as far as a fast one. What else ends a loop (a deadline, an input that is used up, a moment
that each turn moves on) needs none of it.
"""

from __future__ import annotations

from typing import Literal

MOST_TURNS = 5_000


class Turns:
    """The turns of one loop: `turns = Turns()`, then `while CONDITION and turns.another():`."""

    def __init__(self, most: int = MOST_TURNS) -> None:
        self.most = most
        self.taken = 0

    def another(self) -> Literal[True]:
        """True, and one turn more is taken. Raises AssertionError after `most` turns."""
        assert self.taken < self.most, f"what this loop waits for has not come after {self.taken} turns"
        self.taken += 1
        return True
