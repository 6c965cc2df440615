"""Each rule of the watermark ledger by itself; the worlds in test_watermark_worlds.py meet all of them at once."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Variant
from earlystop.api.wire import PACKED_LIMIT
from earlystop.metrics.convention.ledger import LedgerError
from earlystop.metrics.templates.reset_ledger import (
    Observed,
    ResetLedger,
    Sample,
    SeriesId,
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


def seeing(*samples: Sample, ledger: ResetLedger | None = None, absent: int | None = None) -> ResetLedger:
    return look(ledger or ResetLedger(0, SINCE), {KEY: Observed(samples, absent)}).ledger


def told(ledger: ResetLedger, step: int = 0) -> tuple[int, int]:
    return totals(ledger, step)[Variant.CANDIDATE].tokens, uncertain(ledger, step)[Variant.CANDIDATE].tokens


def test_a_counter_that_ran_before_the_run_counts_only_its_growth_within_it() -> None:
    base = Sample(SINCE - 10, 5_000, OLD_START)
    ledger = seeing(base, Sample(SINCE + 10, 5_004, OLD_START), Sample(SINCE + 20, 5_009, OLD_START))
    assert told(ledger) == (5, 4), "the first growth may lie before the run, so it is only possible"


def test_a_first_sample_counts_in_full_only_with_evidence_that_it_began_at_zero_within_the_run() -> None:
    late = SINCE + 60_000
    assert told(seeing(Sample(late, 40, SINCE + 30_000))) == (40, 0)
    assert told(seeing(Sample(late, 40), absent=SINCE + 45_000)) == (40, 0)
    assert told(seeing(Sample(late, 40))) == (0, 40)
    assert told(seeing(Sample(late, 40, OLD_START))) == (0, 40)
    assert told(seeing(Sample(late, 40, SINCE + 1_000))) == (0, 40), "the target's clock may be ahead"


def test_a_restart_that_regrew_above_the_old_value_is_found_by_its_start_time() -> None:
    before = Sample(SINCE, 100, OLD_START)
    assert told(seeing(before, Sample(SINCE + 15_000, 130, SINCE + 3_000))) == (130, 0)
    assert told(seeing(before, Sample(SINCE + 15_000, 130))) == (30, 0)
    assert is_blind(seeing(Sample(SINCE, 100), Sample(SINCE + 15_000, 130)))


def test_a_drop_without_a_restart_never_counts_the_same_events_again() -> None:
    dip = [Sample(SINCE + at, value, OLD_START) for at, value in ((0, 100), (10, 110), (20, 95), (30, 110), (40, 112))]
    assert told(seeing(*dip)) == (12, 110), "95 and then 15 could have been a restart's"


def test_a_start_time_that_moves_without_a_restart_is_only_a_possibility() -> None:
    ledger = seeing(Sample(SINCE + 60_000, 100, OLD_START), Sample(SINCE + 75_000, 107, OLD_START + 9_000))
    assert told(ledger) == (7, 100 + 100)


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
    assert told(seeing(Sample(SINCE + 90_000, 31, SINCE + 80_000), ledger=forgotten)) == (46, 0), "a new process"


def test_a_packed_ledger_comes_back_exactly() -> None:
    odd = SeriesId(Variant.BASELINE, "completed", 'pod "ü" 1%', "")
    ledger = look(ResetLedger(2, SINCE), {odd: Observed([Sample(SINCE, 3)]), KEY: Observed([Sample(SINCE, 4, 1)])})
    closed = open_step(drop_silent(ledger.ledger, SINCE), 3, SINCE + 5)
    assert unpack(pack(closed)) == closed
    assert len(pack(closed).splitlines()) == 3


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
        "step 0 0 0\nat baseline tokens p r 1 1 1 - 0 0\nsum 0 baseline tokens 1 1",
    ],
)
def test_text_that_is_no_packed_ledger_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match="watermark ledger"):
        unpack(text)


def test_a_ledger_too_large_for_status_is_refused_before_it_breaks_and_never_cut() -> None:
    many = {
        SeriesId(Variant.BASELINE, "tokens", f"{number:012x}", "prometheus-0"): Observed(
            [Sample(1_700_000_000_000 + number, 10**9 + number, 1_690_000_000_000)]
        )
        for number in range(450)
    }
    ledger = look(ResetLedger(0, 1_700_000_000_000), many).ledger
    with pytest.raises(TooManySeries, match=f"more than the {PACKED_LIMIT}"):
        pack(ledger)
    fits = ResetLedger(0, SINCE, series=dict(list(ledger.series.items())[:300]))
    assert len(pack(fits)) <= PACKED_LIMIT
