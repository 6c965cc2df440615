"""What becomes of answers in which a policy's counters are silent: two more queries tell silence from absence.

They are asked only when some counters are silent, and each is one for all policies of an answer: at which targets the
counters were read before, and whether targets of the same kind are up now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from earlystop.api.presets import CounterKind
from earlystop.api.source import SourceSpec
from earlystop.metrics.convention import scraped_targets as convention_targets
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.count_ledger import AnyReading, AnyRequest
from earlystop.metrics.liveness import KnownTarget, LivenessQuestion, newest_scrape, scrapes_of, scrapes_query
from earlystop.metrics.scrape_interval import ScrapeIntervals, measured_interval, window_seconds
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.staleness import stale_after
from earlystop.metrics.templates import scraped_targets as template_targets

Answers = Mapping[str, AnyReading | MetricsFailure]


@dataclass(frozen=True, slots=True)
class TargetReader:
    """How the targets of one kind of counters are found; the functions are those of `convention/scraped_targets.py`
    and of `templates/scraped_targets.py`."""

    known_targets: Callable[[Any, Sequence[Any], SourceSpec], Mapping[str, tuple[KnownTarget, ...]]]
    silent_reading: Callable[[Any, int, float, SourceSpec], AnyReading]
    sample_times: Callable[[Any, Any, object, int, int, SourceSpec], list[list[float]]]


TARGET_READERS: Mapping[CounterKind, TargetReader] = {
    CounterKind.CONVENTION: TargetReader(
        convention_targets.known_targets, convention_targets.silent_reading, convention_targets.sample_times
    ),
    CounterKind.TEMPLATES: TargetReader(
        template_targets.known_targets, template_targets.silent_reading, template_targets.sample_times
    ),
}


def target_reader(request: AnyRequest) -> TargetReader:
    """How the targets are found that a request's counters come from."""
    return TARGET_READERS[CounterKind.CONVENTION if isinstance(request, CountRequest) else CounterKind.TEMPLATES]


def is_silent(answer: AnyReading | MetricsFailure | None, variants: Sequence[str], stale_after: float) -> bool:
    """Whether counters of a variant that should have requests are absent or too old."""
    if answer is None or isinstance(answer, MetricsFailure):
        return answer is not None and answer.kind is FailureKind.NO_DATA
    newest = [answer.newest_sample_at, *(answer.newest_of(variant) for variant in variants)]
    return any(each is None or answer.at - each > stale_after for each in newest)


def with_silence_explained(
    client: Any,
    requests: Sequence[AnyRequest],
    answers: Answers,
    at: int,
    source: SourceSpec,
    interval: Callable[[str], float],
) -> dict[str, AnyReading | MetricsFailure]:
    """The answers, in which counters that are silent because nothing was asked are a usable reading, and others a
    failure that names what is down or gone. Requests are of one kind.

    client: a source of instant and range vectors. interval: seconds between scrapes of a policy's targets.
    An answer stays as it is where the source cannot say more.
    """
    judged = dict(answers)
    bounds = {each.policy: stale_after(interval(each.policy)) for each in requests}
    silent = [
        each for each in requests if is_silent(answers.get(each.policy), each.liveness.variants, bounds[each.policy])
    ]
    if not silent:
        return judged
    try:
        found = _liveness(client, silent, at, source, bounds)
        for request in silent:
            alive = found[request.policy]
            if alive is not None:
                judged[request.policy] = _judged(request, answers[request.policy], alive, at, source)
        absent = [each for each in silent if _has_no_data(judged[each.policy]) and isinstance(each, CountRequest)]
        judged |= convention_targets.no_data_explained(client, absent, at, source)
    except MetricsFailure:
        return judged  # what the source said of the counters is true, and says enough
    return judged


def measured(
    client: Any,
    requests: Sequence[AnyRequest],
    answers: Answers,
    at: int,
    source: SourceSpec,
    intervals: ScrapeIntervals,
) -> ScrapeIntervals:
    """The intervals after those policies were measured that are due. A source that cannot tell is not asked again
    soon."""
    by_policy, intervals = {each.policy: each for each in requests}, intervals.begun(at)
    silent = [
        each.policy
        for each in requests
        if is_silent(answers[each.policy], each.liveness.variants, stale_after(intervals.interval(each.policy)))
    ]
    read = [policy for policy, answer in answers.items() if not isinstance(answer, MetricsFailure)]
    for policy in intervals.due(read, silent, at):
        request, window = by_policy[policy], window_seconds(intervals.declared, silent=policy in silent)
        times: list[list[float]] = []
        with suppress(MetricsFailure):  # it says nothing of the counts, which were read
            times = target_reader(request).sample_times(client, request, answers[policy], at, window, source)
        intervals = intervals.with_measured(policy, measured_interval(times), at)
    return intervals


def _liveness(
    client: Any, silent: Sequence[AnyRequest], at: int, source: SourceSpec, bounds: Mapping[str, float]
) -> dict[str, float | MetricsFailure | None]:
    known = target_reader(silent[0]).known_targets(client, silent, source)
    questions = [
        LivenessQuestion(
            policy=each.policy,
            workload=each.liveness.workload,
            variants=each.liveness.variants,
            known=known.get(each.policy, ()),
            at=at,
            stale_after=bounds[each.policy],
        )
        for each in silent
    ]
    query = scrapes_query(questions, source.namespace_label)
    scrapes = scrapes_of(client.instant_vector(query, float(at)), source.namespace_label) if query else []
    return {question.policy: newest_scrape(question, scrapes) for question in questions}


def _judged(
    request: AnyRequest,
    answer: AnyReading | MetricsFailure,
    alive: float | MetricsFailure,
    at: int,
    source: SourceSpec,
) -> AnyReading | MetricsFailure:
    if isinstance(alive, MetricsFailure):
        return alive
    if isinstance(answer, MetricsFailure):
        return target_reader(request).silent_reading(request, at, alive, source)
    return replace(answer, newest_sample_at=max(alive, answer.newest_sample_at or alive))


def _has_no_data(answer: AnyReading | MetricsFailure) -> bool:
    return isinstance(answer, MetricsFailure) and answer.kind is FailureKind.NO_DATA
