"""Answers in which counters are silent are judged by two more queries for all policies, of either kind of counters."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from earlystop.api.source import SourceSpec
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.liveness import LivenessHints
from earlystop.metrics.scrape_interval import ScrapeIntervals
from earlystop.metrics.silence import Answers, measured, with_silence_explained
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest

AT, SEEN = 100_000, 60_000
SOURCE = SourceSpec.model_validate({"url": "http://prometheus:9090", "namespaceLabel": "namespace"})
OPEN = SourceSpec.model_validate({"url": "http://prometheus:9090"})
HINTS = LivenessHints("qa", ("baseline", "candidate"), (SEEN,))
OLD = {"job": "qa", "instance": "10.0.0.1:8080", "namespace": "llm", "pod": "qa-5d8f6c7b9d-x2x4z"}
NEW = {**OLD, "instance": "10.0.0.7:8080", "pod": "qa-6b7c8d9f5c-abcde"}
NO_DATA = MetricsFailure(FailureKind.NO_DATA, "no counter carries the policy")


class Source:
    """Tells which targets there were and are, how often they are scraped, and who speaks for another's policy."""

    def __init__(self, *up: Mapping[str, str], every: int = 15, foreign: int = 0, failing: bool = False) -> None:
        self.up, self.every, self.foreign, self.failing = up, every, foreign, failing
        self.asked: list[str] = []

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        self.asked.append(query)
        if self.failing:
            raise MetricsFailure(FailureKind.REJECTED, "it knows no @")
        if query.startswith("count by"):
            return [Sample({"policy": "llm/qa"}, self.foreign)] if self.foreign else []
        if "group by" in query:
            rows = [{"policy": f"llm/{name}", "revision": "r1", "reading": str(SEEN), **OLD} for name in ("qa", "q2")]
            return [Sample({**row, "variant": variant}, 1) for row in rows for variant in HINTS.variants]
        return [
            Sample({**labels, "reading": reading}, value)
            for labels in self.up
            for reading, value in (("up", 1.0), ("scraped_at", at - 4))
        ]

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        self.asked.append(query)
        if self.failing:
            raise MetricsFailure(FailureKind.REJECTED, "it knows no ranges")
        moments = range(int(at) - 300, int(at), self.every)
        return [RawSeries(OLD, [(1000 * moment, "1") for moment in moments])]


def counts(policy: str = "llm/qa", hints: LivenessHints = HINTS) -> CountRequest:
    return CountRequest(policy, "r1", 60, liveness=hints)


def template(hints: LivenessHints = HINTS) -> TemplateRequest:
    templates = {"completed": 'a_total{variant="{variant}",revision="{revision}"}'}
    return TemplateRequest("llm/qa", "r1", 60, "Custom", templates, liveness=hints)


def reading(age: float, by_variant: Mapping[str, float] | None = None) -> Reading:
    ages = by_variant or {}
    return Reading(AT, {}, AT - age, 0, {variant: AT - each for variant, each in ages.items()})


def judged(source: Source, answers: Answers, *requests: CountRequest, spec: SourceSpec = OPEN) -> Answers:
    return with_silence_explained(source, requests or (counts(),), answers, AT, spec, lambda _: 15.0)


def kind(answer: object) -> FailureKind:
    assert isinstance(answer, MetricsFailure), answer
    return answer.kind


def test_fresh_counters_are_left_as_they_are_and_no_query_is_added() -> None:
    source, answer = Source(), reading(3, {"baseline": 3, "candidate": 5})
    assert judged(source, {"llm/qa": answer})["llm/qa"] is answer
    assert source.asked == []


@pytest.mark.parametrize("answer", [NO_DATA, reading(3000), reading(3, {"baseline": 3})])
def test_silent_counters_of_living_servers_are_a_usable_reading(answer: Reading | MetricsFailure) -> None:
    source = Source(NEW)
    found = judged(source, {"llm/qa": answer})["llm/qa"]
    assert isinstance(found, Reading) and found.newest_sample_at in (AT - 3, AT - 4)
    assert len(source.asked) == 2


def test_counters_of_templates_are_judged_by_the_same_rule() -> None:
    hints = [template()]
    found = with_silence_explained(Source(NEW), hints, {"llm/qa": NO_DATA}, AT, OPEN, lambda _: 15.0)["llm/qa"]
    assert isinstance(found, TemplateReading) and found.newest_sample_at == AT - 4 and found.queries
    gone = with_silence_explained(Source(), hints, {"llm/qa": NO_DATA}, AT, OPEN, lambda _: 15.0)["llm/qa"]
    assert kind(gone) is FailureKind.STALE


@pytest.mark.parametrize("answer", [NO_DATA, reading(3000), reading(3, {"baseline": 3})])
def test_counters_of_targets_that_are_gone_are_stale_with_their_names(answer: Reading | MetricsFailure) -> None:
    found = judged(Source(), {"llm/qa": answer})["llm/qa"]
    assert kind(found) is FailureKind.STALE and "qa-5d8f6c7b9d-x2x4z" in str(found)


def test_fifty_silent_policies_share_two_queries() -> None:
    source, names = Source(NEW), [f"llm/q{number}" for number in range(50)]
    judged(source, dict.fromkeys(names, NO_DATA), *map(counts, names))
    assert len(source.asked) == 2


def test_a_policy_of_which_nothing_is_known_keeps_its_failure() -> None:
    request = counts("llm/unknown", LivenessHints("unknown", HINTS.variants, (SEEN,)))
    assert judged(Source(NEW), {"llm/unknown": NO_DATA}, request)["llm/unknown"] is NO_DATA


def test_a_source_that_cannot_say_more_leaves_what_it_said() -> None:
    stale = reading(3000)
    assert judged(Source(failing=True), {"llm/qa": stale})["llm/qa"] is stale


def test_a_policy_whose_series_come_from_another_namespace_is_told_so() -> None:
    request = counts(hints=LivenessHints("nothing", HINTS.variants))
    found = judged(Source(foreign=400), {"llm/qa": NO_DATA}, request, spec=SOURCE)["llm/qa"]
    assert kind(found) is FailureKind.NO_DATA and "400 came with another value of the label namespace" in str(found)


def test_other_failures_stay() -> None:
    source, timeout = Source(NEW), MetricsFailure(FailureKind.TIMEOUT, "late")
    assert judged(source, {"llm/qa": timeout})["llm/qa"] is timeout
    assert source.asked == []


def test_counters_that_look_silent_for_a_short_declaration_are_measured_at_once() -> None:
    source, answers = Source(every=30), {"llm/qa": reading(25)}
    found = measured(source, [counts()], answers, AT, OPEN, ScrapeIntervals(5.0))
    assert found.difference("llm/qa") == 30.0
    kept = with_silence_explained(source, [counts()], answers, AT, OPEN, found.interval)
    assert kept == answers and len(source.asked) == 1, "the look reckons with 30 s"


def test_a_source_that_gives_no_ranges_is_not_asked_with_every_look() -> None:
    source, answers = Source(failing=True), {"llm/qa": reading(3000)}
    intervals = ScrapeIntervals(5.0)
    for at in range(AT, AT + 60, 15):
        intervals = measured(source, [counts()], answers, at, OPEN, intervals)
    assert len(source.asked) == 1 and intervals.interval("llm/qa") == 5.0
