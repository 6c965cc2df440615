"""Each rule of the reset ledger by itself; tests/simulations/test_template_worlds.py has worlds that meet all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Variant
from earlystop.api.wire import LEDGER_LIMIT
from earlystop.metrics.convention.ledger import LedgerError
from earlystop.metrics.templates.reset_ledger import (
    Observed,
    ResetLedger,
    Sample,
    SeriesId,
    begun_anew,
    drop_silent,
    drop_steps_before,
    is_blind,
    look,
    newly_uncertain,
    open_step,
    totals,
    uncertain,
)
from earlystop.metrics.templates.reset_ledger_text import TooManySeries, is_packed, pack, unpack

SINCE = 1_000_000
KEY = SeriesId(Variant.CANDIDATE, "tokens", "pod-1")
OLD_START = 500_000


def seeing(*samples: Sample, ledger: ResetLedger | None = None) -> ResetLedger:
    return look(ledger or ResetLedger(0, SINCE), {KEY: Observed(samples)}).ledger


def told(ledger: ResetLedger, step: int = 0) -> tuple[int, int]:
    return totals(ledger, step)[Variant.CANDIDATE].tokens, uncertain(ledger, step)[Variant.CANDIDATE].tokens


def test_a_counter_that_ran_before_the_run_counts_only_its_growth_within_it() -> None:
    base = Sample(SINCE - 10, 5_000, OLD_START)
    ledger = seeing(base, Sample(SINCE + 10, 5_004, OLD_START), Sample(SINCE + 20, 5_009, OLD_START))
    assert told(ledger) == (5, 4), "the first growth may lie before the run, so it is only possible"


@pytest.mark.parametrize("start_ms", [None, OLD_START, SINCE + 1_000, SINCE + 30_000])
def test_what_a_process_shows_first_is_uncertain_whenever_it_says_that_it_began(start_ms: int | None) -> None:
    late = SINCE + 60_000
    assert told(seeing(Sample(late, 40, start_ms))) == (0, 40)
    assert told(seeing(Sample(late, 40, start_ms), Sample(late + 15_000, 47, start_ms))) == (7, 40)
    assert told(seeing(Sample(late, 0, start_ms), Sample(late + 15_000, 47, start_ms))) == (47, 0)


def test_a_value_that_went_on_over_a_later_start_time_counts_its_growth_alone() -> None:
    before = Sample(SINCE, 100, OLD_START)
    assert told(seeing(before, Sample(SINCE + 15_000, 130, SINCE + 3_000))) == (30, 100)
    assert told(seeing(before, Sample(SINCE + 15_000, 100, SINCE + 3_000))) == (0, 100)


def test_a_value_that_fell_is_a_restart_only_with_a_start_time_since_the_sample_before() -> None:
    before = Sample(SINCE, 100, OLD_START)
    for start_ms, grown in ((SINCE + 3_000, 5), (SINCE - 30_000, 0), (None, 0)):
        fallen, later = Sample(SINCE + 15_000, 30, start_ms), Sample(SINCE + 30_000, 35, start_ms)
        assert told(seeing(before, fallen)) == (0, 30), "it may have been read back from a disk"
        assert told(seeing(before, fallen, later))[0] == grown


def test_without_start_times_nothing_is_counted_below_the_peak_and_the_ledger_is_blind() -> None:
    values = (100, 104, 3, 60, 104, 110)
    ledger = seeing(*(Sample(SINCE + 15_000 * number, value) for number, value in enumerate(values)))
    assert told(ledger) == (4 + 6, 3 + 57 + 44)
    assert is_blind(ledger)


def test_two_processes_behind_one_name_count_no_more_than_both_did() -> None:
    older, newer = (1_000, OLD_START), (40, SINCE + 2_000)
    turns = [(older, 0), (newer, 0), (older, 3), (newer, 5), (older, 6), (newer, 9)]
    samples = [
        Sample(SINCE + 15_000 * number, value + more, start) for number, ((value, start), more) in enumerate(turns)
    ]
    counted, _ = told(seeing(*samples))
    assert counted <= 6 + 49


def test_growth_above_a_peak_of_before_the_step_may_have_come_before_it_too() -> None:
    dip = ((SINCE - 20_000, 100), (SINCE - 5_000, 90), (SINCE + 10_000, 90), (SINCE + 25_000, 108))
    assert told(seeing(*(Sample(at, value, OLD_START) for at, value in dip))) == (0, 18)


def test_a_drop_without_a_restart_never_counts_the_same_events_again() -> None:
    dip = [Sample(SINCE + at, value, OLD_START) for at, value in ((0, 100), (10, 110), (20, 95), (30, 110), (40, 112))]
    assert told(seeing(*dip)) == (12, 110), "95 and then 15 could have been a restart's"


def test_a_start_time_that_moves_without_a_restart_is_only_a_possibility() -> None:
    ledger = seeing(Sample(SINCE + 60_000, 100, OLD_START), Sample(SINCE + 75_000, 107, OLD_START + 9_000))
    assert told(ledger) == (0, 100 + 107), "another process may answer under the same name"


def test_the_scraper_that_saw_most_counts_and_two_are_never_added() -> None:
    pair = {
        SeriesId(Variant.CANDIDATE, "tokens", "pod-1", replica): Observed(
            [Sample(SINCE, 10, OLD_START), Sample(SINCE + 15_000 + offset, 10 + value, OLD_START)]
        )
        for replica, offset, value in (("a", 0, 7), ("b", 3_000, 9))
    }
    assert told(look(ResetLedger(0, SINCE), pair).ledger) == (9, 0)


def test_a_sample_that_changed_after_it_was_read_names_its_series_and_is_not_used() -> None:
    ledger = seeing(Sample(SINCE, 10, OLD_START), Sample(SINCE + 10, 15, OLD_START))
    again = look(ledger, {KEY: Observed([Sample(SINCE + 10, 14, OLD_START)])})
    assert again.rewritten == (KEY,)
    assert again.ledger == ledger


def test_a_negative_value_is_refused() -> None:
    with pytest.raises(ValueError, match="never below 0"):
        seeing(Sample(SINCE, -1))


def test_a_closed_step_keeps_its_counts_and_the_next_one_begins_at_zero() -> None:
    ledger = seeing(Sample(SINCE, 10, OLD_START), Sample(SINCE + 10_000, 25, OLD_START))
    ledger = open_step(ledger, 1, SINCE + 10_000)
    ledger = seeing(Sample(SINCE + 20_000, 29, OLD_START), ledger=ledger)
    assert (told(ledger, 0), told(ledger, 1)) == ((15, 0), (4, 0))
    with pytest.raises(ValueError, match="does not follow"):
        open_step(ledger, 1, SINCE + 30_000)


def test_a_forgotten_series_that_comes_back_is_never_counted_twice() -> None:
    ledger = seeing(Sample(SINCE, 10, OLD_START), Sample(SINCE + 10_000, 25, OLD_START))
    forgotten = drop_silent(ledger, SINCE + 20_000)
    assert not forgotten.series
    assert told(forgotten) == (15, 0)
    assert told(seeing(Sample(SINCE + 10_000, 25, OLD_START), ledger=forgotten)) == (15, 0), "an overlapping read"
    assert told(seeing(Sample(SINCE + 90_000, 31, OLD_START), ledger=forgotten)) == (15, 31)
    assert told(seeing(Sample(SINCE + 90_000, 31, SINCE + 80_000), ledger=forgotten)) == (15, 31), (
        "an exporter is new, and its counters may go on"
    )


def test_a_packed_ledger_comes_back_exactly() -> None:
    odd = SeriesId(Variant.BASELINE, "completed", 'pod "ü" 1%', "")
    whole = replace(KEY, replica="a b", vantage="~0a1b", child="é", address="")
    seen = {odd: Observed([Sample(SINCE, 3)]), KEY: Observed([Sample(SINCE, 4, 1)]), whole: Observed([Sample(9, 4)])}
    closed = open_step(drop_silent(look(ResetLedger(2, SINCE), seen).ledger, SINCE), 3, SINCE + 5)
    assert unpack(pack(closed)) == closed
    assert len(pack(closed).splitlines()) == 4
    forgotten = drop_silent(closed, SINCE + 1)
    assert unpack(pack(forgotten)) == forgotten and forgotten.forgotten == {"pod-1", odd.target}


OF_AN_EARLIER_RELEASE = "step 0 1000000 0 0a1b\nat baseline tokens 0123456789ab a 1010000 40 40 500000 15 4"


def test_a_ledger_of_an_earlier_release_is_read_and_its_counts_stay_while_its_series_begin_anew() -> None:
    ledger = unpack(OF_AN_EARLIER_RELEASE)
    assert pack(ledger) == OF_AN_EARLIER_RELEASE
    anew = begun_anew(ledger)
    assert not anew.series and begun_anew(anew) == anew
    key = SeriesId(Variant.BASELINE, "tokens", "pod-1", vantage="0a1b")
    later = {key: Observed([Sample(SINCE + 20_000, 45, SINCE + 5_000), Sample(SINCE + 30_000, 47, SINCE + 5_000)])}
    after = look(anew, later).ledger
    assert (totals(after, 0)[Variant.BASELINE].tokens, uncertain(after, 0)[Variant.BASELINE].tokens) == (17, 49)


def test_a_packed_ledger_keeps_the_name_of_its_queries() -> None:
    ledger = ResetLedger(2, SINCE, queries="0a1b")
    assert unpack(pack(ledger)) == ledger
    assert is_packed(pack(ledger)) and is_packed(pack(ResetLedger(0, SINCE)))
    assert not any(map(is_packed, ("", "0 baseline qa p1 7,5")))


def test_sums_of_closed_steps_can_be_left_out_and_the_open_step_goes_on() -> None:
    ledger = seeing(Sample(SINCE, 10, OLD_START), Sample(SINCE + 10_000, 25, OLD_START))
    ledger = drop_steps_before(open_step(ledger, 1, SINCE + 10_000), 1)
    assert not ledger.folded
    assert told(seeing(Sample(SINCE + 20_000, 29, OLD_START), ledger=ledger), 1) == (4, 0)


def test_what_one_look_leaves_open_is_its_own_alone() -> None:
    before = seeing(Sample(SINCE - 10, 100, OLD_START), Sample(SINCE + 10, 104, OLD_START))
    assert told(before) == (0, 4), "left open by the first growth of the step"
    sure = seeing(Sample(SINCE + 20, 109, OLD_START), ledger=before)
    assert newly_uncertain(before, sure)[Variant.CANDIDATE].tokens == 0
    unsure = seeing(Sample(SINCE + 30, 20, OLD_START), ledger=sure)
    assert newly_uncertain(sure, unsure)[Variant.CANDIDATE].tokens == 20


def test_what_a_look_at_two_scrapers_leaves_open_is_that_of_the_one_that_may_have_seen_most() -> None:
    def pair(at: int, one: int, other: int) -> dict[SeriesId, Observed]:
        keys = (SeriesId(Variant.CANDIDATE, "tokens", "pod-1", replica) for replica in "ab")
        return {key: Observed([Sample(at, v, OLD_START)]) for key, v in zip(keys, (one, other), strict=True)}

    before = look(look(ResetLedger(0, SINCE), pair(SINCE, 100, 100)).ledger, pair(SINCE + 10, 103, 105)).ledger
    after = look(before, pair(SINCE + 20, 110, 106)).ledger
    assert told(before) == (5, 0) and told(after) == (10, 0)
    assert newly_uncertain(before, after)[Variant.CANDIDATE].tokens == 7 - 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "step 0 0",
        "step 0 0 0 ",
        "step 0 0 0\nnonsense",
        "step 0 0 0\nsum 0 baseline tokens 1 -1",
        "step 0 0 0\nsum 0 baseline smiles 1 1",
        "step 0 0 0\nsum 0 baseline tokens 1 1\nsum 0 baseline tokens 1 1",
        "step 0 0 0\nforgotten b a",
        "step 0 0 0\nat baseline tokens p r 9 1 1 - 0 0 v c",
        'step 0 0 0\nat baseline tokens p r 9 1 1 - 0 0 "" "" "" - -',
        "step 0 0 0\nat baseline tokens p r 1 1 1 - 0 0\nsum 0 baseline tokens 1 1",
    ],
)
def test_text_that_is_no_packed_ledger_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match="reset ledger"):
        unpack(text)


def test_a_ledger_too_large_for_status_is_refused_before_it_breaks_and_never_cut() -> None:
    many = {
        SeriesId(Variant.BASELINE, "tokens", f"{number:012x}", "prometheus-0"): Observed(
            [Sample(1_700_000_000_000 + number, 10**9 + number, 1_690_000_000_000)]
        )
        for number in range(450)
    }
    ledger = look(ResetLedger(0, 1_700_000_000_000), many).ledger
    with pytest.raises(TooManySeries, match=f"more than the {LEDGER_LIMIT}"):
        pack(ledger)
    fits = ResetLedger(0, SINCE, series=dict(list(ledger.series.items())[:300]))
    assert len(pack(fits)) <= LEDGER_LIMIT
