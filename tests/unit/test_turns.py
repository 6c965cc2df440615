"""A loop that waits for what does not come ends."""

from __future__ import annotations

import pytest

from tests.turns import Turns


def wait_for_what_never_comes(turns: Turns) -> None:
    while turns.another():
        pass


def test_a_loop_that_waits_for_what_never_comes_fails_after_the_turns_that_it_has() -> None:
    turns = Turns(3)
    with pytest.raises(AssertionError, match="not come after 3 turns"):
        wait_for_what_never_comes(turns)
    assert turns.taken == 3
