"""A packed part of a status that the operator did not write is told as such, and never a fault of its own."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from earlystop.api.status.compact import FORM, FORMER_FORM, packed_fields, unpacked_fields
from earlystop.api.status.dictionary import WORDS


def packed(content: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, 0, WORDS)
    return FORM + base64.b85encode(packer.compress(content) + packer.flush()).decode()


@pytest.mark.parametrize("found", [None, 7, {}, "", FORM, packed(b"[" * 100_000), packed(b"[]"), packed(b"\xff")])
def test_what_the_operator_did_not_write_is_refused_by_one_kind_of_error(found: object) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(found)
    assert unpacked_fields(packed_fields({"a": [1]})) == {"a": [1]}


GUARD = {"looks": "e*m_S", "checkpoint": ":004mh", "spans": "not bytes", "step": 3, "windowParts": "", "parked": None}


def test_packed_bytes_among_the_fields_come_back_as_their_texts_also_from_an_earlier_release() -> None:
    fields = {"guard": GUARD, "step": 1}
    assert unpacked_fields(packed_fields(fields)) == fields
    assert unpacked_fields(FORMER_FORM + packed(json.dumps(fields).encode())[len(FORM) :]) == fields


@pytest.mark.parametrize("size", [[9, ""], [-1, ""], ["1", ""], [1], [1, 2], [None, None]])
def test_bytes_that_are_not_there_are_no_fault_of_the_operator(size: object) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(packed(json.dumps({"guard": {"looks": size}}).encode()))
