"""From range vectors of counters that others export to what the reset ledger takes: pure.

Ask with the instant query `selector[window]`: only that returns samples as they were scraped. `query_range` does not.
The start times are joined by target and moment: all series of one scrape share its timestamp.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.templates.reset_ledger import Observed, Sample, SeriesId

TARGET_LABELS = ("namespace", "pod", "container", "job", "instance")
"""Labels that the scraper gives to every series of a target, `up` and `process_start_time_seconds` among them."""


class RawSeries(NamedTuple):
    """One series of a range vector. points: (Unix milliseconds, value as text), in order of time."""

    labels: Mapping[str, str]
    points: Sequence[tuple[int, str]]


def raw_series(result: Any, place: str) -> list[RawSeries]:
    """The `result` of an answer of type matrix, from its JSON. place: names the source in messages.

    Raises MetricsFailure (Malformed) for anything else; native histograms have no `values` and are refused.
    """
    try:
        if type(result) is not list:
            raise TypeError
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
) -> dict[SeriesId, Observed]:
    """What to pass to `reset_ledger.look`, of counters by variant and field of `Tally`.

    starts: `process_start_time_seconds` and ups: `up` of the same targets in the same window; both may be missing, and
    then less is certain. replica_label: names the scraper of an HA pair.
    Raises MetricsFailure (NotACount) for a series whose newest value is no count, see `source/sample_value.py`.
    """
    started = {
        (_target(series.labels, replica_label), at): round(float(value) * 1000)
        for series in starts
        for at, value in series.points
        if isfinite(float(value))
    }
    good = {_target(series.labels, replica_label): [at for at, up in series.points if up == "1"] for series in ups}
    answer: dict[SeriesId, Observed] = {}
    for (variant, field), rows in counters.items():
        for series in rows:
            target = _target(series.labels, replica_label)
            samples = [
                Sample(at, count, started.get((target, at))) for at, count in _counts(series.points, variant, field)
            ]
            if samples:
                key = SeriesId(variant, field, _identity(series.labels, replica_label), _replica(series, replica_label))
                answer[key] = Observed(samples, _absent(good.get(target, ()), samples[0].at_ms))
    return answer


def _number(value: object) -> str:
    text = str(value)
    float(text)
    return text


def _counts(points: Sequence[tuple[int, str]], variant: Variant, field: str) -> list[tuple[int, int]]:
    """The points that are counts. Raises MetricsFailure (NotACount) when the newest point is none."""
    if points and not is_count(float(points[-1][1])):
        text = points[-1][1]
        raise MetricsFailure(FailureKind.NOT_A_COUNT, f"the counter for {field}, variant {variant}, is {text}")
    return [(at, int(float(text))) for at, text in points if is_count(float(text))]


def _absent(good: Sequence[int], first: int) -> int | None:
    """The last good scrape before the first sample."""
    index = bisect_left(good, first) - 1
    return good[index] if index >= 0 else None


def _target(labels: Mapping[str, str], replica_label: str | None) -> tuple[str, ...]:
    names = TARGET_LABELS if replica_label is None else (*TARGET_LABELS, replica_label)
    return tuple(labels.get(name, "") for name in names)


def _identity(labels: Mapping[str, str], replica_label: str | None) -> str:
    """A short name of all labels but the replica's: 12 hex digits, so that the packed ledger stays small."""
    kept = sorted((name, text) for name, text in labels.items() if name != replica_label)
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:12]


def _replica(series: RawSeries, replica_label: str | None) -> str:
    return "" if replica_label is None else series.labels.get(replica_label, "")
