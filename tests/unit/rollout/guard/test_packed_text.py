"""A packed part of a status that the operator did not write is told as such, and never a fault of its own."""

from __future__ import annotations

import base64
import json
import random
import tracemalloc
import zlib
from contextlib import suppress

import pytest

from earlystop.api.status.base89 import decoded, encoded
from earlystop.api.status.dictionary import GUARDS_WORDS, WORDS
from earlystop.api.status.earlier_forms import EARLIER_FORMS, FIRST_FORM, SECOND_FORM
from earlystop.api.status.packed_text import FORM, packed_fields, unpacked_fields


def packed(content: bytes, behind: bytes = b"") -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, 0, GUARDS_WORDS)
    octets = packer.compress(content) + packer.flush() + behind
    return FORM + encoded(zlib.crc32(octets).to_bytes(4) + octets)


def packed_before(content: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, 0, WORDS)
    return base64.b85encode(packer.compress(content) + packer.flush()).decode()


@pytest.mark.parametrize("found", [None, 7, {}, "", FORM, packed(b"[" * 100_000), packed(b"[]"), packed(b"\xff")])
def test_what_the_operator_did_not_write_is_refused_by_one_kind_of_error(found: object) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(found)
    assert unpacked_fields(packed_fields({"a": [1]})) == {"a": [1]}


@pytest.mark.parametrize("form", ["8:", "10:", "9999:"])
def test_a_text_of_a_later_release_is_told_as_such_with_what_to_do(form: str) -> None:
    known = packed_fields({"a": [1]}).removeprefix(FORM)
    with pytest.raises(ValueError, match=r"was not written by this operator: a later release has, .* install that one"):
        unpacked_fields(form + known)


@pytest.mark.parametrize("form", ["0:", "07:", "7", "-8:", "8", "10000:", "٨:"])
def test_what_is_no_number_of_a_form_is_not_taken_for_one(form: str) -> None:
    with pytest.raises(ValueError, match="expected '7:'"):
        unpacked_fields(form + "!")


GUARD = {"looks": "e*m_S", "checkpoint": ":004mh", "spans": "not bytes", "step": 3, "windowParts": "", "parked": None}


def test_packed_bytes_among_the_fields_come_back_as_their_texts_also_from_an_earlier_release() -> None:
    fields = {"guard": GUARD, "step": 1}
    assert unpacked_fields(packed_fields(fields)) == fields
    text = packed_before(json.dumps(fields).encode())
    assert unpacked_fields(FIRST_FORM + text) == unpacked_fields(SECOND_FORM + text) == fields


DIGEST = "0123456789abcdef" * 2
TEXTS = {
    "at": ["2026-01-31T12:00:00Z", "2026-01-31T11:59:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"],
    "no moments": ["2026-02-31T12:00:00Z", "2026-01-31t12:00:00Z", "0001-01-01T00:00:00Z", ""],
    "digests": {"bare": DIGEST, "named": "sha256:" + 2 * DIGEST, "short": "sha256:" + DIGEST, "long": 2 * DIGEST},
    "no digests": [DIGEST.upper(), DIGEST + "ab", DIGEST[1:], "sha256:sha256:" + DIGEST],
    "marks": ["~", "~~", "~0", "~X16", "~S32", "~~X16"],
    "guard": {"looks": "e*m_S", "since": "2026-01-31T12:00:00Z", "digest": DIGEST},
}


def test_moments_and_digests_come_back_and_so_does_what_looks_like_their_short_texts() -> None:
    assert unpacked_fields(packed_fields(TEXTS)) == TEXTS


@pytest.mark.parametrize("text", ["~X16", "~S32", "~", "~*", "~zzzzzzzzzzzz", "~-zzzzzzzzzzzzzzzz"])
def test_a_short_text_that_stands_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(packed(json.dumps({"at": text}).encode()))


@pytest.mark.parametrize(
    "size",
    [
        *([9, ""], [-1, ""], ["1", ""], [1], [1, 2], [None, None], [0, "", 0, 0], [0, "", "0"], [0, "", 999]),
        *(
            ["", 1, 10**12, 0],
            ["", 10**12, 1, 0],
            ["", 0, 10**12, 0],
            ["", 1, 1, 300],
            [":"],
            [":", -1],
            [":", 1 << 40],
        ),
        *([":", 4, 4], [":", 10**12, 10**12], [":", -4, 400], [":", 4, -4], [":", None, 4], [":", "4"], [True, ":"]),
    ],
)
def test_bytes_that_are_not_there_are_no_fault_of_the_operator(size: object) -> None:
    for name in ("looks", "spans", "windowParts", "checkpoint", "parked"):
        with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
            unpacked_fields(packed(json.dumps({"guard": {name: size}}).encode()))


