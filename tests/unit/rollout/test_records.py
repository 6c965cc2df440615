"""The looks of many candidates as one text: compressed together where they are more than earlier releases judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Look
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.records import MOST_APART, pack_records, unpack_records
from tests.unit.rollout.realistic import realistic_looks


def records(number: int, looks: int = 8) -> list[tuple[Look, ...]]:
    """Of candidates that are compared with the same baseline; of some there are fewer looks, and of one none."""
    first = [replace(each, baseline_weight=50) for each in realistic_looks(looks, 50)]
    others = [
        tuple(replace(each, candidate=replace(each.candidate, tokens=each.candidate.tokens + 7 * at)) for each in first)
        for at in range(number)
    ]
    return [each[: looks // 2] if at % 7 == 6 else () if at == 2 else each for at, each in enumerate(others)]


@pytest.mark.parametrize("number", [2, MOST_APART, MOST_APART + 1, 200])
def test_looks_of_however_many_candidates_come_back_as_they_were(number: int) -> None:
    given = records(number)
    packed = pack_records([CompressedLooks(each) for each in given])
    assert packed == pack_records(given)
    assert unpack_records(packed, [0] * number) == given
    for nothing in (pack_records([()] * number), ""):
        assert unpack_records(nothing, [0] * number) == [()] * number


def test_of_many_candidates_what_they_have_in_common_is_stored_once() -> None:
    apart, together = (len(pack_records(records(number))) / number for number in (MOST_APART, 200))
    assert together < apart / 2


@pytest.mark.parametrize("number", [3, 200])
def test_another_number_of_candidates_or_a_changed_text_is_told(number: int) -> None:
    packed = pack_records(records(number))
    for text, expected in ((packed, number + 1), (packed[:-9], number), (f"{packed},", number)):
        with pytest.raises(ValueError, match=r"status\.internal\.looks"):
            unpack_records(text, [0] * expected)
