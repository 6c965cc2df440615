"""Whether a counter that is read for the first time was 0 when its process began.

The start time says when a process began, and not that the counters are its own: an exporter restarts, and they go on.
So it is believed where the process is new too, or where other counters of the target fell to 0 with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from earlystop.metrics.templates.growth import CLOCK_SKEW_MS, born, grown, outlived_a_start, restarted
from earlystop.metrics.templates.series_mark import Sample, SeriesId, SeriesMark
from earlystop.metrics.templates.stand_ins import StandIns


class Births:
    """What a ledger and a reading say of the processes whose series appear."""

    def __init__(self, known: Mapping[SeriesId, SeriesMark], read: Mapping[SeriesId, Sequence[Sample]]) -> None:
        self.stand_ins = StandIns(known, read)
        self._fell: set[tuple[str, int | None]] = set()
        self._outlived: set[tuple[str, int | None]] = set()
        self._first_seen: dict[str, int] = {}
        for key, mark in known.items():
            self._note_sample(key.target, mark.at_ms if mark.first_ms is None else mark.first_ms)
        for key, samples in read.items():
            self._note_sample(key.target, samples[0].at_ms)
            self._follow(key.target, known.get(key), samples)

    def began_at_zero(self, key: SeriesId, sample: Sample, absent_at_ms: int | None) -> bool:
        """Whether the first sample of a series is all of its process's own.

        absent_at_ms: when the target was last scraped without the series, None for never. A client library shows a
        series from the start of its process or from the first event; a collector may also have forgotten it meanwhile.
        """
        assert sample.start_ms is not None  # only a process that says when it began can have begun within a step
        if (key.target, sample.start_ms) in self._outlived or self.stand_ins.goes_on(key, sample):
            return False
        if absent_at_ms is None and self._first_seen[key.target] >= sample.start_ms - CLOCK_SKEW_MS:
            return True
        fell_with_it = (key.target, sample.start_ms) in self._fell
        return fell_with_it and (absent_at_ms is None or absent_at_ms < sample.start_ms)

    def _note_sample(self, target: str, moment: int) -> None:
        self._first_seen[target] = min(moment, self._first_seen.get(target, moment))

    def _follow(self, target: str, mark: SeriesMark | None, samples: Sequence[Sample]) -> None:
        """Note which start times a known counter fell with, and which it outlived."""
        for sample in samples:
            if mark is None:
                mark = born(sample, 0, began_at_zero=False)
            elif sample.at_ms > mark.at_ms:
                if restarted(mark, sample):
                    self._fell.add((target, sample.start_ms))
                elif outlived_a_start(mark, sample):
                    self._outlived.add((target, sample.start_ms))
                mark = grown(mark, sample, 0)
