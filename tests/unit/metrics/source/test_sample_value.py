"""One table of values, and what both readers make of a series that ends with each."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Variant
from earlystop.api.wire import STARTED
from earlystop.metrics.convention.reader import CountRequest, judge_samples
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries, observe
from earlystop.metrics.templates.reset_ledger import ResetLedger, look, totals

AT = 1_760_000_000
LABELS = {"policy": "llm/qa", "revision": "r1", "step": "0", "variant": "baseline", "process": "p"}
VALUES = {
    "0": 0,
    "7": 7,
    "7.0": 7,
    "1e3": 1000,
    "9007199254740992": 2**53,
    "NaN": None,
    "+Inf": None,
    "-Inf": None,
    "-1": None,
    "0.5": None,
    "9007199254740994": None,
    "1e300": None,
}


@pytest.mark.parametrize(("text", "count"), VALUES.items())
def test_counters_of_the_convention_are_counted_or_refused_by_the_rule(text: str, count: int | None) -> None:
    rows = [Sample({"__name__": STARTED, **LABELS}, float(text))]
    reading = judge_samples(rows, [CountRequest("llm/qa", "r1", 60)], AT, None)["llm/qa"]
    if count is None:
        assert isinstance(reading, MetricsFailure) and reading.kind is FailureKind.NOT_A_COUNT
    else:
        assert isinstance(reading, Reading) and [tally.started for tally in reading.observed.values()] == [count]


@pytest.mark.parametrize(("text", "count"), VALUES.items())
def test_counters_that_templates_find_are_counted_or_refused_by_the_same_rule(text: str, count: int | None) -> None:
    rows = {(Variant.BASELINE, "started"): [RawSeries({}, [(1000 * AT - 5000, "0"), (1000 * AT, text)])]}
    if count is None:
        with pytest.raises(MetricsFailure) as caught:
            observe(rows)
        assert caught.value.kind is FailureKind.NOT_A_COUNT
    else:
        (series,) = observe(rows).values()
        assert [sample.value for sample in series.samples] == [0, count]


@pytest.mark.parametrize("text", [text for text, count in VALUES.items() if count is None])
def test_an_older_value_that_is_no_count_hides_nothing_that_a_later_count_holds(text: str) -> None:
    rows = {(Variant.BASELINE, "started"): [RawSeries({}, [(1000 * AT - 5000, text), (1000 * AT, "9")])]}
    (series,) = observe(rows).values()
    assert [sample.value for sample in series.samples] == [9]


@pytest.mark.parametrize("text", ["1" + "0" * 100_000, "-" + "9" * 100_000, "0." + "3" * 100_000])
def test_a_refused_value_is_quoted_in_few_characters_however_long_it_is(text: str) -> None:
    with pytest.raises(MetricsFailure) as caught:
        observe({(Variant.BASELINE, "started"): [RawSeries({}, [(1000 * AT, text)])]})
    assert len(caught.value.message) < 200


def test_a_count_after_a_bad_value_counts_what_grew_over_both_as_over_a_missed_scrape() -> None:
    def counted(*texts: str) -> int:
        points = [(1000 * (AT + 15 * number), text) for number, text in enumerate(texts) if text]
        rows = {(Variant.BASELINE, "started"): [RawSeries({"instance": "a:1"}, points)]}
        return totals(look(ResetLedger(0, 1000 * AT), observe(rows)).ledger, 0)[Variant.BASELINE].started

    assert counted("100", "NaN", "120") == counted("100", "", "120") == 20
    assert counted("100", "-1", "0.5", "90", "105") == counted("100", "", "", "90", "105") == 5


def test_a_time_that_is_no_number_never_makes_counts_fresh() -> None:
    rows = [
        Sample({"__name__": STARTED, **LABELS}, 7.0),
        Sample({"policy": "llm/qa", "revision": "r1", "reading": "newest_sample"}, float("nan")),
    ]
    reading = judge_samples(rows, [CountRequest("llm/qa", "r1", 60)], AT, None)["llm/qa"]
    assert isinstance(reading, Reading) and reading.newest_sample_at is None
