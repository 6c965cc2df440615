"""Requests that came past an overlay are asked for among the target's own processes."""

from __future__ import annotations

import math

import pytest

from earlystop.metrics.convention.unseen import MOST_PROCESSES, Unseen, UnseenQuestion, read_unseen, unseen_query
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.samples import Source

QUESTION = UnseenQuestion("llm/qa", "0123456789", ("b", "a.1"), 60)


def test_both_counts_are_asked_of_the_same_processes() -> None:
    seen, unseen = unseen_query(QUESTION).split(" or ")
    assert 'policy="llm/qa",revision="0123456789",process=~"a\\\\.1|b"' in seen
    assert 'revision="unassigned",process=~"a\\\\.1|b"' in unseen and "policy" not in unseen


def test_where_the_scraper_names_the_namespace_no_other_namespace_is_counted() -> None:
    question = UnseenQuestion("llm/qa", "r", ("a",), 60, "namespace")
    assert unseen_query(question).count('namespace="llm"') == 2


def test_the_query_of_a_large_target_is_bounded() -> None:
    many = tuple(f"p{number}" for number in range(10 * MOST_PROCESSES))
    assert unseen_query(UnseenQuestion("llm/qa", "r", many, 60)).count("|") == 2 * (MOST_PROCESSES - 1)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Unseen(0.0, 0.0)),
        ([({"reading": "seen"}, 30.5), ({"reading": "unseen"}, 10.0)], Unseen(30.5, 10.0)),
        ([({"reading": "unseen"}, 10.0)], Unseen(0.0, 10.0)),
        ([({"reading": "seen"}, math.nan), ({"reading": "unseen"}, math.inf)], Unseen(0.0, 0.0)),
    ],
)
def test_a_row_that_is_missing_or_no_number_counts_nothing(rows: list[Sample], expected: Unseen) -> None:
    assert read_unseen(Source(*rows), QUESTION, 100) == expected


def test_a_source_that_fails_is_a_failure_and_no_count() -> None:
    found = read_unseen(Source(failing=MetricsFailure(FailureKind.TIMEOUT, "it took too long")), QUESTION, 100)
    assert isinstance(found, MetricsFailure) and found.kind is FailureKind.TIMEOUT
