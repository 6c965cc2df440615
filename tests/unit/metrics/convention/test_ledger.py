"""Reading again, in any order, changes nothing; and what is stored is read back to the last count."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.metrics.convention.ledger import (
    Ledger,
    LedgerError,
    SeriesKey,
    drop_steps_before,
    merge,
    pack,
    totals,
    unpack,
)

Observed = Mapping[SeriesKey, Tally]

FEW_KEYS = st.builds(
    SeriesKey, st.integers(0, 2), st.sampled_from(Variant), st.sampled_from("ab"), st.sampled_from("pq")
)
ODD = st.text(st.characters(), max_size=8) | st.sampled_from(["", '""', "%", "%20", " ", "\n", "a b", "ü", "\ud800"])
NAMES = st.sampled_from(("baseline", "candidate", "w10", "a b", "%", "ü", "x" * 64))
ODD_KEYS = st.builds(SeriesKey, st.integers(0, 9999), NAMES, ODD, ODD)
TALLIES = st.builds(Tally, *[st.integers(0, 9)] * len(TALLY_FIELDS))
BIG_TALLIES = st.builds(Tally, *[st.sampled_from((0, 0, 1)) | st.integers(0, 2**53)] * len(TALLY_FIELDS))
SEEN = st.dictionaries(FEW_KEYS, TALLIES, max_size=6)
PROPERTY = settings(max_examples=80, deadline=None)


def covers(larger: Observed, smaller: Observed) -> bool:
    return all(
        key in larger and all(a >= b for a, b in zip(larger[key].row(), tally.row(), strict=True))
        for key, tally in smaller.items()
    )


@pytest.mark.slow
@given(SEEN, SEEN)
@PROPERTY
def test_merging_the_same_reading_again_changes_nothing(first: Observed, second: Observed) -> None:
    once = merge(merge(Ledger(), first), second)
    assert merge(once, second) == once
    assert merge(once, first) == once


@pytest.mark.slow
@given(SEEN, SEEN)
@PROPERTY
def test_the_order_of_readings_does_not_matter(first: Observed, second: Observed) -> None:
    assert merge(merge(Ledger(), first), second) == merge(merge(Ledger(), second), first)


@pytest.mark.slow
@given(SEEN, SEEN, SEEN)
@PROPERTY
def test_the_grouping_of_readings_does_not_matter(first: Observed, second: Observed, third: Observed) -> None:
    left = merge(merge(Ledger(first), second), third)
    right = merge(Ledger(first), merge(Ledger(second), third).rows)
    assert left == right


@pytest.mark.slow
@given(SEEN, SEEN)
@PROPERTY
def test_counts_never_fall_and_never_exceed_what_was_read(first: Observed, second: Observed) -> None:
    merged = merge(Ledger(first), second).rows
    assert covers(merged, first)
    assert covers(merged, second)
    for key, tally in merged.items():
        sources = [seen[key].row() for seen in (first, second) if key in seen]
        assert tally.row() == tuple(map(max, *sources)) if len(sources) == 2 else sources[0]


@pytest.mark.slow
@given(SEEN)
@PROPERTY
def test_totals_are_sums_over_processes_and_classes_of_one_step(seen: Observed) -> None:
    ledger = Ledger(seen)
    for step in range(3):
        both = totals(ledger, step)
        assert set(both) == set(Variant)
        for variant in Variant:
            mine = [tally for key, tally in seen.items() if (key.step, key.variant) == (step, variant)]
            assert both[variant] == sum(mine, Tally())
            by_class = [totals(ledger, step, name)[variant] for name in "ab"]
            assert sum(by_class, Tally()) == both[variant]


@pytest.mark.slow
@given(SEEN, st.integers(0, 3))
@PROPERTY
def test_dropping_closed_steps_keeps_the_others_whole(seen: Observed, step: int) -> None:
    kept = drop_steps_before(Ledger(seen), step)
    for other in range(4):
        expected = totals(Ledger(seen), other) if other >= step else {variant: Tally() for variant in Variant}
        assert totals(kept, other) == expected


@pytest.mark.slow
@given(st.dictionaries(ODD_KEYS, BIG_TALLIES, max_size=5))
@settings(max_examples=120, deadline=None)
def test_a_packed_ledger_comes_back_exactly_whatever_the_names(rows: Observed) -> None:
    text = pack(Ledger(rows))
    assert unpack(text) == Ledger(rows)
    assert pack(unpack(text)) == text
    assert text.isascii()
    assert len(text.splitlines()) == len(rows)


def test_a_ledger_that_the_release_before_packed_comes_back() -> None:
    text = '0 baseline default p1 1,1,0,1,0,0,7,49\n0 candidate multi%20hop "" 2'
    assert unpack(text) == Ledger(
        {
            SeriesKey(0, Variant.BASELINE, "default", "p1"): Tally(1, 1, 0, 1, 0, 0, 7, 49),
            SeriesKey(0, Variant.CANDIDATE, "multi hop", ""): Tally(started=2),
        }
    )
    assert pack(unpack(text)) == text


def test_totals_are_of_the_labels_asked_for_and_of_no_other() -> None:
    ledger = Ledger({SeriesKey(0, name, "a", "p"): Tally(started=n) for n, name in enumerate(("w5", "w10", "odd"), 1)})
    assert totals(ledger, 0, variants=("baseline", "w10", "w5")) == {
        "baseline": Tally(),
        "w10": Tally(started=2),
        "w5": Tally(started=1),
    }
    assert totals(ledger, 0) == {"baseline": Tally(), "candidate": Tally()}


def test_a_packed_ledger_can_be_read_by_a_person() -> None:
    key = SeriesKey(2, Variant.CANDIDATE, "multi hop", "a1b2")
    text = pack(Ledger({key: Tally(9, 8, 1, 5, 2, 1, 640, 52000)}))
    assert text == "2 candidate multi%20hop a1b2 9,8,1,5,2,1,640,52000"
    assert pack(Ledger()) == ""
    assert unpack("") == Ledger()


@pytest.mark.parametrize(
    ("tally", "counts"),
    [
        (Tally(), "0"),
        (Tally(started=3), "3"),
        (Tally(completed=2), "0,2"),
        (Tally(9, 8, 1, 5, 2, 1, 640, 52000), "9,8,1,5,2,1,640,52000"),
        (Tally(feedback_down=4), "0,0,0,0,0,0,0,0,0,4"),
        (Tally(pairs_both=7), "0,0,0,0,0,0,0,0,0,0,7"),
        (Tally(started=1, pairs_neither=1), "1,0,0,0,0,0,0,0,0,0,0,0,0,1"),
    ],
)
def test_zeros_at_the_end_of_a_line_are_left_out_and_come_back(tally: Tally, counts: str) -> None:
    ledger = Ledger({SeriesKey(0, Variant.CANDIDATE, "a", "p"): tally})
    assert pack(ledger) == f"0 candidate a p {counts}"
    assert unpack(pack(ledger)) == ledger


def test_a_server_without_votes_and_pairs_pays_for_none_in_the_status() -> None:
    plain, voted = Tally(9, 8, 1, 5, 2, 1, 640, 52000), Tally(9, 8, 1, 5, 2, 1, 640, 52000, 1, 1, 1, 1, 1, 1)
    key = SeriesKey(0, Variant.CANDIDATE, "a", "p")
    assert len(pack(Ledger({key: voted}))) - len(pack(Ledger({key: plain}))) == 12


GOOD_LINE = "0 baseline default p1 1,1,0,1,0,0,7,49"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        GOOD_LINE + " ",
        " " + GOOD_LINE,
        GOOD_LINE + ",0",
        GOOD_LINE + ",1,0",
        GOOD_LINE + ",1" * 7,
        GOOD_LINE + ",",
        GOOD_LINE.replace("49", "-49"),
        GOOD_LINE.replace("49", "4.9"),
        GOOD_LINE.replace("49", "049"),
        GOOD_LINE.replace("49", "٤٩"),
        GOOD_LINE.replace("49", "9" * 5000),
        GOOD_LINE.replace("0 baseline", "01 baseline"),
        GOOD_LINE.replace("baseline", "unassigned"),
        GOOD_LINE.replace("baseline", '""'),
        GOOD_LINE.replace("baseline", "x" * 65),
        GOOD_LINE.replace("baseline", "b%61seline"),
        GOOD_LINE.replace("default", "%ff"),
        GOOD_LINE.replace("default", "%zz"),
        GOOD_LINE.replace("default", "%61"),
        GOOD_LINE.replace("default", ""),
        GOOD_LINE,
    ],
)
def test_malformed_text_is_refused_and_the_line_is_named(line: str) -> None:
    with pytest.raises(LedgerError, match=r"^line 2 of the ledger") as caught:
        unpack(f"{GOOD_LINE}\n{line}")
    assert len(str(caught.value)) < 400


def test_a_ledger_cannot_be_changed_from_outside() -> None:
    rows = {SeriesKey(0, Variant.BASELINE, "a", "p"): Tally(1)}
    ledger = Ledger(rows)
    rows.clear()
    assert len(ledger.rows) == 1
    with pytest.raises(TypeError):
        ledger.rows[SeriesKey(0, Variant.BASELINE, "b", "p")] = Tally(1)  # type: ignore[index]
