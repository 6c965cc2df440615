"""Counts among fields in JSON, in less room: their bytes stand apart, since of digits in a text each takes four bits or
more, and a separator as much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from earlystop.api.whole_numbers import numbers_in, varint

MARK = "#"
"""What stands in a text before how many counts were there; one that a text has by itself is written twice."""
FIELDS = (("guard", "mark"), ("internal", "ledger"))
"""Texts of counts that are written with commas between them."""
COUNT = "(?:0|[1-9][0-9]{0,38})"
RUN = re.compile(rf"(?<![^ ;/\n]){COUNT}(?:,{COUNT})+(?![^;/\n])")
PLACE = re.compile(rf"{MARK}({MARK}|[0-9]{{1,9}})")
"""As many digits as a run within the largest text may need: a sign follows them, and never a digit."""


def without_numerals(fields: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Fields whose texts of counts have only their other signs, and the bytes of the counts."""
    found, counts = dict(fields), []
    for part, name in FIELDS:
        text = (found.get(part) or {}).get(name)
        if isinstance(text, str):
            counts += [varint(int(each)) for run in RUN.findall(text) for each in run.split(",")]
            signs = RUN.sub(lambda run: f"{MARK}{run[0].count(',') + 1}", text.replace(MARK, 2 * MARK))
            found[part] = {**found[part], name: signs}
    return found, b"".join(counts)


def with_numerals(fields: Mapping[str, Any], octets: bytes) -> tuple[dict[str, Any], bytes]:
    """Inverse of `without_numerals`, and the bytes that are left. Raises ValueError for fields and bytes that are not
    of it."""
    found = dict(fields)
    for part, name in FIELDS:
        signs = (found.get(part) or {}).get(name)
        if isinstance(signs, str):
            places = sum(int(each) for each in PLACE.findall(signs) if each != MARK)
            length = length_of(places, octets)
            text = _with_signs(signs, iter(numbers_in(octets[:length])))
            found[part], octets = {**found[part], name: text}, octets[length:]
    return found, octets


def _with_signs(signs: str, counts: Iterator[int]) -> str:
    def at(place: re.Match[str]) -> str:
        return MARK if place[1] == MARK else ",".join(str(each) for each in islice(counts, int(place[1])))

    return PLACE.sub(at, signs)


def with_runs(signs: str, runs: Iterator[Sequence[int]]) -> str:
    """A text whose other signs these are, with runs of counts where they were."""
    return PLACE.sub(lambda place: MARK if place[1] == MARK else ",".join(map(str, next(runs))), signs)


def length_of(numbers: int, octets: bytes) -> int:
    """Bytes of so many numbers. Raises ValueError where there are fewer."""
    ends = (place for place, octet in enumerate(octets, 1) if octet < 0x80)
    found = [0, *islice(ends, numbers)]
    if len(found) <= numbers:
        raise ValueError("it has fewer counts than fields")
    return found[-1]
