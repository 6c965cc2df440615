"""Forged requests are asked for by policy, and an answer that holds none is no failure."""

from __future__ import annotations

import math

import pytest

from earlystop.metrics.convention.forged import ForgedQuestion, forged_query, read_forged
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.samples import Source

QUESTION = ForgedQuestion("llm/qa", 600)


def test_only_the_policys_own_servers_are_asked_for() -> None:
    assert forged_query(QUESTION) == 'sum(increase(earlystop_forged_requests_total{policy="llm/qa"}[600s]))'
    assert 'policy="llm/qa",namespace="llm"}' in forged_query(ForgedQuestion("llm/qa", 600, "namespace"))


@pytest.mark.parametrize(
    ("values", "expected"), [([], 0.0), ([12.5], 12.5), ([math.nan], 0.0), ([math.inf], 0.0), ([-3.0], 0.0)]
)
def test_what_is_no_number_of_requests_counts_none(values: list[float], expected: float) -> None:
    assert read_forged(Source(*(Sample({}, value) for value in values)), QUESTION, 100) == expected


def test_a_source_that_fails_says_why() -> None:
    found = read_forged(Source(failing=MetricsFailure(FailureKind.UNREACHABLE, "nobody answers")), QUESTION, 100)
    assert isinstance(found, MetricsFailure) and found.kind is FailureKind.UNREACHABLE
