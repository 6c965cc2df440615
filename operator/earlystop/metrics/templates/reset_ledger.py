"""Counts from counters of others (engines, gateways), which restart at 0 and were running before anyone looked.

A watermark per series, the last sample that was used, makes overlapping and repeated reads harmless. Only growth that
is proven to lie within the open step is counted; growth that may lie in it is carried openly as a remainder. So with
start times of all processes, and samples that are final when they are read,

    counted <= true <= counted + uncertain + what no scrape saw before a process ended.

Without start times a restart shows only as a drop: then the left side still holds, and `is_blind` says so.
Everything here is a pure function of the ledger and of samples that no longer change; times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.presets import CounterKind

CLOCK_SKEW_MS = 2_000
"""Start times come from the target's clock, sample times from the scraper's; they may differ by this much."""
SAME_START_MS = 1_000
"""Exporters that derive their start from the uptime report it with jitter; a process that lives shorter is unseen."""


class Sample(NamedTuple):
    """at_ms: when it was scraped; value: the counter, >= 0; start_ms: its process's start, None when unknown."""

    at_ms: int
    value: int
    start_ms: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class SeriesId:
    """One counter as one scraper sees it.

    field: a field of `Tally`; target: names the labels of the series without the replica's; replica: the scraper
    ("" for a single one). Series that differ in the replica alone are the same counter and are never added.
    """

    variant: Variant
    field: str
    target: str
    replica: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """The samples of one series in any order, overlaps included.

    absent_at_ms: a moment before its first sample at which its target was scraped well and did not have it yet.
    """

    samples: Sequence[Sample]
    absent_at_ms: int | None = None


class Watermark(NamedTuple):
    """What is known of one series.

    at_ms, value, start_ms: the last sample that was used; peak: the largest value of the present process;
    counted: events proven to lie in the open step; uncertain: further events that may.
    """

    at_ms: int
    value: int
    peak: int
    start_ms: int | None
    counted: int
    uncertain: int


class Amount(NamedTuple):
    """counted: proven; uncertain: how many more there may be."""

    counted: int = 0
    uncertain: int = 0

    def plus(self, other: Amount) -> Amount:
        """Sums of both."""
        return Amount(self.counted + other.counted, self.uncertain + other.uncertain)


Place = tuple[int, Variant, str]
"""Step, variant and field of a count."""


@dataclass(frozen=True, slots=True)
class ResetLedger:
    """Counts of the open `step`, which began at `since_ms`, and of the steps before it. Immutable.

    forgotten_ms: newest sample of any series that was dropped, 0 for none; folded: sums of closed steps and of
    dropped series; queries: a name without blanks of what was asked for, "" where it is not known.
    """

    KIND: ClassVar[CounterKind] = CounterKind.TEMPLATES

    step: int
    since_ms: int
    forgotten_ms: int = 0
    series: Mapping[SeriesId, Watermark] = field(default_factory=dict)
    folded: Mapping[Place, Amount] = field(default_factory=dict)
    queries: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", MappingProxyType(dict(self.series)))
        object.__setattr__(self, "folded", MappingProxyType(dict(self.folded)))


class Seen(NamedTuple):
    """A ledger after a look, and the series whose stored past has changed: their source must not be trusted."""

    ledger: ResetLedger
    rewritten: tuple[SeriesId, ...]


def look(ledger: ResetLedger, observed: Mapping[SeriesId, Observed]) -> Seen:
    """The ledger after these samples. Looking again at the same or at older samples changes nothing.

    A value that differs from the one that was read before at the same moment is not used and names its series in
    `rewritten`: the source's deduplication or its storage changed. Raises ValueError for a value below 0.
    """
    series = dict(ledger.series)
    rewritten = []
    for key, one in observed.items():
        mark = series.get(key)
        for sample in sorted(one.samples, key=lambda sample: sample.at_ms):
            if sample.value < 0:
                raise ValueError(f"{key} holds the value {sample.value}; a counter is never below 0")
            if mark is not None and sample.at_ms <= mark.at_ms:
                if sample.at_ms == mark.at_ms and sample.value != mark.value:
                    rewritten.append(key)
                continue
            if mark is not None:
                mark = _grown(mark, sample, ledger)
            elif sample.at_ms > ledger.forgotten_ms:
                mark = _born(sample, one.absent_at_ms, ledger)
        if mark is not None:
            series[key] = mark
    return Seen(replace(ledger, series=series), tuple(dict.fromkeys(rewritten)))


