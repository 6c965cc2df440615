"""Whether a counter goes on under another name: by relabelling, an exporter in a new Pod, or a collector that forgot.

Two names may be of one counter where the one is read only while the other is not. Then the growth over an absence
proves no events that were not counted under the other name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from statistics import median_low

from earlystop.metrics.templates.series_mark import Sample, SeriesId, SeriesMark


class StandIns:
    """The moments at which the series of a ledger and of a reading are known to have been there."""

    def __init__(self, known: Mapping[SeriesId, SeriesMark], read: Mapping[SeriesId, Sequence[Sample]]) -> None:
        self._known, self._read = known, read
        self._by_field: defaultdict[tuple[str, str], list[SeriesId]] = defaultdict(list)
        self._siblings: defaultdict[tuple[str, ...], list[SeriesId]] = defaultdict(list)
        for key in {**known, **read}:
            self._by_field[key.variant, key.field].append(key)
            self._siblings[key.variant, key.field, *key.way].append(key)
        self._times: dict[SeriesId, list[int]] = {}
        self._firsts: dict[tuple[str, str], list[tuple[int, SeriesId]]] = {}

    def counted_between(self, key: SeriesId, after_ms: int, at_ms: int) -> bool:
        """Whether another series may have counted the same events between two samples of a series.

        Of the same way: one that was scraped between them and not with the later one, while the series was away. Of
        another process: one of the same labels that appeared, was read twice and vanished between them.
        """
        for other in self._other_children(key):
            times = self._times_of(other)
            between = bisect_right(times, after_ms) < bisect_left(times, at_ms)
            if between and not _holds(times, at_ms) and self._was_away(key, after_ms, at_ms):
                return True
        return any(
            other.target != key.target and other.child == key.child and len(times) > 1 and times[-1] < at_ms
            for other, times in self._appeared_between(key, after_ms, at_ms)
        )

    def _was_away(self, key: SeriesId, after_ms: int, at_ms: int) -> bool:
        """Whether a gap between two samples is longer than the way's usual one: some stores give each series moments of
        its own, and then others lie between any two. What is usual is learnt from other gaps between samples that were
        read; where there are none, nobody can say that it was there."""
        way = (self._read.get(each, ()) for each in self._siblings[key.variant, key.field, *key.way])
        pairs = ((one.at_ms, other.at_ms) for samples in way for one, other in pairwise(samples))
        gaps = [later - earlier for earlier, later in pairs if (earlier, later) != (after_ms, at_ms)]
        return not gaps or at_ms - after_ms > 1.5 * median_low(gaps)

    def _other_children(self, key: SeriesId) -> Iterator[SeriesId]:
        return (other for other in self._siblings[key.variant, key.field, *key.way] if other != key)

    def _appeared_between(self, key: SeriesId, after_ms: int, at_ms: int) -> Iterator[tuple[SeriesId, list[int]]]:
        place = (key.variant, key.field)
        if place not in self._firsts:
            self._firsts[place] = sorted((self._times_of(other)[0], other) for other in self._by_field[place])
        firsts = self._firsts[place]
        for index in range(bisect_right(firsts, after_ms, key=_moment), bisect_left(firsts, at_ms, key=_moment)):
            yield firsts[index][1], self._times_of(firsts[index][1])

    def _times_of(self, key: SeriesId) -> list[int]:
        """Moments at which a series is known to have been there, in order; of old ones the first and the last."""
        if key not in self._times:
            mark = self._known.get(key)
            # A ledger of an earlier release does not say when it first saw a series: long ago.
            old = () if mark is None else (0 if mark.first_ms is None else mark.first_ms, mark.at_ms)
            read = (sample.at_ms for sample in self._read.get(key, ()))
            self._times[key] = sorted(set(chain(old, read)))
        return self._times[key]


def _holds(times: Sequence[int], moment: int) -> bool:
    index = bisect_left(times, moment)
    return index < len(times) and times[index] == moment


def _moment(entry: tuple[int, SeriesId]) -> int:
    return entry[0]