TABLES = [
    [["1"], ["a"], ["k"], ["p"], 8, ""],
    ["1", ["a"], ["k"], ["p"], 10**12, ""],
    ["1", [], [], [], 8, "", ""],
    ["1", ["a"] * 500, ["k"] * 500, ["p"] * 500, 8, ""],
    ["1", ["a"], ["k"], ["p"], 8, None],
    ["1", ["a"], ["k"], [], 8, ""],
    ["1", ["a"], ["k"], ["p"], "8", "#999999999999"],
    [],
]


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
def test_tables_and_counts_that_are_not_there_are_no_fault_of_the_operator(table: object) -> None:
    for fields in ({"internal": {"ledger": table}}, {"#": 1}, {"guard": {"mark": "#99999999"}}):
        with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
            unpacked_fields(packed(json.dumps(fields).encode()))


GIGABYTES: dict[str, tuple[dict[str, object], int]] = {
    "columns of zeros": ({"guard": {"looks": ["", 131_072, 65_536, 0]}}, 9000),
    "runs of zeros": ({"guard": {"mark": "#9999" * 100_000}}, 2000),
    "one run that is longer than all others": ({"guard": {"mark": "#2" * 20_000 + "#999999999"}}, 20_000),
    "a name that each line says": (
        {"internal": {"ledger": ["a" * 500_000, ["v"] * 300, ["k"] * 300, ["p"], 8, ""]}},
        99,
    ),
    "classes whose answers are summed for each": (
        {"internal": {"ledger": ["a", ["v"], ["k"] * 131_000, ["p"], 8, ""]}},
        99,
    ),
    "as many lines as a table may have": ({"internal": {"ledger": ["a", ["v"] * 8, ["k"] * 4000, [""], 8, ""]}}, 99),
}


@pytest.mark.parametrize("name", GIGABYTES)
def test_a_short_text_never_makes_gigabytes_or_takes_minutes(name: str) -> None:
    """One of 818 signs, which whoever may write a status could store, ended the operator for want of memory."""
    fields, bits = GIGABYTES[name]
    text = packed(json.dumps(fields).encode(), bytes(bits))
    tracemalloc.start()
    with suppress(ValueError):
        unpacked_fields(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


def test_the_text_has_no_sign_that_the_api_server_stores_as_six_bytes() -> None:
    octets = random.Random(1).randbytes(2000)
    fields = {"guard": {"looks": base64.b85encode(octets).decode()}}
    text = packed_fields(fields)
    assert not set(text) & set('<>&"\\') and text.isascii() and text.isprintable()
    assert unpacked_fields(text) == fields


@pytest.mark.parametrize("text", [packed(b"{}", b"more"), packed(b"{"), packed(b'{"guard":{"window":"="}}')])
def test_a_text_whose_checksum_is_right_is_read_no_less_strictly(text: str) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(text)


def test_no_sign_of_a_text_can_be_altered_unseen() -> None:
    text = packed_fields({"guard": GUARD, "step": 1})
    for place in range(len(text)):
        other = "!" if text[place] != "!" else "#"
        with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
            unpacked_fields(text[:place] + other + text[place + 1 :])


def test_any_bytes_come_back_from_their_signs() -> None:
    rng = random.Random(2)
    for length in range(200):
        for octets in (rng.randbytes(length), bytes(length), b"\xff" * length):
            text = encoded(octets)
            assert decoded(text) == octets and not set(text) & set('<>&"\\ ')
            assert text.isascii() and (text.isprintable() or not text)


@pytest.mark.parametrize("text", ["!", "~~", "~" * 47, "a b", "é!", "\\" * 2])
def test_signs_that_stand_for_no_bytes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        decoded(text)


@pytest.mark.parametrize("form", EARLIER_FORMS)
@pytest.mark.parametrize("rest", ["", "0", "0" * 40, "é"])
def test_what_only_begins_as_an_earlier_form_is_refused(form: str, rest: str) -> None:
    with pytest.raises(ValueError, match=r"status\.internal\.rest was not written by this operator"):
        unpacked_fields(form + rest)
