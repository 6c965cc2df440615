"""Numbers of any size come back from their bits, small ones take a few, and bits of nobody are refused."""

from __future__ import annotations

import base64
import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.status.arm_columns import with_arms, without_arms
from earlystop.api.status.bit_columns import BitReader, bits_of
from earlystop.api.status.byte_fields import BYTE_FIELDS
from earlystop.api.status.packed_text import packed_fields, unpacked_fields
from tests.unit.rollout.policies import examples

numbers = st.one_of(st.integers(-3, 3), st.integers(-(10**6), 10**6), st.integers(-(2**270), 2**270))


@examples
@given(st.lists(st.lists(numbers, max_size=9), max_size=9), st.binary(max_size=9))
def test_any_columns_come_back_and_so_do_the_bytes_behind_them(columns: list[list[int]], behind: bytes) -> None:
    reader = BitReader(bits_of(columns) + behind)
    assert [reader.column(len(each)) for each in columns] == columns
    assert reader.rest() == behind


def test_a_column_of_zeros_takes_a_bit_and_one_of_departures_little_more_than_their_entropy() -> None:
    assert len(bits_of([[0] * 1000] * 8)) == 1
    rng = random.Random(5)
    column = [round(rng.gauss(0, 100)) for _ in range(1000)]
    entropy = 8.69  # bits of a normal law of this standard deviation, in whole numbers
    assert 8 * len(bits_of([column])) / 1000 < entropy + 0.6


@pytest.mark.parametrize(
    ("content", "length"),
    [(b"", 1), (b"\xff", 40), (b"\x80" + bytes(99), 1), (b"\xff" * 9, 10**9), (b"\x00", -1), (b"\x41", 1)],
)
def test_bits_of_nobody_are_refused(content: bytes, length: int) -> None:
    reader = BitReader(content)
    with pytest.raises(ValueError, match=r"fewer|number|order"):
        assert reader.column(length) and reader.rest() is None


@examples
@given(
    st.sampled_from(BYTE_FIELDS), st.binary(max_size=90), st.sampled_from(["#", "1,2;3,4", "1,2;3,4;5,6,7,8;1,1,1,1"])
)
def test_any_bytes_in_place_of_detectors_or_looks_come_back(name: str, octets: bytes, mark: str) -> None:
    for evidence in ("Answers", "Pairs"):
        guard = {name: ":" + base64.b85encode(octets).decode(), "mark": mark, "evidence": evidence}
        assert unpacked_fields(packed_fields({"guard": guard})) == {"guard": guard}


ODD_FLOATS = [0.0, -0.0, 1.5, 2.0**24, 3.3e38, float("inf"), float("-inf"), float("nan"), 1e-40]


@examples
@given(
    st.lists(st.integers(0, 65_535), min_size=41, max_size=60),
    st.lists(st.sampled_from(ODD_FLOATS), min_size=16, max_size=16),
)
def test_detectors_of_two_classes_come_back_whatever_their_numbers_are(logs: list[int], others: list[float]) -> None:
    content = struct.pack(f"<{len(logs)}H{len(others)}f", *logs, *others)
    guard = {
        "checkpoint": ":" + base64.b85encode(content).decode(),
        "mark": "1,2;3,4;1,2,3,4;5,6,7,8",
        "evidence": "Answers",
    }
    assert unpacked_fields(packed_fields({"guard": guard})) == {"guard": guard}


counts = st.fixed_dictionaries(
    {name: st.integers(0, 10**12) for name in ("completed", "failed", "match", "scored", "tokens")}
)
both = st.fixed_dictionaries({"baseline": counts, "candidate": counts})
one_arm: st.SearchStrategy[Any] = st.fixed_dictionaries({"baseline": counts})
odd: st.SearchStrategy[Any] = st.one_of(both, st.none(), st.just({"baseline": {}}), one_arm)


@examples
@given(odd, st.lists(odd, max_size=3), st.lists(st.integers(0, 10**12), min_size=3, max_size=5))
def test_counts_of_comparisons_come_back_also_where_some_are_missing(
    first: Any, others: list[Any], last: list[int]
) -> None:
    fields: dict[str, Any] = {
        "counts": first,
        "candidates": [{"name": "w", "counts": each} for each in others],
        "guard": {"comparedCounts": last, "mark": "9,8,0,5,3;90,80,1,50,30"},
    }
    found, columns = without_arms(fields)
    assert with_arms(found, BitReader(bits_of(columns))) == fields
    assert unpacked_fields(packed_fields(fields)) == fields
