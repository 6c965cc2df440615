"""Whatever stands in a guarded status comes back from its text, and whatever such a text has is read or refused."""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.status.base89 import decoded, encoded
from earlystop.api.status.dictionary import GUARDS_WORDS
from earlystop.api.status.packed_text import FORM, packed_fields, unpacked_fields
from tests.unit.rollout.guard.recorded_texts import SEVENTH
from tests.unit.rollout.policies import examples

Path = tuple[Any, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Ways to all parts of a value in JSON."""
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from paths(part, (*path, name))


def part_of(value: Any, path: Iterable[Any]) -> Any:
    """What stands at the end of this path."""
    return reduce(lambda part, name: part[name], path, value)


def altered(fields: Any, path: Path, part: Any) -> Any:
    """Fields with another part at the end of this path."""
    found = copy.deepcopy(fields)
    *way, last = path
    part_of(found, way)[last] = part
    return found


FIELDS = unpacked_fields(SEVENTH)
PACKED = decoded(SEVENTH.removeprefix(FORM))[4:]
UNPACKER = zlib.decompressobj(-zlib.MAX_WBITS, GUARDS_WORDS)
WORDS: Any = json.loads(UNPACKER.decompress(PACKED))
BEHIND = UNPACKER.unused_data
SIGNS = st.text("0123456789,;#\n -.:~%=XSa\\\u2028😀", max_size=40)
ODD_TEXTS = st.sampled_from(
    ["~", "~~0", "~X16", "0" * 40, "sha256:" + "0" * 64, "2026-02-30T00:00:00Z", "1,2;3,4", "="]
)
numbers = st.one_of(st.integers(-9, 9), st.integers(-(2**64), 2**64), st.integers(0, 10**41))
plain: st.SearchStrategy[Any] = st.one_of(SIGNS, ODD_TEXTS, numbers, st.none(), st.booleans(), st.floats())
parts: st.SearchStrategy[Any] = st.one_of(plain, st.just([]), st.just({}))
PLAIN_PATHS = [each for each in paths(FIELDS) if not isinstance(part_of(FIELDS, each), dict | list)]


@examples
@given(st.sampled_from(PLAIN_PATHS), plain)
def test_fields_come_back_with_any_value_in_place_of_any_of_them(path: Path, part: Any) -> None:
    fields = altered(FIELDS, path, part)
    assert json.dumps(unpacked_fields(packed_fields(fields))) == json.dumps(fields)


@examples
@given(st.sampled_from([*paths(WORDS)]), parts, st.integers(0, 8 * len(BEHIND) - 1), st.integers(0, len(BEHIND)))
def test_a_text_with_anything_in_place_of_any_part_is_read_or_refused_by_one_kind_of_error(
    path: Path, part: Any, bit: int, length: int
) -> None:
    octets = bytearray(BEHIND)
    octets[bit // 8] ^= 1 << bit % 8
    for words, behind in ((altered(WORDS, path, part), BEHIND), (WORDS, octets), (WORDS, BEHIND[:length])):
        packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 9, 0, GUARDS_WORDS)
        packed = packer.compress(json.dumps(words).encode()) + packer.flush() + bytes(behind)
        try:
            found = unpacked_fields(FORM + encoded(zlib.crc32(packed).to_bytes(4) + packed))
        except ValueError as error:
            found, said = {}, str(error)
            assert said.startswith("status.internal.rest was not written by this operator: ")
        assert isinstance(found, dict)