def open_step(ledger: ResetLedger, step: int, at_ms: int) -> ResetLedger:
    """Closes the open step and begins `step` (a later one) at `at_ms`, which is not before the open one's beginning.

    What was counted is folded; the watermarks stay, so the first growth of the new step is known.
    """
    if step <= ledger.step or at_ms < ledger.since_ms:
        raise ValueError(f"step {step} at {at_ms} does not follow step {ledger.step}, open since {ledger.since_ms}")
    folded = _add(ledger.folded, ledger.step, ledger.series)
    series = {key: mark._replace(counted=0, uncertain=0) for key, mark in ledger.series.items()}
    return replace(ledger, step=step, since_ms=at_ms, series=series, folded=folded)


def drop_silent(ledger: ResetLedger, before_ms: int) -> ResetLedger:
    """Folds counters of which no scraper has a sample at or after `before_ms`, and forgets their series.

    One that comes back nevertheless is never counted twice: its process began before it was forgotten, so all of its
    value goes to the remainder.
    """
    silent: dict[SeriesId, Watermark] = {}
    for _, replicas in _counters(ledger.series):
        if all(mark.at_ms < before_ms for mark in replicas.values()):
            silent.update(replicas)
    if not silent:
        return ledger
    return replace(
        ledger,
        series={key: mark for key, mark in ledger.series.items() if key not in silent},
        folded=_add(ledger.folded, ledger.step, silent),
        forgotten_ms=max(ledger.forgotten_ms, *(mark.at_ms for mark in silent.values())),
    )


def drop_steps_before(ledger: ResetLedger, step: int) -> ResetLedger:
    """The ledger without the sums of closed steps, which are evidence already."""
    return replace(ledger, folded={place: amount for place, amount in ledger.folded.items() if place[0] >= step})


def totals(ledger: ResetLedger, step: int) -> dict[Variant, Tally]:
    """What is proven of one step; both variants appear."""
    return _tallies(_of_step(ledger, step), lambda amount: amount.counted)


def uncertain(ledger: ResetLedger, step: int) -> dict[Variant, Tally]:
    """How many more events each count of one step may have missed; both variants appear."""
    return _tallies(_of_step(ledger, step), lambda amount: amount.uncertain)


def newly_uncertain(before: ResetLedger, after: ResetLedger) -> dict[Variant, Tally]:
    """How many more events than were counted one look from `before` to `after`, of the same open step, may have seen.

    Of several scrapers the one that may have seen most: what happened between the looks is never more.
    """
    sums: dict[Place, Amount] = {}
    for key, replicas in _counters(after.series):
        known = {each: before.series.get(each) for each in replicas}
        old = max((mark.counted for mark in known.values() if mark), default=0)
        counted = max(mark.counted for mark in replicas.values()) - old
        most = max(_most(mark) - (_most(mine) if (mine := known[each]) else 0) for each, mark in replicas.items())
        place = (after.step, key.variant, key.field)
        sums[place] = sums.get(place, Amount()).plus(Amount(0, max(0, most - counted)))
    return _tallies(
        {(variant, name): amount for (_, variant, name), amount in sums.items()}, lambda each: each.uncertain
    )


def is_blind(ledger: ResetLedger) -> bool:
    """Whether some series has no start time: then a restart can hide, and `uncertain` is no upper bound."""
    return any(mark.start_ms is None for mark in ledger.series.values())


