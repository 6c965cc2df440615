"""A packed part of a status that the operator did not write is told as such, and never a fault of its own."""

from __future__ import annotations

import base64
import zlib

import pytest

from earlystop.api.status.compact import FORM, packed_fields, unpacked_fields
from earlystop.api.status.dictionary import WORDS


def packed(content: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, 0, WORDS)
    return FORM + base64.b85encode(packer.compress(content) + packer.flush()).decode()


@pytest.mark.parametrize("found", [None, 7, {}, "", FORM, packed(b"[" * 100_000), packed(b"[]"), packed(b"\xff")])
def test_what_the_operator_did_not_write_is_refused_by_one_kind_of_error(found: object) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(found)
    assert unpacked_fields(packed_fields({"a": [1]})) == {"a": [1]}
