"""How much of a counter's next sample is proven to be new, and how much may be: pure, one series at a time.

A value is believed before a start time: exporters restart and their counters go on, collectors forget and remember, and
servers read theirs back from a disk, at any earlier value. So what a process shows first proves nothing, also where it
fell: what it began with and what it has counted since are one number. Only what a later sample shows above it is
certain, and above the peak where nothing says that another process counts.
"""

from __future__ import annotations

from earlystop.metrics.templates.series_mark import Sample, SeriesMark

CLOCK_SKEW_MS = 2_000
"""Start times come from the target's clock, sample times from the scraper's; they may differ by this much."""
SAME_START_MS = 1_000
"""Exporters that derive their start from the uptime report it with jitter; a process that lives shorter is unseen."""


def born(sample: Sample, since_ms: int) -> SeriesMark:
    """The first sample of a series, in the step that is open since `since_ms`: where it began, nobody can say."""
    return SeriesMark(
        at_ms=sample.at_ms,
        value=sample.value,
        peak=sample.value,
        start_ms=sample.start_ms,
        counted=0,
        uncertain=sample.value if sample.at_ms > since_ms else 0,
        first_ms=sample.at_ms,
        peak_at_ms=sample.at_ms,
    )


def grown(mark: SeriesMark, sample: Sample, since_ms: int, stood_in: bool = False) -> SeriesMark:
    """The next sample of a known series, in the step that is open since `since_ms`.

    stood_in: whether another series may have counted in its place since the sample before.
    """
    restart = restarted(mark, sample)
    certain, possible = _growth(mark, sample, since_ms, restart, stood_in)
    below = not restart and sample.value < mark.peak
    return SeriesMark(
        at_ms=sample.at_ms,
        value=sample.value,
        peak=mark.peak if below else sample.value,
        start_ms=_start(mark, sample),
        counted=mark.counted + certain,
        uncertain=mark.uncertain + possible - certain,
        first_ms=mark.first_ms,
        peak_at_ms=_peak_at(mark) if below else sample.at_ms,
    )


def restarted(mark: SeriesMark, sample: Sample) -> bool:
    """Whether it is proven that another process counts now: it began since the sample before, and the value fell."""
    if sample.start_ms is None or sample.start_ms < mark.at_ms - CLOCK_SKEW_MS:
        return False
    later = mark.start_ms is None or sample.start_ms - mark.start_ms > SAME_START_MS
    return later and sample.value < mark.peak


def _growth(mark: SeriesMark, sample: Sample, since_ms: int, restart: bool, stood_in: bool) -> tuple[int, int]:
    """What is certain, and the most that is possible."""
    if sample.at_ms <= since_ms:
        return 0, 0
    if restart:
        return 0, sample.value  # it may go on from what was saved before
    moved = _start_moved(mark, sample)
    # A drop that is no restart may be a copy that lags, or another process behind the same name.
    possible = sample.value if moved or sample.value < mark.value else sample.value - mark.value
    # A start that moved to before the last sample is of another process behind the same name.
    older = bool(moved) and sample.start_ms is not None and sample.start_ms < mark.at_ms - CLOCK_SKEW_MS
    if stood_in or older or _peak_at(mark) < since_ms:
        return 0, possible  # it may have grown elsewhere, or before the step began
    return max(0, sample.value - mark.peak), possible


def _start_moved(mark: SeriesMark, sample: Sample) -> int:
    """How many milliseconds the start time moved, 0 for none or jitter or where it is not known."""
    if mark.start_ms is None or sample.start_ms is None:
        return 0
    moved = sample.start_ms - mark.start_ms
    return moved if abs(moved) > SAME_START_MS else 0


def _start(mark: SeriesMark, sample: Sample) -> int | None:
    return sample.start_ms if mark.start_ms is None or _start_moved(mark, sample) else mark.start_ms


def _peak_at(mark: SeriesMark) -> int:
    return mark.at_ms if mark.peak_at_ms is None else mark.peak_at_ms
