"""Recorded answers that a scorer has scored again are read before a moment and since, and never mistaken for none."""

from __future__ import annotations

import math

import pytest

from earlystop.metrics.convention.frozen import FrozenCounts, FrozenQuestion, frozen_query, read_frozen
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.samples import Source

QUESTION = FrozenQuestion("llm/qa", 300, 3600, 300)


def row(reading: str, result: str, value: float) -> Sample:
    return Sample({"reading": reading, "result": result}, value)


def test_the_time_before_the_harm_is_asked_for_apart_from_the_time_since() -> None:
    since, before = frozen_query(QUESTION).split(" or ")
    counter = 'earlystop_frozen_answers_total{policy="llm/qa"}'
    assert f"sum by (result)(increase({counter}[300s]))" in since and '"since"' in since
    assert f"sum by (result)(increase({counter}[3600s] offset 300s))" in before and '"before"' in before


def test_where_the_scraper_names_the_namespace_no_other_namespace_says_anything_of_a_scorer() -> None:
    assert frozen_query(FrozenQuestion("llm/qa", 60, 60, 60, "namespace")).count('namespace="llm"') == 2


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([row("before", "agree", 90.0)], None),
        ([row("since", "agree", 20.2), row("since", "disagree", 4.6)], FrozenCounts(0, 0, 20, 5)),
        ([row("since", "disagree", 3.0), row("before", "agree", 90.0)], FrozenCounts(90, 0, 0, 3)),
        ([row("since", "agree", math.nan), row("since", "disagree", math.inf)], None),
        ([row("since", "agree", math.nan), row("since", "disagree", 40.0)], None),
        ([row("since", "agree", 40.0), row("since", "disagree", -1.0)], None),
        ([row("since", "agree", 40.0), row("before", "agree", 1e300)], None),
        ([row("since", "agree", 2.0**53), row("since", "disagree", 0.0)], FrozenCounts(0, 0, 2**53, 0)),
        ([row("since", "agree", 2.0**54)], None),
        ([row("since", "agree", 5.0), row("elsewhere", "agree", 7.0)], FrozenCounts(0, 0, 5, 0)),
    ],
)
def test_counts_are_whole_numbers_and_what_nobody_counts_or_no_counter_can_say_is_none(
    rows: list[Sample], expected: FrozenCounts | None
) -> None:
    assert read_frozen(Source(*rows), QUESTION, 100) == expected


def test_a_source_that_fails_is_a_failure_and_no_count() -> None:
    found = read_frozen(Source(failing=MetricsFailure(FailureKind.TIMEOUT, "it took too long")), QUESTION, 100)
    assert isinstance(found, MetricsFailure) and found.kind is FailureKind.TIMEOUT
