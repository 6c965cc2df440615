"""Counts among packed fields stand apart, in the fifth form and as departures, and every text comes back."""

from __future__ import annotations

import base64
import json
import lzma
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.status.bit_columns import BitReader, bits_of
from earlystop.api.status.count_columns import with_counts, without_counts
from earlystop.api.status.departures import window_of
from earlystop.api.status.dictionary import LATER_WORDS
from earlystop.api.status.earlier_forms import FIFTH_FORM
from earlystop.api.status.numerals import with_numerals, without_numerals
from earlystop.api.status.packed_text import packed_fields, unpacked_fields
from earlystop.api.status.row_departures import PARTS, SPANS, departures_of, rows_of
from earlystop.api.whole_numbers import varint
from tests.unit.rollout.policies import examples

MARK = "3613,3583,30;35969,35934,35;476,120,4911,1225/0,1;2"
LEDGER = "1 baseline qa 0000ee69-4a1d 54823,54823,0\n1 candidate q,1 12-7 493245,133314875156"


def fields_of(mark: object, ledger: object) -> dict[str, Any]:
    return {"guard": {"mark": mark, "step": 1}, "internal": {"ledger": ledger}, "quiet": []}


def come_back(fields: dict[str, Any]) -> bool:
    """Whether fields come back from their columns, of which no bit is left."""
    found, columns = without_counts(fields)
    reader = BitReader(bits_of(columns) + b"more")
    return with_counts(found, reader) == fields and reader.rest() == b"more"


def test_only_signs_are_left_among_the_fields() -> None:
    found, octets = without_numerals(fields_of(MARK, LEDGER))
    assert found["guard"]["mark"] == "#3;#3;#4/#2;2"
    assert found["internal"]["ledger"] == "1 baseline qa 0000ee69-4a1d #3\n1 candidate q,1 12-7 #2"
    assert with_numerals(found, octets + b"more") == (fields_of(MARK, LEDGER), b"more")


@examples
@given(st.text(alphabet="0123456789,;/ \n#a-", max_size=80), st.text(max_size=40))
def test_any_texts_come_back(mark: str, ledger: str) -> None:
    fields = fields_of(mark, ledger)
    assert with_numerals(*without_numerals(fields)) == (fields, b"") and come_back(fields)
    assert unpacked_fields(packed_fields(fields)) == fields


def test_a_run_of_more_than_a_hundred_thousand_counts_comes_back() -> None:
    fields = fields_of(",".join(["1"] * 120_000), "")
    assert with_numerals(*without_numerals(fields)) == (fields, b"") and come_back(fields)


@pytest.mark.parametrize("found", [None, 7, [1, "2"], {}])
def test_what_is_no_text_stays(found: object) -> None:
    fields = fields_of(found, None)
    assert unpacked_fields(packed_fields(fields)) == fields
    assert unpacked_fields(packed_fields({"guard": None, "internal": None})) == {"guard": None, "internal": None}


