"""A campaign's looks in little room are the looks that were taken."""

from __future__ import annotations

import tracemalloc

import pytest

from earlystop.rollout.stored.compressed_looks import PIECE, CompressedLooks, with_look
from tests.unit.rollout.realistic import realistic_looks

A_LOOK = 543  # bytes of a Look with its two tallies
LENGTHS = [0, 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 5 * PIECE + 3]


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("length", LENGTHS)
def test_looks_come_back_as_they_were_taken_however_they_are_asked_for(length: int, classes: int) -> None:
    looks = realistic_looks(length, 4.0, classes=classes)
    history: CompressedLooks = CompressedLooks()
    for look in looks:
        history = with_look(history, look)
    assert history == CompressedLooks(looks) == looks
    assert hash(history) == hash(CompressedLooks(looks))
    assert list(history) == list(looks) and list(reversed(history)) == list(reversed(looks))
    assert len(history) == length and bool(history) == bool(looks)
    for place in range(-length, length):
        assert history[place] == looks[place]
    for part in (slice(-1, None), slice(3, 40, 2), slice(None), slice(None, None, -1)):
        assert history[part] == looks[part]
    for outside in (length, -length - 1):
        with pytest.raises(IndexError):
            history[outside]


def test_one_more_look_leaves_the_history_before_it_as_it_was() -> None:
    looks = realistic_looks(4 * PIECE, 4.0)
    before = CompressedLooks(looks[:-1])
    assert with_look(before, looks[-1]) == looks and before == looks[:-1]


def test_a_day_of_looks_takes_a_fifth_of_what_they_take_one_by_one() -> None:
    looks = realistic_looks(400, 4.0)
    tracemalloc.start()
    packed = CompressedLooks()
    for look in looks:
        packed = with_look(packed, look)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(packed) == len(looks) and taken < len(looks) * A_LOOK / 5
