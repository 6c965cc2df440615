"""Folding of processes that stay away, one rule at a time; and how what is kept of them is packed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.metrics.convention.compaction import SILENT_SECONDS, fold_silent, unfolded
from earlystop.metrics.convention.ended_processes import DIGEST_CHARACTERS, NOBODY, Ended, Start, SumKey, digest_of
from earlystop.metrics.convention.ledger import (
    Ledger,
    LedgerError,
    SeriesKey,
    drop_steps_before,
    in_flight,
    merge,
    pack,
    totals,
    unpack,
)
from earlystop.metrics.templates.reset_ledger_text import is_packed
from tests.unit.every_row import every_row

Observed = Mapping[SeriesKey, Tally]

B, C = Variant.BASELINE, Variant.CANDIDATE
AT = 1_700_000_000
FIVE, SEVEN = Tally(started=5), Tally(started=7)
ODD = st.text(st.characters(), max_size=5) | st.sampled_from(
    ["", '""', "%", "folded", "silent 0 5", "ended", "\nended 0"]
)
KEYS = st.builds(SeriesKey, st.integers(0, 1), st.sampled_from(Variant), st.sampled_from("ab"), st.sampled_from("pqr"))
TALLIES = st.builds(Tally, *[st.integers(0, 9)] * len(TALLY_FIELDS))
READINGS = st.lists(
    st.tuples(st.integers(0, 2 * SILENT_SECONDS), st.dictionaries(KEYS, TALLIES, max_size=6)), max_size=7
)
ENDED = st.builds(
    Ended,
    st.dictionaries(st.builds(Start, st.integers(0, 2), ODD), st.integers(0, 3), max_size=6),
    st.dictionaries(
        st.builds(SumKey, st.integers(0, 2), st.sampled_from(("baseline", "w 5")), ODD), TALLIES, max_size=3
    ),
    st.dictionaries(st.integers(0, 2), st.frozensets(ODD.map(digest_of), min_size=1, max_size=4), max_size=2),
)
PROPERTY = settings(max_examples=80, deadline=None)


def key(variant: Variant, process: str, step: int = 0, query_class: str = "qa") -> SeriesKey:
    return SeriesKey(step, variant, query_class, process)


def see(ledger: Ledger, observed: Observed, at: int) -> Ledger:
    known = unfolded(ledger, observed)
    return fold_silent(merge(ledger, known), known, at)


def folded(name: str = "old") -> Ledger:
    """A ledger in which a process was folded after it had counted five, and another lives."""
    ledger = see(Ledger(), {key(B, name): FIVE, key(C, "live"): SEVEN}, AT)
    for at in (AT + 60, AT + 60 + SILENT_SECONDS):
        ledger = see(ledger, {key(C, "live"): SEVEN}, at)
    return ledger


def test_requests_in_flight_are_those_of_processes_that_live_each_by_itself() -> None:
    observed = {
        key(B, "p", query_class="easy"): Tally(started=9, completed=4),
        key(B, "p", query_class="hard"): Tally(started=3, failed=1),
        key(B, "evaluator"): Tally(completed=50),
        key(B, "p", step=1): Tally(started=70),
        key(C, "killed"): Tally(started=8),
    }
    ledger = see(Ledger(), observed, AT)
    assert in_flight(ledger, 0, (B, C)) == {"baseline": 7, "candidate": 8}
    left = {each: tally for each, tally in observed.items() if each.process != "killed"}
    assert in_flight(see(ledger, left, AT + 15), 0, (B, C)) == {"baseline": 7, "candidate": 0}


def test_a_process_keeps_its_rows_for_an_hour_of_absence_and_is_folded_with_its_counts_then() -> None:
    live = {key(C, "live"): SEVEN}
    ledger = see(see(Ledger(), {key(B, "old"): FIVE, **live}, AT), live, AT + 60)
    assert ledger.ended == Ended({Start(0, "old"): AT + 60}) and key(B, "old") in ledger.rows
    ledger = see(ledger, live, AT + 60 + SILENT_SECONDS - 1)
    assert key(B, "old") in ledger.rows
    ledger = see(ledger, live, AT + 60 + SILENT_SECONDS)
    assert dict(ledger.rows) == live
    assert ledger.ended == Ended({}, {SumKey(0, B, "qa"): FIVE}, {0: frozenset({digest_of("old")})})
    assert totals(ledger, 0) == {B: FIVE, C: SEVEN}


def test_one_reading_that_holds_a_process_begins_its_hour_anew() -> None:
    live, both = {key(C, "live"): SEVEN}, {key(B, "old"): FIVE, key(C, "live"): SEVEN}
    ledger = see(see(see(Ledger(), both, AT), live, AT + 60), both, AT + SILENT_SECONDS)
    assert ledger == Ledger(both)
    ledger = see(see(ledger, live, AT + SILENT_SECONDS + 60), live, AT + 2 * SILENT_SECONDS)
    assert key(B, "old") in ledger.rows


def test_who_comes_back_after_it_was_folded_is_not_counted_any_more_and_nothing_twice() -> None:
    ledger = folded()
    back = {key(B, "old"): Tally(started=99), key(C, "old"): SEVEN, key(C, "live"): SEVEN}
    assert see(ledger, back, AT + 2 * SILENT_SECONDS) == ledger


def test_a_new_process_counts_as_ever_after_another_was_folded() -> None:
    ledger = see(folded(), {key(B, "new"): FIVE, key(C, "live"): SEVEN}, AT + 2 * SILENT_SECONDS)
    assert totals(ledger, 0)[B] == Tally(started=10)


def test_a_process_that_was_folded_in_one_step_counts_in_the_next() -> None:
    ledger = see(folded(), {key(B, "old", step=1): SEVEN}, AT + 2 * SILENT_SECONDS)
    assert totals(ledger, 1)[B] == SEVEN and totals(ledger, 0)[B] == FIVE


def test_a_step_that_closes_takes_its_sums_and_digests_along() -> None:
    ledger = drop_steps_before(folded(), 1)
    assert ledger == Ledger() and pack(ledger) == ""
    assert drop_steps_before(folded(), 0) == folded()


def test_sums_of_folded_processes_are_told_apart_by_query_class() -> None:
    rows = {key(B, "old"): FIVE, key(B, "old", query_class="easy"): SEVEN}
    ledger = see(see(Ledger(rows), {}, AT), {}, AT + SILENT_SECONDS)
    assert totals(ledger, 0, "easy")[B] == SEVEN and totals(ledger, 0)[B] == FIVE + SEVEN


@pytest.mark.parametrize("name", ["", '""', "ended", "folded", "ended 0 AAAAAA", "x\nended 0 AAAAAA", digest_of("old")])
def test_no_label_can_pass_for_a_folded_process_or_speak_for_one(name: str) -> None:
    ledger = see(folded(), {key(B, name): SEVEN, key(C, "live"): SEVEN}, AT + 2 * SILENT_SECONDS)
    assert totals(ledger, 0)[B] == FIVE + SEVEN
    assert unpack(pack(ledger)) == ledger
    assert unpack(pack(folded(name))) == folded(name)


@pytest.mark.slow
@given(READINGS, ENDED)
@PROPERTY
def test_folding_moves_counts_and_never_changes_a_total(readings: list[tuple[int, Observed]], ended: Ended) -> None:
    ledger = Ledger({}, ended)
    for at, observed in readings:
        known = unfolded(ledger, observed)
        merged = merge(ledger, known)
        ledger = fold_silent(merged, known, at)
        for step in (0, 1):
            for name in (None, "a", "b"):
                assert totals(ledger, step, name) == totals(merged, step, name)


@pytest.mark.slow
@given(READINGS)
@PROPERTY
def test_the_same_moment_read_again_changes_nothing(readings: list[tuple[int, Observed]]) -> None:
    ledger = Ledger()
    for at, observed in readings:
        ledger = see(ledger, observed, at)
        assert see(ledger, observed, at) == ledger
        assert unpack(pack(ledger)) == ledger


def test_an_operator_that_goes_on_from_an_older_state_comes_to_the_same_ledger() -> None:
    live = {key(C, "live"): SEVEN}
    stored = pack(see(see(Ledger(), {key(B, "old"): FIVE, **live}, AT), live, AT + 60))
    later = [AT + 60 + n * 600 for n in range(1, 9)]
    ahead = unpack(stored)
    for at in later:
        ahead = see(ahead, live, at)
    again = unpack(stored)
    for at in later:
        again = see(again, live, at)
    assert pack(again) == pack(ahead) and ahead.ended.digests


def test_a_ledger_without_absent_processes_is_packed_as_before_there_was_folding() -> None:
    text = '0 baseline default p1 1,1,0,1,0,0,7,49\n0 candidate multi%20hop "" 2'
    ledger = unpack(text)
    assert ledger.ended is NOBODY and pack(ledger) == text
    assert pack(see(ledger, ledger.rows, AT)) == text
    away = see(ledger, {}, AT)
    assert pack(away) == text + f'\nsilent 0 {AT} "" p1'
    assert pack(see(away, ledger.rows, AT + 60)) == text


def test_what_is_kept_of_processes_that_are_gone_can_be_read_by_a_person() -> None:
    assert pack(folded()) == f"0 candidate qa live 7\nfolded 0 baseline qa 5\nended 0 {digest_of('old')}"


@pytest.mark.slow
@given(ENDED)
@PROPERTY
def test_what_is_kept_of_processes_comes_back_exactly_whatever_the_names(ended: Ended) -> None:
    text = pack(Ledger({}, ended))
    assert unpack(text) == Ledger({}, ended) and pack(unpack(text)) == text
    assert text.isascii() and not is_packed(text)


@every_row(
    "line",
    [
        "folded",
        "folded 0 baseline qa",
        "folded 0 baseline qa 5,0",
        "folded 00 baseline qa 5",
        "folded 0 baseline qa -5",
        "folded 0 baseline %zz 5",
        "folded 0 baseline other 5 5",
        "folded 0 baseline qa 5",
        "folded 0 unassigned qa 5",
        'folded 0 "" qa 5',
        "silent",
        "silent 0 5",
        "silent 0 5 ",
        "silent 0 x p",
        "silent 0 05 p",
        "silent 0 5 q p",
        "silent 0 5 p p",
        "silent 0 7 other",
        "silent 0 8 gone",
        "ended 0",
        "ended 0 ",
        "ended 1 abc",
        "ended 1 abcdef ",
        "ended 1 abcdefabcdef",
        "ended 1 bbbbbbaaaaaa",
        "ended 1 abcde.",
        "ended x abcdef",
        "ended 0 abcdef",
        "ended 1 abcdef uvwxyz",
        "over 0 abcdef",
    ],
)
def test_lines_that_nobody_here_wrote_are_refused_and_named(line: str) -> None:
    good = "folded 0 baseline qa 5\nsilent 0 7 gone\nended 0 uvwxyz"
    assert pack(unpack(good)) == good
    with pytest.raises(LedgerError, match=r"^line 4 of the ledger"):
        unpack(f"{good}\n{line}")


def test_digests_of_thousands_of_processes_differ() -> None:
    digests = {digest_of(f"{number:08x}-4a1d") for number in range(5_000)}
    assert len(digests) == 5_000 and {len(each) for each in digests} == {DIGEST_CHARACTERS}


def test_what_a_ledger_keeps_of_processes_cannot_be_changed_from_outside() -> None:
    silent = {Start(0, "p"): AT}
    ended = Ended(silent)
    silent.clear()
    assert len(ended.silent) == 1
    with pytest.raises(TypeError):
        ended.silent[Start(0, "q")] = AT  # type: ignore[index]
