"""A campaign's looks in little room are the looks that were taken."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Look, Tally, UserScatter
from earlystop.rollout.stored.class_packing import pack_beside
from earlystop.rollout.stored.compressed_looks import PIECE, CompressedLooks, counts_in, started_in, with_look
from earlystop.rollout.stored.look_columns import Before, LookColumns, look_numbers
from earlystop.rollout.stored.packing import pack_looks
from tests.unit.rollout.realistic import realistic_looks

A_LOOK = 543  # bytes of a Look with its two tallies
LENGTHS = [0, 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 5 * PIECE + 3]


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("length", LENGTHS)
def test_looks_come_back_as_they_were_taken_however_they_are_asked_for(length: int, classes: int) -> None:
    looks = realistic_looks(length, 4.0, classes=classes)
    history: CompressedLooks = CompressedLooks()
    for look in looks:
        history = with_look(history, look)
    assert history == CompressedLooks(looks) == looks
    assert hash(history) == hash(CompressedLooks(looks))
    assert list(history) == list(looks) and list(reversed(history)) == list(reversed(looks))
    assert len(history) == length and bool(history) == bool(looks)
    for place in range(-length, length):
        assert history[place] == looks[place]
    for part in (slice(-1, None), slice(3, 40, 2), slice(None), slice(None, None, -1)):
        assert history[part] == looks[part]
    for outside in (length, -length - 1):
        with pytest.raises(IndexError):
            history[outside]


def test_one_more_look_leaves_the_history_before_it_as_it_was() -> None:
    looks = realistic_looks(4 * PIECE, 4.0)
    before = CompressedLooks(looks[:-1])
    assert with_look(before, looks[-1]) == looks and before == looks[:-1]


def counted(looks: Sequence[Look]) -> tuple[Tally, Tally]:
    baseline, candidate = Tally(), Tally()
    for look in looks:
        baseline, candidate = baseline + look.baseline, candidate + look.candidate
    return baseline, candidate


@pytest.mark.parametrize("asked_at", LENGTHS)
def test_the_counts_of_looks_are_their_sum_whenever_somebody_has_asked_for_them_before(asked_at: int) -> None:
    looks, history = realistic_looks(LENGTHS[-1], 4.0), CompressedLooks()
    for number, look in enumerate(looks):
        if number == asked_at:
            assert history.counts == counted(looks[:number])
        history = with_look(history, look)
    whole = counted(looks)
    assert counts_in(history) == history.counts == counts_in(looks) == whole
    assert started_in(history) == started_in(looks) == whole[0].started + whole[1].started > 0


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_is_stored_again_and_again_is_the_text_of_all_looks_at_once(data: st.DataObject) -> None:
    classes, counted = data.draw(st.sampled_from([0, 2])), data.draw(st.booleans())
    votes_from = data.draw(st.integers(0, 60))
    history, taken = CompressedLooks(), list[Look]()
    for number, look in enumerate(realistic_looks(148, 4.0, classes=classes)):
        users = UserScatter(*range(number, number + 6)) if counted else None
        votes = replace(look.candidate, cut=2) if number >= votes_from else look.candidate
        taken.append(replace(look, users=users, candidate=votes, baseline_weight=50 if number % 2 else None))
        history = with_look(history, taken[-1])
        beside = data.draw(st.booleans())
        asked = data.draw(st.integers(0, 18))
        if asked == 0:
            assert history.packed(beside=beside) == pack_looks(taken, beside)
        elif asked == 1:
            assert history.columns(beside=beside) == LookColumns.of(taken, beside=beside)
        elif asked == 2:
            assert history.size(beside=beside) == len(look_numbers(taken, beside)[0])
    assert history.packed(beside=True) == pack_looks(taken, beside=True)
    assert history.packed(beside=False) == pack_looks(taken)


def test_looks_of_several_classes_are_one_text_whatever_was_asked_of_them_before() -> None:
    taken = [realistic_looks(60, rate) for rate in (1.0, 4.0, 20.0)]
    histories = [CompressedLooks() for _ in taken]
    for number, looks in enumerate(zip(*taken, strict=True), start=1):
        histories = [with_look(one, look) for one, look in zip(histories, looks, strict=True)]
        if number % 7 == 0:
            assert pack_beside(histories) == pack_beside([each[:number] for each in taken])
    assert pack_beside([CompressedLooks(), *histories]) == pack_beside([(), *taken])


def test_of_a_long_campaign_only_the_looks_since_the_last_time_are_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = list[Look]()
    row = LookColumns._row

    def counted(self: LookColumns, look: Look, before: Before) -> list[int]:
        worked_out.append(look)
        return row(self, look, before)

    monkeypatch.setattr(LookColumns, "_row", counted)
    looks = realistic_looks(320, 4.0)
    history = CompressedLooks(looks[:300])
    history.packed(beside=False)
    worked_out.clear()
    for look in looks[300:]:
        history = with_look(history, look)
        history.packed(beside=False)
    # Each of the 20 once for the text, and some once more for the piece that they are sealed in.
    assert set(looks[300:]) <= set(worked_out) and len(worked_out) <= 2 * 20


def test_a_day_of_looks_takes_a_fifth_of_what_they_take_one_by_one() -> None:
    looks = realistic_looks(400, 4.0)
    tracemalloc.start()
    packed = CompressedLooks()
    for look in looks:
        packed = with_look(packed, look)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(packed) == len(looks) and taken < len(looks) * A_LOOK / 5