def packed(fields: object, octets: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, 0, LATER_WORDS)
    text = packer.compress(json.dumps(fields).encode()) + packer.flush()
    filters = [{"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 1 << 12, "lc": 0, "pb": 0}]
    return FIFTH_FORM + base64.b85encode(text + lzma.compress(octets, lzma.FORMAT_RAW, filters=filters)).decode()


@pytest.mark.parametrize(
    ("signs", "octets"),
    [("#2", b"\x02"), ("#99999", b"\x02" * 9), ("#1", b"\x82"), ("#1", b"\x80" * 60 + b"\x01"), ("#1", b"\x02\x02")],
)
def test_counts_that_are_not_there_are_no_fault_of_the_operator(signs: str, octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(packed(fields_of(signs, ""), octets))


def test_a_small_text_that_stands_for_very_many_bytes_is_refused() -> None:
    text = packed(fields_of("", ""), bytes(1 << 24))
    assert len(text) < 10_000
    with pytest.raises(ValueError, match="larger than any status"):
        unpacked_fields(text)


ROWS_OF_CLASSES = "\n".join(
    f"3 {variant} {name} 0a1b2c3d4e {','.join(map(str, counts))}"
    for variant, counts in (
        ("baseline", (1000, 990, 9, 700, 280, 10, 99_000, 12_000_000)),
        ("candidate", (9000, 8990, 9, 6300, 2590, 100, 450_000, 31_000_000)),
    )
    for name in ("easy", "hard")
)
SUMS = "2000,1980,18,1400,560,20,198000,24000000;18000,17980,18,12600,5180,200,900000,62000000"


def test_totals_that_are_the_sums_of_their_ledger_take_bits_and_no_more() -> None:
    mark = f"{SUMS};700,280,6300,2590;700,280,6300,2590"
    bits = len(bits_of(without_counts(fields_of(mark, ROWS_OF_CLASSES))[1]))
    of_ledger = len(bits_of(without_counts(fields_of(None, ROWS_OF_CLASSES))[1]))
    assert bits - of_ledger <= 4
    assert of_ledger < 64, "rows of a variant are alike, and what follows from other counts takes a bit"


counts = st.one_of(st.integers(0, 300), st.integers(0, 10**38))
runs = st.lists(counts, min_size=2, max_size=10).map(lambda each: ",".join(map(str, each)))
lines = st.tuples(st.sampled_from("12"), st.sampled_from(["baseline", "candidate", "w10"]), st.sampled_from("ab"), runs)


@examples
@given(st.lists(lines, max_size=6), st.lists(runs, max_size=6))
def test_any_counts_of_a_ledger_and_its_totals_come_back(ledger: list[tuple[str, ...]], mark: list[str]) -> None:
    text = "\n".join(f"{step} {variant} {name} p {run}" for step, variant, name, run in ledger)
    fields = fields_of(";".join(mark), text)
    assert come_back(fields)


def test_a_class_that_no_ledger_has_is_refused() -> None:
    fields, columns = without_counts(fields_of("1,2;3,4;5,6,7,8", ""))
    first, *others = columns
    with pytest.raises(ValueError, match="a class that its ledger does not have"):
        with_counts(fields, BitReader(bits_of([[*first[:2], 1], *others])))


names = st.lists(st.sampled_from(["a", "b", "k%20", "%7F", "qa"]), min_size=1, max_size=3, unique=True)
short = st.lists(st.one_of(st.just(0), st.integers(0, 10**9)), min_size=1, max_size=16)


@examples
@given(names, names, names, st.data(), st.sampled_from(["", "\nfolded 1 a b 7,0,3", "\nsilent 1 99 p", "\n"]))
def test_every_table_of_counts_comes_back(
    variants: list[str], classes: list[str], servers: list[str], data: st.DataObject, rest: str
) -> None:
    lines = [
        f"1 {variant} {name} {server} {','.join(map(str, data.draw(short)))}"
        for variant in variants
        for name in classes
        for server in servers
    ]
    fields = fields_of("1,2;3,4", "\n".join(lines) + rest)
    assert come_back(fields) and unpacked_fields(packed_fields(fields)) == fields


@pytest.mark.parametrize("kind", [SPANS, PARTS])
@examples
@given(octets=st.binary(max_size=80), numbers=st.lists(st.integers(0, 2**40), max_size=5 * 9))
def test_any_bytes_in_place_of_rows_come_back(kind: Any, octets: bytes, numbers: list[int]) -> None:
    for content in (octets, b"".join(map(varint, numbers)), b"".join(varint(each % 40) for each in numbers)):
        departures = departures_of(content, kind)
        assert departures is None or rows_of(departures, kind) == content


def test_sums_of_a_window_are_those_of_its_parts() -> None:
    parts = ((60, 10, 8, 1, 900, 100, 81, 0, 4000), (60, 1, -1, 0, 50, -3, 0, 2, 60))
    found = window_of(b"".join(varint(each) for part in parts for each in part))
    assert found == {
        "baseline": {"completed": 23, "match": 15, "tokens": 1850},
        "candidate": {"completed": 199, "match": 162, "tokens": 8060},
    }
    assert window_of(b"") is None and window_of(b"\x02\x04") is None and window_of(b"\x80") is None
