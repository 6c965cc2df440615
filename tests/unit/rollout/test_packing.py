"""Looks and totals as short text."""

from __future__ import annotations

import base64
import lzma
import random
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import TALLY_FIELDS, ClassAnswers, Look, Tally, UserScatter
from earlystop.api.packed_numbers import BARE, DECOMPRESSION, LARGEST_DICTIONARY, compression, packed_bytes
from earlystop.api.unpacking import LARGEST
from earlystop.rollout.state import Totals
from earlystop.rollout.stored.class_packing import unpack_beside
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.packing import (
    pack_looks,
    pack_totals,
    packed_text,
    unpack_looks,
    unpack_totals,
)
from tests.unit.rollout.policies import examples
from tests.unit.rollout.realistic import realistic_looks

counts = st.one_of(st.integers(0, 300), st.integers(0, 2**64))
tallies = st.builds(Tally, *[counts] * len(TALLY_FIELDS))
answers = st.builds(ClassAnswers, *[counts] * 4)
class_counts = st.integers(0, 10)


def looks_with(classes: int) -> st.SearchStrategy[list[Look]]:
    moments, steps, weights = st.integers(0, 2**40), st.integers(0, 19), st.integers(1, 99)
    return st.lists(st.builds(Look, moments, steps, weights, tallies, tallies, st.tuples(*[answers] * classes)))


def totals_with(classes: int) -> st.SearchStrategy[Totals]:
    return st.builds(Totals, tallies, tallies, st.tuples(*[answers] * classes))


@pytest.mark.slow
@examples
@given(class_counts.flatmap(lambda classes: st.tuples(st.just(classes), looks_with(classes))))
def test_looks_come_back_whatever_their_counts_votes_pairs_and_query_classes(given: tuple[int, list[Look]]) -> None:
    classes, looks = given
    assert unpack_looks(pack_looks(tuple(looks)), classes) == tuple(looks)


@pytest.mark.slow
@examples
@given(looks_with(1), st.booleans(), st.lists(st.builds(UserScatter, *[counts] * 6), min_size=40, max_size=40))
def test_looks_come_back_with_what_is_known_of_their_users(
    looks: list[Look], beside: bool, users: list[UserScatter]
) -> None:
    weights = 30 if beside else None
    counted = tuple(replace(each, users=of, baseline_weight=weights) for each, of in zip(looks, users, strict=False))
    assert unpack_looks(pack_looks(counted, beside), 1, beside, by_users=True) == counted
    assert tuple(CompressedLooks(counted)) == counted


@pytest.mark.slow
@examples
@given(class_counts.flatmap(totals_with))
def test_totals_come_back_whatever_their_counts_votes_pairs_and_query_classes(totals: Totals) -> None:
    assert unpack_totals(pack_totals(totals)) == totals


@pytest.mark.parametrize("width", range(7, 41, 3))
def test_totals_of_another_width_are_refused_with_the_widths_that_are_expected(width: int) -> None:
    row = ",".join("1" * width)
    whole = ",".join("1" * len(TALLY_FIELDS))
    with pytest.raises(ValueError, match="expected twice 14 counts, and 4 for each query class"):
        unpack_totals(f"{whole};{row}" if width != len(TALLY_FIELDS) else f"{whole};{row};{row}")
    if width != 4:
        with pytest.raises(ValueError, match=r"status\.internal\.mark"):
            unpack_totals(f"{whole};{whole};{row}")


@pytest.mark.parametrize("classes", [0, 1, 3, 9])
def test_looks_of_another_number_of_query_classes_are_refused_with_the_width_that_is_expected(classes: int) -> None:
    packed = pack_looks(realistic_looks(7, 20.0, classes=2))
    with pytest.raises(ValueError, match=f"273 numbers, which are no rows of {31 + 4 * classes}"):
        unpack_looks(packed, classes)


def test_no_looks_are_no_text() -> None:
    assert pack_looks(()) == "" and unpack_looks("") == ()


@pytest.mark.slow
@pytest.mark.parametrize("requests_a_second", [0.2, 2.0, 50.0])
def test_realistic_looks_come_back_and_take_less_than_40_characters_each(requests_a_second: float) -> None:
    looks = realistic_looks(725, requests_a_second)
    packed = pack_looks(looks)
    assert unpack_looks(packed) == looks
    assert len(packed) < 725 * 40


def test_the_same_looks_are_the_same_text() -> None:
    looks = realistic_looks(200, 2.0)
    assert pack_looks(looks) == pack_looks(realistic_looks.__wrapped__(200, 2.0))


@pytest.mark.parametrize("cut", [1, 10, 50])
def test_text_that_was_cut_off_is_refused_by_name(cut: int) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.looks is not a packed list of looks"):
        unpack_looks(pack_looks(realistic_looks(200, 2.0))[:-cut])


def test_text_with_a_changed_character_is_refused_by_name() -> None:
    packed = pack_looks(realistic_looks(200, 2.0))
    middle = len(packed) // 2
    changed = packed[:middle] + ("a" if packed[middle] != "a" else "b") + packed[middle + 1 :]
    with pytest.raises(ValueError, match=r"status\.internal\.looks"):
        unpack_looks(changed)


@pytest.mark.slow
def test_a_text_that_stands_for_more_than_any_rollout_counts_is_refused_before_it_is_unpacked() -> None:
    bomb = bytes(4 * LARGEST)
    bare = lzma.compress(bomb, format=lzma.FORMAT_RAW, filters=DECOMPRESSION)
    packed = struct.pack(">BBI", BARE, 0, zlib.crc32(bomb)) + bare
    for text in (packed_text(packed), packed_text(lzma.compress(bomb))):
        assert len(text) < 20_000
        with pytest.raises(ValueError, match=f"stands for more than {LARGEST} bytes"):
            unpack_looks(text)
    of_classes = f"{len(bomb)}.0,{base64.b85encode(lzma.compress(bomb)).decode()}"
    with pytest.raises(ValueError, match=f"stands for more than {LARGEST} bytes"):
        unpack_beside(of_classes, 1)


def test_a_number_without_end_is_refused_at_once() -> None:
    endless = packed_text(packed_bytes(b"\xff" * (LARGEST - 1) + b"\x01", 0))
    with pytest.raises(ValueError, match="a number is longer than any count"):
        unpack_looks(endless)


def test_a_dictionary_as_large_as_the_content_compresses_as_well_as_the_largest() -> None:
    rng = random.Random(5)
    for size in (0, 1, 300, 4_095, 4_096, 4_097, 30_000, LARGEST_DICTIONARY, LARGEST_DICTIONARY + 1):
        content = bytes(rng.choices(range(12), k=size))
        own, largest = (
            lzma.compress(content, format=lzma.FORMAT_RAW, filters=filters)
            for filters in (compression(size), DECOMPRESSION)
        )
        assert own == largest
        assert lzma.decompress(own, format=lzma.FORMAT_RAW, filters=DECOMPRESSION) == content
