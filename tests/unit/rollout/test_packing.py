"""Looks and totals as short text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import Look, Tally
from earlystop.rollout.packing import pack_looks, pack_totals, unpack_looks, unpack_totals
from earlystop.rollout.state import Totals
from tests.unit.rollout.policies import examples
from tests.unit.rollout.realistic import realistic_looks

counts = st.one_of(st.integers(0, 300), st.integers(0, 2**64))
tallies = st.builds(Tally, *[counts] * 8)
any_looks = st.lists(st.builds(Look, st.integers(0, 2**40), st.integers(0, 19), st.integers(1, 99), tallies, tallies))


@examples
@given(any_looks)
def test_looks_come_back_whatever_their_counts(looks: list[Look]) -> None:
    assert unpack_looks(pack_looks(tuple(looks))) == tuple(looks)


@examples
@given(tallies, tallies)
def test_totals_come_back_whatever_their_counts(baseline: Tally, candidate: Tally) -> None:
    totals = Totals(baseline, candidate)
    assert unpack_totals(pack_totals(totals)) == totals


def test_no_looks_are_no_text() -> None:
    assert pack_looks(()) == "" and unpack_looks("") == ()


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
    with pytest.raises(ValueError, match=r"status\.looks is not a packed list of looks"):
        unpack_looks(pack_looks(realistic_looks(200, 2.0))[:-cut])


def test_text_with_a_changed_character_is_refused_by_name() -> None:
    packed = pack_looks(realistic_looks(200, 2.0))
    middle = len(packed) // 2
    changed = packed[:middle] + ("a" if packed[middle] != "a" else "b") + packed[middle + 1 :]
    with pytest.raises(ValueError, match=r"status\.looks"):
        unpack_looks(changed)
