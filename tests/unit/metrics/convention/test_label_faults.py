"""Counters whose label `process` was lost, shared or overwritten on the way are no evidence, and it is told why."""

from __future__ import annotations

import pytest

from earlystop.api.wire import MARKS, SERIES_LABELS
from earlystop.controller.counts.look import FINAL
from earlystop.metrics.convention.label_faults import LABEL_OVERWRITTEN, OVERWRITTEN, PROCESS_SHARED
from earlystop.metrics.convention.query import READING, counts_query
from earlystop.metrics.convention.reader import read_counts
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import OF_ONE_POLICY, FailureKind, MetricsFailure
from tests.unit.metrics.convention.samples import Source, good, kind, read_one, request, row


def shared(process: str = "web", targets: float = 3.0, **labels: str) -> Sample:
    base = {"policy": "llm/qa", "revision": "r1", "process": process, READING: PROCESS_SHARED}
    return Sample({**base, **labels}, targets)


def overwritten(label: str, **labels: str) -> Sample:
    return Sample({"policy": "llm/qa", OVERWRITTEN: label, READING: LABEL_OVERWRITTEN, **labels}, 12.0)


def message(*samples: Sample) -> str:
    failure = read_one(*samples)
    assert isinstance(failure, MetricsFailure)
    return failure.message


@pytest.mark.parametrize("process", [{}, {"process": ""}])
def test_three_servers_without_a_process_label_are_not_read_as_one(process: dict[str, str]) -> None:
    merged = [Sample({name: text for name, text in row(1000).labels.items() if name != "process"} | process, 1000.0)]
    assert kind(read_one(*merged)) is FailureKind.PROCESS_MISSING
    assert kind(read_one(row(5), *merged)) is FailureKind.PROCESS_MISSING, "beside servers that have it"
    assert "labeldrop" in message(*merged)


def test_a_row_that_is_no_count_needs_no_process() -> None:
    good(read_one(row(5), Sample({**row(7).labels, "variant": "unassigned", "process": ""}, 7.0)))


def test_a_process_at_two_targets_at_once_stops_the_counts_of_its_policy_alone() -> None:
    source = Source(row(5), shared(), row(7, policy="llm/other"))
    answers = read_counts(source, [request(), request("llm/other")], 1000)
    assert kind(answers["llm/qa"]) is FailureKind.PROCESS_SHARED
    good(answers["llm/other"])
    assert "3 targets at once" in message(row(5), shared()) and "'web'" in message(row(5), shared())


@pytest.mark.parametrize("label", [*SERIES_LABELS, *MARKS])
def test_a_label_that_the_scrape_overwrote_is_named_even_where_nothing_else_is_found(label: str) -> None:
    for samples in ((overwritten(label),), (row(5), overwritten(label)), (row(5, process=""), overwritten(label))):
        assert kind(read_one(*samples)) is FailureKind.LABEL_OVERWRITTEN
        assert f"the label {label} " in message(*samples) and "honor_labels: true" in message(*samples)


def test_another_tenant_cannot_stop_a_policys_counts() -> None:
    forged = [overwritten("process", namespace="evil"), shared(namespace="evil")]
    forged += [row(1, process="", namespace="evil")]
    good(read_one(row(5, namespace="llm"), *forged, namespace_label="namespace"))


def test_what_others_wrote_is_quoted_in_part_only() -> None:
    assert len(message(row(5), shared(process="x" * 5000))) < 500


def test_such_counts_are_final_and_of_one_policy() -> None:
    faults = {FailureKind.PROCESS_MISSING, FailureKind.PROCESS_SHARED, FailureKind.LABEL_OVERWRITTEN}
    assert faults <= FINAL and faults <= OF_ONE_POLICY


def test_every_label_of_the_convention_is_asked_about_and_the_namespace_stays_on_each_row() -> None:
    query = counts_query(["llm/qa"], ["r1"], 95, namespace_label="namespace")
    assert all(f"exported_{label}" in query for label in (*SERIES_LABELS, *MARKS))
    assert query.count(f'"{READING}","{LABEL_OVERWRITTEN}"') == len(SERIES_LABELS) + len(MARKS)
    groups = [part.partition(")")[0].split(",") for part in query.split("count by (")[1:]]
    assert all("namespace" in group for group in groups)
