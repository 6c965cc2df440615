"""From range vectors of counters that others export to what the reset ledger takes: pure.

Ask with the instant query `selector[window]`: only that returns samples as they were scraped. `query_range` does not.
A 0 at a moment without a scrape is none that a process has shown: Prometheus writes one at the time of creation that an
exposition claims (`created-timestamp-zero-ingestion`), and that may be an exporter's own.
The start times are joined by target and moment: all series of one scrape share its timestamp. `up` says which labels
are the target's and which the process's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.templates.growth import CLOCK_SKEW_MS
from earlystop.metrics.templates.series_mark import Observed, Sample, SeriesId
from earlystop.metrics.templates.vantage import EXPORTED, Targets, extended_rows, series_id

TARGET_LABELS = ("namespace", "pod", "container", "job", "instance", f"{EXPORTED}job", f"{EXPORTED}instance")
"""Labels by which a start time is joined to the counters of the same process. What a gateway exports of others is told
by the last two from its own start."""


class RawSeries(NamedTuple):
    """One series of a range vector. points: (Unix milliseconds, value as text), in order of time."""

    labels: Mapping[str, str]
    points: Sequence[tuple[int, str]]


def raw_series(result: Any, place: str) -> list[RawSeries]:
    """The `result` of an answer of type matrix, from its JSON. place: names the source in messages.

    Raises MetricsFailure: NotACount for native histograms, whose buckets are no counter, Malformed for anything else.
    """
    try:
        if type(result) is not list:
            raise TypeError
        if any(row.get("histograms") for row in result):
            what = f"{place} has native histograms under a template's name; name a counter that is a number"
            raise MetricsFailure(FailureKind.NOT_A_COUNT, what)
        return [
            RawSeries(
                {str(name): str(text) for name, text in row["metric"].items()},
                [(round(float(at) * 1000), _number(value)) for at, value in row["values"]],
            )
            for row in result
        ]
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        pass  # the error quotes the answer
    raise MetricsFailure(FailureKind.MALFORMED, f"the answer of {place} is not a range vector of counters")


def observe(
    counters: Mapping[tuple[Variant, str], Sequence[RawSeries]],
    starts: Sequence[RawSeries] = (),
    ups: Sequence[RawSeries] = (),
    replica_label: str | None = None,
    about: Sequence[RawSeries] = (),
) -> dict[SeriesId, Observed]:
    """What to pass to `reset_ledger.look`, of counters by variant and field of `Tally`.

    starts: `process_start_time_seconds` and ups: `up` of the same targets in the same window; both may be missing, and
    then less is certain. replica_label: names the scraper of an HA pair. about: further series of the same processes,
    each of which has one, see `Targets`.
    Raises MetricsFailure (NotACount) for a series whose newest value is no count, see `source/sample_value.py`.
    """
    started = start_times(starts, replica_label)
    targets = targets_of(starts, ups, about)
    scraped = {process_labels(series.labels, replica_label): {at for at, _ in series.points} for series in ups}
    answer: dict[SeriesId, Observed] = {}
    for (variant, field), rows in counters.items():
        extended = extended_rows([series.labels for series in rows], targets)
        for series, is_extended in zip(rows, extended, strict=True):
            target = process_labels(series.labels, replica_label)
            samples = [
                Sample(at, count, started.get((target, at)))
                for at, count in _counts(series.points, variant, field)
                if count or target not in scraped or at in scraped[target]
            ]
            if samples:
                key = series_id(variant, field, series.labels, targets, replica_label, is_extended)
                answer[key] = Observed(samples)
    return answer


def targets_of(starts: Sequence[RawSeries], ups: Sequence[RawSeries], about: Sequence[RawSeries] = ()) -> Targets:
    """What these series tell of the processes that counters are of."""
    return Targets((each.labels for each in ups), (each.labels for each in (*starts, *about)))


def start_times(
    starts: Sequence[RawSeries], replica_label: str | None
) -> dict[tuple[tuple[str, ...], int], int | None]:
    """Start times by target and moment, in milliseconds. One that lies in the future, or that contradicts another of
    the same scrape, is none: None."""
    started: dict[tuple[tuple[str, ...], int], int | None] = {}
    for series in starts:
        target = process_labels(series.labels, replica_label)
        for at, text in series.points:
            seconds = float(text)
            sound = isfinite(seconds) and 0 <= 1000 * seconds <= at + CLOCK_SKEW_MS
            moment = round(1000 * seconds) if sound else None
            started[target, at] = moment if started.get((target, at), moment) == moment else None
    return started


def _number(value: object) -> str:
    text = str(value)
    float(text)
    return text


def _counts(points: Sequence[tuple[int, str]], variant: Variant, field: str) -> list[tuple[int, int]]:
    """The points that are counts. Raises MetricsFailure (NotACount) when the newest point is none."""
    if points and not is_count(float(points[-1][1])):
        # As a float it has few characters, whatever the source wrote.
        value = float(points[-1][1])
        raise MetricsFailure(FailureKind.NOT_A_COUNT, f"the counter for {field}, variant {variant}, is {value}")
    return [(at, int(float(text))) for at, text in points if is_count(float(text))]


def process_labels(labels: Mapping[str, str], replica_label: str | None) -> tuple[str, ...]:
    """The values of labels by which a start time is joined to the counters of the same process."""
    names = TARGET_LABELS if replica_label is None else (*TARGET_LABELS, replica_label)
    return tuple(labels.get(name, "") for name in names)
