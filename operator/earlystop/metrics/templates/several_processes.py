"""One series that several processes answer in turn, as the workers of a server that share a port and no counters.

Each scrape is answered by whichever worker takes it, so the series jumps between their counters, and a jump up would be
taken for growth. It is known by jumps down: a counter falls where its process began anew, and a copy of it may lag for
a moment, but neither shows a smaller value again and again that it had left behind long before.
Pure: it is told the series, and asks for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from earlystop.api.counts import Variant
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.templates.growth import CLOCK_SKEW_MS
from earlystop.metrics.templates.range_vectors import RawSeries, process_labels, start_times
from earlystop.metrics.templates.series_mark import Sample

HISTORY_SECONDS = 600
"""How far back the first look of a campaign reads: so many scrapes show each of a few workers."""
LONGEST_LAG_MS = 60_000
"""A copy that lags shows no value that its counter left behind so long ago."""
LEAST_SHARE, LEAST_VALUE = 0.5, 20
"""A counter that begins anew, as a collector's sum, has not a good part of what it had within the next scrape."""
FALLS, RISING_FALLS, FALLS_OF_ANY_KIND = 2, 3, 4
"""So many falls show several processes: of those that are no new beginning, of those that rise from one to the next,
and of any kind. Where a process does not say when it began, one more."""


def refusal_of_several(
    counters: Mapping[tuple[Variant, str], Sequence[RawSeries]],
    starts: Sequence[RawSeries],
    replica_label: str | None,
) -> str:
    """Why a series is of several processes, "" where none is. Parameters as for `observe`."""
    started = start_times(starts, replica_label)
    for (_, field), rows in counters.items():
        for row in rows:
            process = process_labels(row.labels, replica_label)
            samples = [
                Sample(at, int(float(text)), started.get((process, at)))
                for at, text in row.points
                if is_count(float(text))
            ]
            if are_of_several(samples):
                return _refusal(field, row)
    return ""


def are_of_several(samples: Sequence[Sample]) -> bool:
    """Whether the samples of one series, in order of time, are of several processes that answer in turn."""
    falls = list(_unexplained_falls(samples))
    more = any(each.start_ms is None for each in samples)
    values = [sample.value for sample, _ in falls]
    is_rising = len(falls) >= RISING_FALLS + more and values == sorted(values)
    sure = sum(not is_new for _, is_new in falls)
    return sure >= FALLS + more or is_rising or len(falls) >= FALLS_OF_ANY_KIND + more


def _unexplained_falls(samples: Sequence[Sample]) -> Iterable[tuple[Sample, bool]]:
    """Samples that fell below a value that was there long before, and whether each may be a new beginning; of two of
    them the series was up again between."""
    peaks: list[Sample] = []  # each sample that was larger than all before it
    above, fallen_from = 0, 0
    for sample in samples:
        left_behind = next((each for each in peaks if each.value > sample.value), None)
        if left_behind is None:
            peaks += [sample] if not peaks or sample.value > peaks[-1].value else []
        elif not _began_before(sample, left_behind):
            peaks, fallen_from = [sample], 0
        elif above > sample.value >= LEAST_VALUE and above >= fallen_from and _is_long_ago(left_behind, sample):
            yield sample, sample.value < LEAST_SHARE * above
            fallen_from = above
        above = sample.value


def _is_long_ago(earlier: Sample, sample: Sample) -> bool:
    return sample.at_ms - earlier.at_ms > LONGEST_LAG_MS


def _began_before(sample: Sample, earlier: Sample) -> bool:
    return sample.start_ms is None or sample.start_ms < earlier.at_ms - CLOCK_SKEW_MS


def _refusal(field: str, row: RawSeries) -> str:
    job, instance = (row.labels.get(name, "")[:80] for name in ("job", "instance"))
    return (
        f"the template for {field} finds a counter of job {job} at {instance} that falls again and again to values "
        "that it had left behind, while its process says that it did not begin anew: several processes answer in turn "
        "by one address, as workers of a server that share a port, or Pods behind a Service, and what each of them "
        "counts cannot be told apart; let the workers add up their counters (prometheus_client: "
        "PROMETHEUS_MULTIPROC_DIR), or have each Pod scraped by itself"
    )
