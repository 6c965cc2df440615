"""One query for many policies: each gets its own counts, and one policy's fault stays its own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import PAIRS, SELECTED
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.query import EVALUATED_AT, NEWEST_SAMPLE, READING
from earlystop.metrics.convention.reader import SPARE_HALVES, CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.staleness import is_stale
from tests.unit.metrics.convention.samples import Source, good, kind, read_one, request, row

FULL = Tally(9, 7, 1, 4, 2, 1, 700, 70_000, 5, 3, 11, 12, 13, 14)


def newest(at: float, **labels: str) -> Sample:
    return Sample({"policy": "llm/qa", "revision": "r1", READING: NEWEST_SAMPLE, **labels}, at)


def test_each_selected_series_goes_into_its_field() -> None:
    samples = []
    for selected, value in zip(SELECTED, FULL.row(), strict=True):
        present = {name: text for name, text in selected._asdict().items() if name != "metric" and text}
        both = {"variant": ""} if selected.metric == PAIRS else {}  # a pair is of both variants
        samples.append(row(float(value), **{"__name__": selected.metric}, **present, **both))
    reading = good(read_one(*samples, newest(990.5)))
    baseline = reading.observed[SeriesKey(0, Variant.BASELINE, "default", "p")]
    candidate = reading.observed[SeriesKey(0, Variant.CANDIDATE, "default", "p")]
    assert (baseline + candidate, len(reading.observed)) == (FULL, 2)
    assert (candidate.pairs_both, candidate.started) == (FULL.pairs_both, 0)
    assert (reading.at, reading.newest_sample_at, reading.rows_refused) == (1000, 990.5, 0)


def test_classes_steps_variants_and_processes_stay_apart() -> None:
    samples = [
        row(n, step=step, variant=variant, query_class=name, process=process)
        for n, (step, variant, name, process) in enumerate(
            (s, v, c, p) for s in ("0", "3") for v in Variant for c in ("a", "b") for p in ("x", "y")
        )
    ]
    observed = good(read_one(*samples)).observed
    assert sorted(tally.started for tally in observed.values()) == list(range(16))


@pytest.mark.parametrize(
    "odd",
    [
        row(5, variant="unassigned"),
        row(5, variant=""),
        row(5, step="-1"),
        row(5, step="01"),
        row(5, step="1.0"),
        row(5, step="²"),
        row(5, step=""),
        row(5, step="9" * 5000),
        row(5, revision="r2"),
        row(5, policy="llm/other"),
        row(5, outcome="completed"),
        row(5, **{"__name__": "earlystop_requests_total", "outcome": "odd"}),
        row(5, **{"__name__": "earlystop_answers_total"}),
        row(float("nan"), variant="other"),
    ],
)
def test_a_row_outside_of_the_convention_is_not_a_count(odd: Sample) -> None:
    assert good(read_one(row(1), odd)).observed == {SeriesKey(0, Variant.BASELINE, "default", "p"): Tally(started=1)}
    assert kind(read_one(odd)) is FailureKind.NO_DATA


def test_only_the_candidates_that_are_asked_for_are_counted_and_no_other_label_fails_the_reading() -> None:
    rows = [row(n, variant=name) for n, name in enumerate(("baseline", "w10", "w5", "candidate"), 1)]
    forged = [row(float("nan"), variant=f"v{n}") for n in range(1000)]
    asked = [CountRequest("llm/qa", "r1", 60, ("w5", "w10"))]
    observed = good(read_counts(Source(*rows, *forged), asked, 1000)["llm/qa"]).observed
    assert {key.variant: tally.started for key, tally in observed.items()} == {"baseline": 1, "w10": 2, "w5": 3}


@pytest.mark.parametrize(
    "variants", [("",), ("baseline",), ("unassigned",), ("x" * 65,), ("a", "a"), tuple(f"w{n}" for n in range(16))]
)
def test_candidates_that_cannot_be_told_apart_are_refused(variants: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="llm/qa"):
        CountRequest("llm/qa", "r1", 60, variants)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1.0, 0.5, 2.0**53 + 2])
def test_a_bad_value_fails_only_the_policy_that_exports_it(value: float) -> None:
    source = Source(row(3), row(value, policy="llm/bad"), row(2, policy="llm/bad", process="q"))
    answers = read_counts(source, [request("llm/bad"), request()], 1000)
    assert kind(answers["llm/bad"]) is FailureKind.NOT_A_COUNT
    assert good(answers["llm/qa"]).observed[SeriesKey(0, Variant.BASELINE, "default", "p")].started == 3


def test_the_largest_exact_float_is_still_a_count() -> None:
    (tally,) = good(read_one(row(2.0**53))).observed.values()
    assert tally.started == 2**53


def test_a_backend_that_drops_metric_names_is_refused() -> None:
    nameless = Sample({name: text for name, text in row().labels.items() if name != "__name__"}, 1.0)
    assert kind(read_one(row(), nameless)) is FailureKind.MALFORMED


def test_one_tenant_cannot_speak_for_anothers_policy() -> None:
    samples = [row(1, namespace="llm"), row(50, namespace="evil"), row(9, process="z", namespace="evil"), row(7)]
    reading = good(
        read_one(*samples, newest(900, namespace="llm"), newest(999, namespace="evil"), namespace_label="namespace")
    )
    assert reading.observed == {SeriesKey(0, Variant.BASELINE, "default", "p"): Tally(started=1)}
    assert reading.newest_sample_at == 900
    assert reading.rows_refused == 3


def test_a_forged_nan_does_not_fail_anothers_policy() -> None:
    good(read_one(row(1, namespace="llm"), row(float("nan"), namespace="evil"), namespace_label="namespace"))


def test_only_foreign_series_are_no_data_and_the_message_names_the_label() -> None:
    failure = read_one(row(1, namespace="evil"), namespace_label="namespace")
    assert kind(failure) is FailureKind.NO_DATA
    assert "1 came with another value of the label namespace" in str(failure)


def test_one_hundred_and_one_policies_take_three_queries_at_one_time() -> None:
    source = Source(*[row(n, policy=f"llm/p{n}") for n in range(101)])
    requests = [request(f"llm/p{n}", window=60 + (n % 3) * 1000) for n in range(101)]
    answers = read_counts(source, requests, 1234)
    assert [at for _, at in source.asked] == [1234.0] * 3
    assert list(answers) == [one.policy for one in requests]
    counted = [sum(tally.started for tally in good(answer).observed.values()) for answer in answers.values()]
    assert counted == list(range(101))


def test_a_policy_that_missed_looks_does_not_widen_the_window_of_all() -> None:
    source = Source()
    read_counts(source, [request(f"llm/p{n}", window=90_000 if n == 0 else 60) for n in range(75)], 1000)
    assert ["[90000s]" in query for query, _ in source.asked] == [False, True]


def of_step(name: str, step: int | None) -> CountRequest:
    return replace(request(name), step=step)


def test_counts_of_steps_that_no_policy_of_a_query_is_in_are_not_asked_for() -> None:
    source = Source()
    read_counts(source, [of_step(f"llm/p{n}", 7 if n % 2 else 1) for n in range(100)], 1000)
    read_counts(source, [of_step("llm/a", 1), of_step("llm/b", 7)], 1000)
    read_counts(source, [of_step("llm/a", 1), of_step("llm/b", None)], 1000)
    patterns = [re.findall(r',step=~"([^"]*)"', query) for query, _ in source.asked]
    assert patterns == [["1"] * 2, ["7"] * 2, ["1|7"] * 2, []]


def test_a_step_without_counters_is_read_as_none_counted_where_the_policys_servers_are_scraped() -> None:
    asked = [of_step("llm/qa", 2)]
    assert good(read_counts(Source(newest(990, variant="baseline")), asked, 1000)["llm/qa"]).observed == {}
    assert kind(read_counts(Source(newest(990, variant="unassigned")), asked, 1000)["llm/qa"]) is FailureKind.NO_DATA


def test_a_failed_query_fails_each_of_its_policies() -> None:
    source = Source(failing=MetricsFailure(FailureKind.THROTTLED, "busy"))
    answers = read_counts(source, [request(f"llm/p{n}") for n in range(51)], 1000)
    assert len(source.asked) == 2
    assert {kind(answer) for answer in answers.values()} == {FailureKind.THROTTLED}
    assert all(answer.__traceback__ is None for answer in answers.values() if isinstance(answer, MetricsFailure))


class Limited:
    """Answers for policies p0, p1, ... and refuses every query that names one of `heavy`, or more than `most`."""

    def __init__(self, kind: FailureKind, heavy: set[int], most: int = 50) -> None:
        self.kind, self.heavy, self.most = kind, heavy, most
        self.asked: list[tuple[int, float]] = []

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        named = {int(number) for number in re.findall(r"llm/p(\d+)", query)}
        self.asked.append((len(named), at))
        if len(named) > self.most or named & self.heavy:
            raise MetricsFailure(self.kind, "too much")
        return [row(number, policy=f"llm/p{number}") for number in named]


DIVISIBLE = [FailureKind.TOO_LARGE, FailureKind.NOT_EXECUTED]


@pytest.mark.parametrize("offence", DIVISIBLE)
def test_a_policy_with_too_much_fails_alone_and_all_are_read_at_one_time(offence: FailureKind) -> None:
    source = Limited(offence, {37})
    answers = read_counts(source, [request(f"llm/p{n}") for n in range(250)], 1234)
    assert [n for n in range(250) if isinstance(answers[f"llm/p{n}"], MetricsFailure)] == [37]
    assert kind(answers["llm/p37"]) is offence
    assert {at for _, at in source.asked} == {1234.0}
    assert len(source.asked) <= 5 + 2 * 6, "six halvings lead from 50 policies to one"


def test_too_many_series_together_are_read_in_parts() -> None:
    source = Limited(FailureKind.TOO_LARGE, set(), most=15)
    answers = read_counts(source, [request(f"llm/p{n}") for n in range(50)], 1000)
    assert not [answer for answer in answers.values() if isinstance(answer, MetricsFailure)]
    assert [size for size, _ in source.asked] == [50, 25, 25, 12, 13, 12, 13]


def test_every_policy_that_is_too_large_fails_and_no_other() -> None:
    heavy = {0, 1, 50, 98}
    answers = read_counts(Limited(FailureKind.TOO_LARGE, heavy), [request(f"llm/p{n}") for n in range(100)], 1000)
    assert {n for n in range(100) if isinstance(answers[f"llm/p{n}"], MetricsFailure)} == heavy


def test_a_source_that_can_execute_nothing_is_not_flooded() -> None:
    source = Limited(FailureKind.NOT_EXECUTED, set(), most=0)
    answers = read_counts(source, [request(f"llm/p{n}") for n in range(500)], 1000)
    assert {kind(answer) for answer in answers.values()} == {FailureKind.NOT_EXECUTED}
    assert len(source.asked) == 10 + SPARE_HALVES


def test_a_source_that_is_down_is_not_asked_in_halves() -> None:
    source = Limited(FailureKind.UNREACHABLE, set(), most=0)
    read_counts(source, [request(f"llm/p{n}") for n in range(50)], 1000)
    assert len(source.asked) == 1


def test_a_source_that_evaluated_for_another_time_is_refused_whatever_time_it_writes_down() -> None:
    said = Sample({READING: EVALUATED_AT}, 970.0)
    assert kind(read_one(row(), newest(990), said)) is FailureKind.TIME_MOVED
    good(read_one(row(), newest(990), Sample({READING: EVALUATED_AT}, 1000.0)))


def test_no_request_asks_nothing() -> None:
    source = Source()
    assert read_counts(source, [], 1000) == {}
    assert source.asked == []


def test_two_revisions_of_one_policy_are_refused() -> None:
    with pytest.raises(ValueError, match="llm/qa"):
        read_counts(Source(), [request(), request(revision="r2")], 1000)


@pytest.mark.parametrize(
    ("age", "stale"), [(0, False), (-5, False), (50, False), (50.1, True), (299, True), (None, True)]
)
def test_a_reading_is_stale_after_three_scrape_intervals_and_five_seconds(age: float | None, stale: bool) -> None:
    reading = Reading(1000, {}, None if age is None else 1000 - age, 0)
    assert is_stale(reading, 15) is stale
