"""Counters of 0 that the query leaves out change nothing of what is read, nor whether it is read at all."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import Tally
from earlystop.api.wire import COUNTED_METRICS, LATER_METRICS, SELECTED
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, merge
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import MetricsFailure
from tests.unit.metrics.convention.samples import read_one, row
from tests.unit.metrics.convention.worlds import as_filtered

EVALUATORS = tuple(each for each in COUNTED_METRICS if each != "earlystop_requests_started_total")
VALUES = st.sampled_from([0.0, -0.0, 0.0, 1.0, 7.0, 2.0**40]) | st.integers(0, 10**6).map(float)
ODD_VALUES = st.sampled_from([nan, inf, -1.0, 0.5])


@st.composite
def answers(draw: st.DrawFn, values: st.SearchStrategy[float] = VALUES) -> list[Sample]:
    """The rows of processes that begin requests, end those of others, or count votes alone."""
    rows = []
    for process in range(draw(st.integers(1, 3))):
        metrics = draw(st.sampled_from([COUNTED_METRICS, EVALUATORS, LATER_METRICS]))
        for variant in ("baseline", "candidate"):
            for selected in SELECTED:
                if selected.metric in metrics:
                    marks = {name: text for name, text in selected._asdict().items() if name != "metric" and text}
                    labels = {"__name__": selected.metric, "variant": variant, "process": f"p{process}", **marks}
                    rows.append(row(draw(values), **labels))
    return rows


@pytest.mark.slow
@given(answers())
def test_the_reading_is_the_same(rows: list[Sample]) -> None:
    left = as_filtered(rows)
    assert read_one(*left) == read_one(*rows)


@pytest.mark.slow
@given(answers(VALUES | ODD_VALUES))
def test_what_is_no_count_is_refused_as_before(rows: list[Sample]) -> None:
    whole, left = read_one(*rows), read_one(*as_filtered(rows))
    assert isinstance(whole, MetricsFailure) == isinstance(left, MetricsFailure)
    assert str(whole) == str(left)


@pytest.mark.slow
@given(answers(), answers())
def test_a_counter_that_falls_to_zero_keeps_its_largest_value(before: list[Sample], after: list[Sample]) -> None:
    ledgers = []
    for kept in (list, as_filtered):
        ledger = Ledger()
        for rows in (before, after):
            reading = read_one(*kept(rows))
            assert not isinstance(reading, MetricsFailure)
            ledger = merge(ledger, reading.observed)
        ledgers.append(ledger)
    assert ledgers[0] == ledgers[1]


def test_a_process_that_has_counted_nothing_yet_is_in_the_reading() -> None:
    rows = [row(0.0, **{"__name__": name}) for name in COUNTED_METRICS]
    reading = read_one(*as_filtered(rows))
    assert not isinstance(reading, MetricsFailure)
    assert reading.observed == {SeriesKey(0, "baseline", "default", "p"): Tally()}


def test_rows_of_another_namespace_are_counted_as_refused_also_at_zero() -> None:
    rows = [row(value, namespace="other") for value in (0.0, 5.0)] + [row(1.0, namespace="llm")]
    reading = read_one(*as_filtered(rows), namespace_label="namespace")
    assert not isinstance(reading, MetricsFailure) and reading.rows_refused == 2
