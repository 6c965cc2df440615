"""Counters of others, read at one moment by a policy's own queries."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.reader import (
    LONGEST_RANGE_SECONDS,
    MOST_RANGES,
    TemplateRequest,
    joined,
    name_of_queries,
    ranges,
    read_templates,
)
from tests.unit.every_row import every_row
from tests.unit.metrics.source.faulty_server import serving

AT = 1_760_000_000
ASKED = TemplateRequest("llm/qa", "r1", 600, "Custom", {"completed": 'done{variant="{variant}"}'})
TARGET = {"job": "qa", "instance": "a.b:1"}


class Source:
    """Gives rows by the beginning of the query, and remembers what was asked."""

    def __init__(self, **rows: list[RawSeries]) -> None:
        self.rows = rows
        self.asked: list[tuple[str, float]] = []

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        self.asked.append((query, at))
        return self.rows.get(query.partition("{")[0], [])


def points(*at: int, value: str = "1") -> list[tuple[int, str]]:
    return [(1000 * each, value) for each in at]


def test_every_query_names_one_moment_and_evidence_is_asked_of_the_counters_targets_alone() -> None:
    source = Source(done=[RawSeries(TARGET, points(AT - 3))])
    reading = read_templates(source, ASKED, AT, namespace_label="namespace")
    assert {at for _, at in source.asked} == {float(AT)}
    assert (reading.at, reading.newest_sample_at) == (AT, AT - 3)
    texts = [text for text, _ in source.asked]
    assert [text.partition("{")[0] for text in texts] == ["done", "done", "process_start_time_seconds", "up"]
    assert all('namespace="llm"' in text and text.endswith("[600s]") for text in texts)
    assert all('instance=~"a\\\\.b:1"' in text for text in texts[2:])


def test_counters_without_a_target_are_read_without_evidence() -> None:
    pushed = {"service_name": "qa", "service_instance_id": "7"}
    source = Source(done=[RawSeries(pushed, points(AT - 3))])
    assert len(read_templates(source, ASKED, AT).observed) == 2
    assert len(source.asked) == 2


RECORDED: list[tuple[str, dict[str, str]]] = [
    ("job:answers:sum", {}),
    ("job:answers:sum", TARGET),
    ("namespace_pod:answers_total:sum", {"pod": "qa-1", "namespace": "llm"}),
]
SUMMED: list[tuple[str, dict[str, str], str]] = [
    ("answers_total", {}, "job and instance"),
    ("answers_total", {"variant": "baseline", "namespace": "llm"}, "job and instance"),
    ("answers_total", {"job": "qa", "instance": ""}, "instance"),
    ("answers_total", {"pod": "qa-1"}, "job"),
    ("answers_total", {"instance": "10.0.0.5:8000"}, "job"),
    ("workload:answers_total", {"workload": "qa"}, "job and instance"),
    ("service:answers_total", {"job": "qa"}, "instance"),
    ("vllm:request_success_total", {"job": "qa", "model_name": "m"}, "instance"),
]


@every_row(("name", "labels"), RECORDED)
def test_a_sum_that_a_rule_recorded_is_refused_since_it_rises_by_what_comes_to_it(
    name: str, labels: dict[str, str]
) -> None:
    source = Source(done=[RawSeries(TARGET, points(AT - 3)), RawSeries({"__name__": name, **labels}, points(AT - 3))])
    with pytest.raises(MetricsFailure, match=f"for completed finds {name}, which a recording rule made") as caught:
        read_templates(source, ASKED, AT)
    assert caught.value.kind is FailureKind.TEMPLATES_UNUSABLE


@every_row(("name", "labels", "missing"), SUMMED)
def test_a_series_without_what_every_scrape_gives_is_refused_as_a_sum_or_for_its_dropped_label(
    name: str, labels: dict[str, str], missing: str
) -> None:
    source = Source(done=[RawSeries(TARGET, points(AT - 3)), RawSeries({"__name__": name, **labels}, points(AT - 3))])
    with pytest.raises(MetricsFailure, match=f"finds {name} without {missing}, which every scrape gives") as caught:
        read_templates(source, ASKED, AT)
    assert "has summed it, or a relabelling has dropped the label" in str(caught.value)
    assert caught.value.kind is FailureKind.TEMPLATES_UNUSABLE


@every_row(
    ("name", "labels"),
    [
        ("vllm:request_success_total", TARGET),
        ("vllm:request_success_total", {"job": "f", "exported_instance": "10.0.0.5:8000"}),
        ("vllm:request_success_total", {"job": "qa", "pod": "qa-1"}),
        ("answers_total", {"job": "qa", "host": "vm-1"}),
        ("answers_total", TARGET),
    ],
)
def test_a_counter_that_a_server_exports_is_none_of_a_rule(name: str, labels: dict[str, str]) -> None:
    source = Source(done=[RawSeries({"__name__": name, **labels}, points(AT - 3))])
    assert read_templates(source, ASKED, AT).observed


def test_engines_are_read_by_the_pods_of_each_variants_workload() -> None:
    counter = RawSeries({**TARGET, "pod": "qa-es-x"}, points(AT - 3))
    source = Source(**{"vllm:request_generation_tokens_sum": [counter]})
    workloads = {Variant.BASELINE: PodOwner("qa"), Variant.CANDIDATE: PodOwner("qa-es")}
    reading = read_templates(source, TemplateRequest("llm/qa", "r1", 60, "VLLM", workloads=workloads), AT)
    assert {key.field for key in reading.observed} == {"tokens"}
    assert any('pod=~"qa-es-' in text for text, _ in source.asked)


def test_no_series_at_all_is_no_data_and_a_broken_template_names_its_field() -> None:
    for asked, kind, says in (
        (ASKED, FailureKind.NO_DATA, "none of the MetricSource's templates finds a series of llm/qa"),
        (
            TemplateRequest("llm/qa", "r1", 60, "Custom", {"tokens": "sum(x)"}),
            FailureKind.TEMPLATES_UNUSABLE,
            "template for tokens",
        ),
    ):
        with pytest.raises(MetricsFailure, match=says) as caught:
            read_templates(Source(), asked, AT)
        assert caught.value.kind is kind


@pytest.mark.parametrize("window", [1, 3599, 3600, 3601, 10_000])
def test_ranges_of_an_hour_leave_no_moment_of_the_window_out(window: int) -> None:
    covered = {AT - back for at, length in ranges(AT, window) for back in range(AT - at, AT - at + length)}
    assert covered >= {AT - back for back in range(window)}
    assert all(length <= LONGEST_RANGE_SECONDS + 1 for _, length in ranges(AT, window))


def test_after_more_than_a_day_only_the_newest_samples_are_read() -> None:
    assert len(ranges(AT, 10**7)) == MOST_RANGES


def test_pieces_of_a_series_are_joined_in_order_of_time_without_repetition() -> None:
    pieces = [RawSeries(TARGET, points(7, 8, 9)), RawSeries(TARGET, points(5, 6, 7)), RawSeries({}, points(1))]
    assert {len(row.labels): [at for at, _ in row.points] for row in joined(pieces)} == {
        2: [5000, 6000, 7000, 8000, 9000],
        0: [1000],
    }


def test_the_name_of_the_queries_changes_with_whatever_changes_the_series_and_with_nothing_else() -> None:
    def name(request: TemplateRequest = ASKED, namespace: str | None = None, replica: str | None = None) -> str:
        return name_of_queries(request, namespace, replica)

    other = TemplateRequest("llm/qa", "r1", 600, "Custom", {"completed": 'other{variant="{variant}"}'})
    assert name() == name(TemplateRequest("llm/qa", "r2", 9, "Custom", ASKED.templates))
    elsewhere = name_of_queries(ASKED, None, None, "http://elsewhere")
    assert len({name(), name(other), name(namespace="namespace"), name(replica="replica"), elsewhere}) == 5


def matrix(moments: Iterable[float], kind: str = "matrix", more: str = "") -> bytes:
    values = ",".join(f'[{at},"1"]' for at in moments)
    rows = f'[{{"metric":{{"pod":"a"}},"values":[{values}]}}]'
    return f'{{"status":"success","data":{{"resultType":"{kind}","result":{rows}}}{more}}}'.encode()


def test_a_range_vector_comes_back_as_it_was_scraped() -> None:
    with serving(lambda handler: handler.reply(200, matrix([AT - 1.5, AT]))) as server:
        (row,) = ExactPrometheus(server.url).range_vector("x[9s]", float(AT))
    assert row == RawSeries({"pod": "a"}, [(1000 * AT - 1500, "1"), (1000 * AT, "1")])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (matrix([AT + 1]), FailureKind.TIME_MOVED),
        (matrix([AT], kind="vector"), FailureKind.MALFORMED),
        (matrix([AT], more=',"warnings":["a store is away"]'), FailureKind.PARTIAL),
        (matrix([AT], more=',"isPartial":true'), FailureKind.PARTIAL),
        (matrix([AT]).replace(b'"1"', b'"one"'), FailureKind.MALFORMED),
        (matrix([AT]).replace(str(AT).encode(), b"Infinity"), FailureKind.MALFORMED),
        (matrix([AT])[:-9], FailureKind.MALFORMED),
        (b"<html>", FailureKind.NOT_JSON),
        (b'{"status":"error"}', FailureKind.REJECTED),
    ],
)
def test_a_bad_answer_for_a_range_vector_is_a_typed_failure(body: bytes, kind: FailureKind) -> None:
    with serving(lambda handler: handler.reply(200, body)) as server, pytest.raises(MetricsFailure) as caught:
        ExactPrometheus(server.url).range_vector("x[9s]", float(AT))
    assert caught.value.kind is kind


def test_an_answer_beyond_the_limit_is_refused() -> None:
    with serving(lambda handler: handler.reply(200, matrix(range(1000)))) as server:
        client = ExactPrometheus(server.url, max_bytes=1000)
        with pytest.raises(MetricsFailure) as caught:
            client.range_vector("x[9s]", float(AT))
    assert caught.value.kind is FailureKind.TOO_LARGE
