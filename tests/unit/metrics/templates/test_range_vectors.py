"""From range vectors to what the reset ledger takes."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import OF_ONE_POLICY, FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries, observe, raw_series
from earlystop.metrics.templates.reset_ledger import Observed, Sample

PLACE = (Variant.BASELINE, "tokens")


def row(points: list[tuple[float, str]], **labels: str) -> dict[str, Any]:
    return {"metric": {"pod": "a", "instance": "a:1", **labels}, "values": points}


def series(points: list[tuple[float, str]], **labels: str) -> list[RawSeries]:
    return raw_series([row(points, **labels)], "http://source")


def only(observed: dict[Any, Observed]) -> Observed:
    (one,) = observed.values()
    return one


def test_start_times_are_joined_by_target_and_moment() -> None:
    counters = series([(20.001, "3"), (30.001, "5")], engine="0")
    starts = series([(20.001, "12.5")])
    assert only(observe({PLACE: counters}, starts)) == Observed([Sample(20_001, 3, 12_500), Sample(30_001, 5, None)])


@pytest.mark.parametrize("start", ["NaN", "+Inf", "1e308", "-5", "1795731618560", "23"])
def test_a_start_time_that_no_running_process_can_have_is_none(start: str) -> None:
    counters, starts = series([(20.0, "3")]), series([(20.0, start)])
    assert only(observe({PLACE: counters}, starts)) == Observed([Sample(20_000, 3, None)])


def test_two_start_times_of_one_scrape_contradict_each_other_and_neither_is_believed() -> None:
    starts = series([(20.0, "12")], worker="0") + series([(20.0, "9")], worker="1")
    assert only(observe({PLACE: series([(20.0, "3")])}, starts)) == Observed([Sample(20_000, 3, None)])


def test_what_a_gateway_exports_of_others_is_not_as_old_as_the_gateway() -> None:
    pushed = series([(20.0, "3")], exported_job="batch")
    assert only(observe({PLACE: pushed}, series([(20.0, "12")]))) == Observed([Sample(20_000, 3, None)])


def test_evidence_of_another_target_or_of_another_scraper_is_never_used() -> None:
    counters = series([(20.0, "3")], replica="x")
    starts = series([(20.0, "1")], pod="b", replica="x") + series([(20.0, "2")], replica="y")
    assert only(observe({PLACE: counters}, starts, starts, "replica")) == Observed([Sample(20_000, 3)])


def test_the_two_scrapers_of_a_pair_are_the_same_counter() -> None:
    pair = series([(20.0, "3")], replica="x") + series([(21.0, "3")], replica="y")
    assert {key.target for key in observe({PLACE: pair}, replica_label="replica")} == {
        key.target for key in observe({PLACE: series([(20.0, "3")])})
    }
    assert {key.replica for key in observe({PLACE: pair}, replica_label="replica")} == {"x", "y"}


@pytest.mark.parametrize("value", ["-1", "1.5", "+Inf", "1e300"])
def test_a_value_that_no_counter_of_events_has_is_refused(value: str) -> None:
    with pytest.raises(MetricsFailure) as caught:
        observe({PLACE: series([(20.0, value)])})
    assert caught.value.kind is FailureKind.NOT_A_COUNT


def test_an_older_sample_that_is_not_a_number_is_passed_over_and_a_newest_one_is_refused() -> None:
    assert only(observe({PLACE: series([(20.0, "NaN"), (30.0, "4")])})).samples == [Sample(30_000, 4)]
    with pytest.raises(MetricsFailure) as caught:
        observe({PLACE: series([(20.0, "NaN")])})
    assert caught.value.kind is FailureKind.NOT_A_COUNT


@pytest.mark.parametrize(
    "result", [None, {}, [1], [{"metric": {}}], [{"metric": [], "values": []}], [{"metric": {}, "histograms": []}]]
)
def test_what_is_no_range_vector_is_refused(result: Any) -> None:
    with pytest.raises(MetricsFailure) as caught:
        raw_series(result, "http://source")
    assert caught.value.kind is FailureKind.MALFORMED


@pytest.mark.parametrize("values", [{}, {"values": [[10.0, "4"]]}])
def test_native_histograms_are_named_and_are_no_fault_of_the_sources(values: dict[str, Any]) -> None:
    row = {"metric": {"__name__": "latency"}, "histograms": [[20.0, {"count": "7", "sum": "1.5"}]], **values}
    with pytest.raises(MetricsFailure, match="native histograms under a template's name") as caught:
        raw_series([row], "http://source")
    assert caught.value.kind is FailureKind.NOT_A_COUNT and caught.value.kind in OF_ONE_POLICY


def test_a_zero_that_no_scrape_has_shown_is_left_out() -> None:
    """Prometheus writes one at the time of creation that an exposition claims, which may be an exporter's own."""
    points: list[tuple[float, str]] = [(12.5, "0"), (20.0, "1008"), (30.0, "1009")]
    scrapes = series([(10.0, "1"), (20.0, "1"), (30.0, "1")])
    seen = only(observe({PLACE: series(points, engine="0")}, ups=scrapes))
    assert [sample.at_ms for sample in seen.samples] == [20_000, 30_000]


def test_a_zero_of_a_scrape_and_one_of_which_no_scrape_is_known_are_samples() -> None:
    points: list[tuple[float, str]] = [(20.0, "0"), (30.0, "1")]
    down = series([(20.0, "0"), (30.0, "1")])
    for scrapes in (down, [], series([(25.0, "1")], pod="b")):
        assert len(only(observe({PLACE: series(points)}, ups=scrapes)).samples) == 2
