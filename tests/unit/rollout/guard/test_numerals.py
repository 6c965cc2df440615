"""Counts among packed fields stand apart, and every text comes back as it was."""

from __future__ import annotations

import base64
import json
import lzma
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.status.compact import FORM, packed_fields, unpacked_fields
from earlystop.api.status.dictionary import LATER_WORDS
from earlystop.api.status.numerals import with_numerals, without_numerals
from tests.unit.rollout.policies import examples

MARK = "3613,3583,30;35969,35934,35;476,120,4911,1225/0,1;2"
LEDGER = "1 baseline qa 0000ee69-4a1d 54823,54823,0\n1 candidate q,1 12-7 493245,133314875156"


def fields_of(mark: object, ledger: object) -> dict[str, Any]:
    return {"guard": {"mark": mark, "step": 1}, "internal": {"ledger": ledger}, "quiet": []}


def test_only_signs_are_left_among_the_fields() -> None:
    found, octets = without_numerals(fields_of(MARK, LEDGER))
    assert found["guard"]["mark"] == "#3;#3;#4/#2;2"
    assert found["internal"]["ledger"] == "1 baseline qa 0000ee69-4a1d #3\n1 candidate q,1 12-7 #2"
    assert with_numerals(found, octets + b"more") == (fields_of(MARK, LEDGER), b"more")


@examples
@given(st.text(alphabet="0123456789,;/ \n#a-", max_size=80), st.text(max_size=40))
def test_any_texts_come_back(mark: str, ledger: str) -> None:
    fields = fields_of(mark, ledger)
    assert with_numerals(*without_numerals(fields)) == (fields, b"")
    assert unpacked_fields(packed_fields(fields)) == fields


def test_a_run_of_more_than_a_hundred_thousand_counts_comes_back() -> None:
    fields = fields_of(",".join(["1"] * 120_000), "")
    assert with_numerals(*without_numerals(fields)) == (fields, b"")


@pytest.mark.parametrize("found", [None, 7, [1, "2"], {}])
def test_what_is_no_text_stays(found: object) -> None:
    fields = fields_of(found, None)
    assert unpacked_fields(packed_fields(fields)) == fields
    assert unpacked_fields(packed_fields({"guard": None, "internal": None})) == {"guard": None, "internal": None}


def packed(fields: object, octets: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, 0, LATER_WORDS)
    text = packer.compress(json.dumps(fields).encode()) + packer.flush()
    filters = [{"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 1 << 12, "lc": 0, "pb": 0}]
    return FORM + base64.b85encode(text + lzma.compress(octets, lzma.FORMAT_RAW, filters=filters)).decode()


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
