"""Whether looks find room is told without their text, and never otherwise than by it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from earlystop.api.counts import Look
from earlystop.rollout.stored.class_packing import pack_beside
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.look_columns import LookColumns
from earlystop.rollout.stored.packing import pack_looks, pack_numbers
from earlystop.rollout.stored.room import fits, most_characters
from tests.unit.rollout.realistic import realistic_looks


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 30, 1023, 1024, 65_535, 65_536, 65_537, 300_000])
def test_no_numbers_take_more_characters_than_are_reckoned_with(size: int) -> None:
    for content in (random.Random(size).randbytes(size), bytes(size), bytes(range(256)) * (size // 256 + 1)):
        assert len(pack_numbers(content[:size], 0)) < most_characters(size)


@pytest.mark.slow
@pytest.mark.parametrize("records", [1, 3])
@pytest.mark.parametrize("classes", [0, 2])
def test_looks_fit_just_as_long_as_their_text_does(records: int, classes: int) -> None:
    looks = [realistic_looks(90, 1.0 + number) for number in range(records)]
    of_classes = [realistic_looks(70, 0.5 + number) for number in range(records * classes)]
    taken = sum(map(len, map(pack_looks, looks))) + len(pack_beside(of_classes))
    ways: list[Callable[[tuple[Look, ...]], Sequence[Look]]] = [tuple, CompressedLooks, _as_stored]
    for given in ways:
        known, known_of_classes = [given(each) for each in looks], [given(each) for each in of_classes]
        for limit in (0, taken - 1, taken, taken + 1, 3 * taken):
            assert fits(known, known_of_classes, limit) is (taken <= limit)


def test_no_looks_fit_into_no_room() -> None:
    assert fits([(), CompressedLooks()], [], 0)


def test_looks_that_nobody_stores_are_encoded_once_and_have_the_same_size() -> None:
    looks = realistic_looks(60, 1.0)
    history = CompressedLooks(looks[:1])
    for number, look in enumerate(looks[1:], 2):
        history = history.plus(look)
        assert history.size(beside=False) == len(LookColumns.of(looks[:number], beside=False).numbers)


def _as_stored(looks: tuple[Look, ...]) -> CompressedLooks:
    history = CompressedLooks(looks[:-5])
    history.packed(beside=True)
    for look in looks[-5:]:
        history = history.plus(look)
    return history
