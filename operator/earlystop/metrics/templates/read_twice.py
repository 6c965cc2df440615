"""A process that is read once as a Pod, and once by a name or an address that is not the Pod's, as a Service's.

Labels do not show that both are one. That both began at the same moment, and that no counter of either is ever behind
what the other one showed before, does; then each event would be counted twice, and which of them to leave out nobody
but the source's owner can say.
Pure: it is told the series, and asks for none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from earlystop.api.counts import Variant
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.templates.growth import CLOCK_SKEW_MS
from earlystop.metrics.templates.range_vectors import RawSeries, process_labels, start_times
from earlystop.metrics.templates.series_mark import SeriesId
from earlystop.metrics.templates.vantage import Targets, series_id, whereabouts

Points = Sequence[tuple[int, int]]
"""Unix milliseconds and the value of a counter, in order of time."""


_Pair = tuple[int, frozenset[tuple[str, str]]]
"""The moment at which two processes began, and what names each."""


class _Read(NamedTuple):
    """What one row showed of a process that began at one moment, in Unix milliseconds."""

    start: int
    key: SeriesId
    row: RawSeries
    points: list[tuple[int, int]]


def refusal_of_names(
    counters: Mapping[tuple[Variant, str], Sequence[RawSeries]],
    starts: Sequence[RawSeries],
    targets: Targets,
    replica_label: str | None,
) -> str:
    """Why rows at different addresses are one process, "" where none are. Parameters as for `observe`.

    Two that begin at the same moment and share their requests evenly may rise together in one counter by chance, so
    that no other counter of the two may contradict it.
    """
    if all(whereabouts(row.labels, targets.of(row.labels))[0] for rows in counters.values() for row in rows):
        return ""  # each has its Pod's name, by which processes are told apart
    refusals: dict[_Pair, str] = {}
    different: set[_Pair] = set()
    for (_, field), one, other in _of_one_start(counters, starts, targets, replica_label):
        if not _may_be_one(one.key, other.key):
            continue
        pair = one.start, frozenset({_process(one.key), _process(other.key)})
        if rise_together(one.points, other.points):
            refusals.setdefault(pair, _refusal(field, one, other))
        elif not _never_behind(one.points, other.points):
            different.add(pair)
    return next((refusal for pair, refusal in refusals.items() if pair not in different), "")


def _of_one_start(
    counters: Mapping[tuple[Variant, str], Sequence[RawSeries]],
    starts: Sequence[RawSeries],
    targets: Targets,
    replica_label: str | None,
) -> Iterator[tuple[tuple[Variant, str], _Read, _Read]]:
    """Each two rows of one counter that are of processes that began at the same moment."""
    started = start_times(starts, replica_label)
    for (variant, field), rows in counters.items():
        reads: defaultdict[tuple[int, str], dict[int, _Read]] = defaultdict(dict)
        for number, row in enumerate(rows):
            key = series_id(variant, field, row.labels, targets, replica_label)
            of_process = process_labels(row.labels, replica_label)
            for at, text in row.points:
                start = started.get((of_process, at))
                if start is not None and is_count(float(text)):
                    read = reads[start, key.child].setdefault(number, _Read(start, key, row, []))
                    read.points.append((at, int(float(text))))
        for alike in reads.values():
            for one, other in combinations(alike.values(), 2):
                yield (variant, field), one, other


def rise_together(one: Points, other: Points) -> bool:
    """Whether two counters grew over the same time and may be one: at no moment was either behind what the other had
    shown before, but for the difference of clocks."""
    grew = all(each[0][1] < each[-1][1] for each in (one, other))
    over_the_same_time = max(one[0][0], other[0][0]) < min(one[-1][0], other[-1][0])
    return grew and over_the_same_time and _never_behind(one, other)


def _never_behind(one: Points, other: Points) -> bool:
    """Whether each value of the first lies between what the second showed before and after it."""
    moments = [at for at, _ in other]
    for at, value in one:
        before = bisect_right(moments, at - CLOCK_SKEW_MS) - 1
        after = bisect_left(moments, at + CLOCK_SKEW_MS)
        if before >= 0 and other[before][1] > value:
            return False
        if after < len(other) and other[after][1] < value:
            return False
    return True


def _process(key: SeriesId) -> tuple[str, str]:
    return key.target, key.address


def _may_be_one(one: SeriesId, other: SeriesId) -> bool:
    """Whether these are counted as two processes, and one of them is known by its address alone."""
    by_address = any(each.address and each.address == each.target for each in (one, other))
    return by_address and one.target != other.target and one.host != other.host


def _refusal(field: str, one: _Read, other: _Read) -> str:
    by_address, by_other = sorted((one, other), key=lambda each: each.key.address != each.key.target)
    (job, instance), (other_job, other_instance) = (
        (each.row.labels.get("job", "")[:80], each.row.labels.get("instance", "")[:80])
        for each in (by_address, by_other)
    )
    return (
        f"the template for {field} finds counters of job {job} at {instance} and of job {other_job} at "
        f"{other_instance} that began at the same moment and rise together: one process is read twice, once by "
        "another name of it or by a Service, and its events would be counted twice; let the template select one of "
        "the two jobs, or give both targets the label pod"
    )
