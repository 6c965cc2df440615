"""By which settings each process serves, as a metrics source has it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from earlystop.metrics.convention.reports import ProcessReport, ReportsQuestion, read_reports, reports_query
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.samples import Source


def answering(rows: Iterable[dict[str, str]] = ()) -> Source:
    """A source that answers with these rows."""
    return Source(*(Sample(row, 1.0) for row in rows))


def row(process: str, digest: str = "d1", **labels: str) -> dict[str, str]:
    return {"process": process, "revision": "r1", "step": "2", "digest": digest, **labels}


QUESTION = ReportsQuestion("llm/qa")


def test_each_process_is_there_with_its_settings_and_why_it_cannot_read_the_latest() -> None:
    source = answering([row("p1"), row("p2", "d0", step="1"), {"process": "p2", "fault": "malformed"}])
    assert read_reports(source, QUESTION, 100) == (
        ProcessReport("p1", "r1", "2", "d1"),
        ProcessReport("p2", "r1", "1", "d0", "malformed"),
    )


def test_a_process_that_has_read_nothing_has_empty_labels_which_a_source_leaves_out() -> None:
    assert read_reports(answering([{"process": "p1"}]), QUESTION, 100) == (ProcessReport("p1", "", "", ""),)


def test_without_any_report_there_is_none_and_a_failure_is_no_answer() -> None:
    assert read_reports(answering(), QUESTION, 100) == ()
    failure = MetricsFailure(FailureKind.UNREACHABLE, "no answer")
    assert read_reports(Source(failing=failure), QUESTION, 100) is failure


def test_the_question_is_about_one_policy_and_its_namespace_where_the_source_has_a_label_for_that() -> None:
    query = reports_query(ReportsQuestion('llm/q"a', "kubernetes_namespace"))
    assert query.count('{policy="llm/q\\"a",kubernetes_namespace="llm"}') == 2
    assert "namespace" not in reports_query(QUESTION)
    with pytest.raises(ValueError, match="already has a meaning"):
        reports_query(ReportsQuestion("llm/qa", "policy"))
