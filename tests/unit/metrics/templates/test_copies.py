"""Series of which nothing says whether they are copies are refused, and never added up; ordinary ones are read."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest, read_templates
from earlystop.metrics.templates.reset_ledger import ResetLedger, look, totals
from tests.unit.every_row import every_row

AT = 1_760_000_000
BASELINE = Variant.BASELINE
POD = {"job": "qa", "instance": "10.0.0.5:8080", "namespace": "llm", "pod": "qa-1"}
ASKED = TemplateRequest("llm/qa", "r1", 600, "Custom", {"completed": 'done{variant="{variant}"}'})
GREW = 285
"""From the first sample within the step to the last, one a second."""
Labels = dict[str, str]


class Source:
    """A store of series by name: counters grow by one a second, anything else is 1."""

    def __init__(self, *counters: Labels, **others: list[Labels]) -> None:
        moments = range(AT - 360, AT, 15)
        self.asked: list[str] = []
        self._rows = {
            "done": [RawSeries(labels, [(1000 * at, str(at - AT + 10_000)) for at in moments]) for labels in counters],
            **{
                name: [RawSeries(each, [(1000 * at, "1") for at in moments]) for each in found]
                for name, found in others.items()
            },
        }

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        name, _, rest = query.partition("{")
        self.asked.append(name)
        return [] if 'variant="candidate"' in rest else self._rows.get(name, [])


def counted(reading: TemplateReading) -> int:
    return totals(look(ResetLedger(1, 1000 * (AT - 300)), reading.observed).ledger, 1)[BASELINE].completed


COPIES = ({**POD, "cell": "a"}, {**POD, "cell": "b"})
CHILDREN = ({**POD, "reason": "stop"}, {**POD, "reason": "length"})
ABOUT = ("up", "process_start_time_seconds", "target_info", "push_time_seconds")


def test_series_that_may_be_copies_or_counters_of_their_own_are_refused_with_what_would_tell() -> None:
    for pair, name in ((COPIES, "cell"), (CHILDREN, "reason"), (({**POD}, {**POD, "cell": "b"}), "cell")):
        with pytest.raises(
            MetricsFailure, match=f"the template for completed finds series that differ in {name}"
        ) as caught:
            read_templates(Source(*pair), ASKED, AT)
        assert caught.value.kind is FailureKind.TEMPLATES_UNUSABLE
        assert "neither up nor process_start_time_seconds nor target_info" in str(caught.value)


@every_row("metric", ABOUT)
def test_copies_are_known_by_a_label_that_whatever_tells_of_the_process_has_too(metric: str) -> None:
    assert counted(read_templates(Source(*COPIES, **{metric: list(COPIES)}), ASKED, AT)) == GREW


@every_row("metric", ABOUT)
def test_counters_are_added_that_differ_in_a_label_which_nothing_else_of_the_process_has(metric: str) -> None:
    assert counted(read_templates(Source(*CHILDREN, **{metric: [POD]}), ASKED, AT)) == 2 * GREW


@every_row("metric", ABOUT)
def test_copies_of_several_counters_count_each_counter_once(metric: str) -> None:
    rows = [{**copy, **child} for copy in COPIES for child in CHILDREN]
    assert counted(read_templates(Source(*rows, **{metric: list(COPIES)}), ASKED, AT)) == 2 * GREW


def test_what_else_tells_of_a_process_is_asked_for_only_where_its_counters_leave_it_open() -> None:
    for source in (Source(*CHILDREN, up=[POD]), Source(CHILDREN[0])):
        read_templates(source, ASKED, AT)
        assert not {"target_info", "push_time_seconds"} & set(source.asked)


def test_a_label_is_a_counters_own_where_it_is_so_in_any_process_that_is_told_of() -> None:
    federated = [{**each, "pod": "qa-2", "instance": "10.0.0.6:8080"} for each in CHILDREN]
    assert counted(read_templates(Source(*CHILDREN, *federated, up=[POD]), ASKED, AT)) == 4 * GREW


def test_a_sum_over_targets_that_keeps_job_and_instance_is_refused_with_the_label_that_it_lacks() -> None:
    pair = [{**POD, "cell": "a"}, {**POD, "cell": "b"}]
    with pytest.raises(
        MetricsFailure, match=r"without cell, in which targets of job qa at 10\.0\.0\.5:8080 differ"
    ) as caught:
        read_templates(Source(POD, up=pair), ASKED, AT)
    assert caught.value.kind is FailureKind.TEMPLATES_UNUSABLE


@every_row(
    ("counter", "ups"),
    [
        ({"job": "qa", "instance": "10.0.0.5:8080"}, [POD]),  # a relabelling of metrics dropped what one target has
        (POD, [POD, {**POD, "job": "other", "cell": "b"}]),
        ({**POD, "cell": "a"}, [{**POD, "cell": "a"}, {**POD, "cell": "b"}]),
        (POD, [POD, {**POD, "prometheus": "eu"}]),  # a federation beside the scrape, with the label of its own
    ],
)
def test_a_row_that_lacks_what_no_two_targets_differ_in_is_read(counter: Labels, ups: list[Labels]) -> None:
    assert counted(read_templates(Source(counter, up=ups), ASKED, AT)) == GREW


def test_the_label_of_an_ha_pair_that_the_source_names_is_missing_in_no_sum() -> None:
    pair = [{**POD, "cell": "a"}, {**POD, "cell": "b"}]
    assert counted(read_templates(Source(POD, up=pair), ASKED, AT, replica_label="cell")) == GREW


def test_names_with_points_as_prometheus_3_has_them_are_read_as_those_with_underscores() -> None:
    rows = [
        {"job": "qa", "instance": "i-1", "k8s.pod.name": "qa-1", "service.instance.id": copy} for copy in ("a", "b")
    ]
    assert counted(read_templates(Source(*rows), ASKED, AT)) == GREW