def _born(sample: Sample, absent_at_ms: int | None, ledger: ResetLedger) -> Watermark:
    """The first sample of a series. All of its value counts only if the series began at 0 within the open step."""
    mark = Watermark(sample.at_ms, sample.value, sample.value, sample.start_ms, 0, 0)
    if sample.at_ms <= ledger.since_ms:
        return mark
    earliest = max(ledger.since_ms, ledger.forgotten_ms)
    started_within = sample.start_ms is not None and sample.start_ms > earliest + CLOCK_SKEW_MS
    absent_within = absent_at_ms is not None and earliest < absent_at_ms < sample.at_ms
    if started_within or absent_within:
        return mark._replace(counted=sample.value)
    return mark._replace(uncertain=sample.value)


def _grown(mark: Watermark, sample: Sample, ledger: ResetLedger) -> Watermark:
    """The next sample of a known series."""
    restart = _restarted(mark, sample)
    # A drop without a restart is a reader's artefact: until the old peak is passed, nothing is surely new.
    certain = sample.value if restart else max(0, sample.value - mark.peak)
    possible = certain if restart else _possible_growth(mark, sample)
    peak = sample.value if restart else max(mark.peak, sample.value)
    if sample.at_ms <= ledger.since_ms:
        certain = possible = 0
    elif mark.at_ms < ledger.since_ms and not (restart and _started_within(sample, ledger)):
        certain = 0  # it may have grown before the step began
    return Watermark(
        sample.at_ms,
        sample.value,
        peak,
        sample.start_ms if sample.start_ms is not None and (restart or mark.start_ms is None) else mark.start_ms,
        mark.counted + certain,
        mark.uncertain + possible - certain,
    )


def _started_within(sample: Sample, ledger: ResetLedger) -> bool:
    return sample.start_ms is not None and sample.start_ms > ledger.since_ms + CLOCK_SKEW_MS


def _restarted(mark: Watermark, sample: Sample) -> bool:
    """Whether another process counts now: by its start time where both are known, else by the drop of the value."""
    if mark.start_ms is None or sample.start_ms is None:
        return sample.value < mark.value
    later = sample.start_ms - mark.start_ms > SAME_START_MS
    return later and sample.start_ms >= mark.at_ms - CLOCK_SKEW_MS


def _possible_growth(mark: Watermark, sample: Sample) -> int:
    """The most that may have been counted between two samples that show no sure restart."""
    unsure_start = (
        mark.start_ms is not None
        and sample.start_ms is not None
        and abs(sample.start_ms - mark.start_ms) > SAME_START_MS
    )
    if unsure_start or sample.value < mark.value:
        return sample.value
    return sample.value - mark.value


def _counters(series: Mapping[SeriesId, Watermark]) -> Iterator[tuple[SeriesId, dict[SeriesId, Watermark]]]:
    """Each counter, named by one of its series, with the series of all its scrapers."""
    for _, group in groupby(sorted(series), key=lambda key: (key.variant, key.field, key.target)):
        keys = list(group)
        yield keys[0], {key: series[key] for key in keys}


def _most(mark: Watermark) -> int:
    return mark.counted + mark.uncertain


def _add(folded: Mapping[Place, Amount], step: int, series: Mapping[SeriesId, Watermark]) -> dict[Place, Amount]:
    """Sums over counters. Of several scrapers the one that saw most counts: each alone is never above the truth."""
    sums = dict(folded)
    for key, replicas in _counters(series):
        counted = max(mark.counted for mark in replicas.values())
        most = max(mark.counted + mark.uncertain for mark in replicas.values())
        if most:
            place = (step, key.variant, key.field)
            sums[place] = sums.get(place, Amount()).plus(Amount(counted, most - counted))
    return sums


def _of_step(ledger: ResetLedger, step: int) -> dict[tuple[Variant, str], Amount]:
    sums = _add(ledger.folded, step, ledger.series) if step == ledger.step else ledger.folded
    return {(variant, name): amount for (mine, variant, name), amount in sums.items() if mine == step}


def _tallies(amounts: Mapping[tuple[Variant, str], Amount], part: Callable[[Amount], int]) -> dict[Variant, Tally]:
    return {
        variant: Tally(*(part(amounts.get((variant, name), Amount())) for name in TALLY_FIELDS)) for variant in Variant
    }
