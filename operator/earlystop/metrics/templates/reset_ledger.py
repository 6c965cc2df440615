"""Counts from counters of others (engines, gateways), which restart at 0 and were running before anyone looked.

A mark per series, the last sample that was used, makes overlapping and repeated reads harmless. Only growth that
is proven to lie within the open step is counted; growth that may lie in it is carried openly as a remainder. So with
start times of all processes, and samples that are final when they are read,

    counted <= true <= counted + uncertain + what no scrape saw before a process ended,

and a restart costs the first sample after it: what it shows is uncertain.

Without start times a restart shows only as a drop, and nothing counts until the old peak is passed: then the left side
still holds, and `is_blind` says so. What the left side rests on stands in the README, under the preset Custom.
Everything here is a pure function of the ledger and of samples that no longer change; times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.presets import CounterKind
from earlystop.metrics.templates.growth import born, grown
from earlystop.metrics.templates.one_process import amount, counters
from earlystop.metrics.templates.series_mark import Amount, Observed, Sample, SeriesId, SeriesMark
from earlystop.metrics.templates.stand_ins import StandIns

__all__ = [
    "Observed",
    "ResetLedger",
    "Sample",
    "Seen",
    "SeriesId",
    "SeriesMark",
    "SumKey",
]

REQUESTS = ("started", "completed")
"""Fields of a tally that tell how many requests a variant had."""

SumKey = tuple[int, Variant, str]
"""Step, variant and field of a count."""


@dataclass(frozen=True, slots=True)
class ResetLedger:
    """Counts of the open `step`, which began at `since_ms`, and of the steps before it. Immutable.

    forgotten_ms: newest sample of any series that was dropped, 0 for none; forgotten: targets of these, for an earlier
    release that reads the ledger; folded: sums of closed steps and of dropped series; queries: a name without blanks of
    what was asked for, "" where it is not known.
    """

    KIND: ClassVar[CounterKind] = CounterKind.TEMPLATES

    step: int
    since_ms: int
    forgotten_ms: int = 0
    series: Mapping[SeriesId, SeriesMark] = field(default_factory=dict)
    folded: Mapping[SumKey, Amount] = field(default_factory=dict)
    queries: str = ""
    forgotten: frozenset[str] = frozenset()

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
    ordered = {key: sorted(one.samples, key=lambda sample: sample.at_ms) for key, one in observed.items()}
    stand_ins = StandIns(ledger.series, ordered)
    rewritten = []
    for key, samples in ordered.items():
        mark = series.get(key)
        for sample in samples:
            if sample.value < 0:
                raise ValueError(f"{key} holds the value {sample.value}; a counter is never below 0")
            if mark is not None and sample.at_ms <= mark.at_ms:
                if sample.at_ms == mark.at_ms and sample.value != mark.value:
                    rewritten.append(key)
                continue
            if mark is not None:
                stood_in = stand_ins.counted_between(key, mark.at_ms, sample.at_ms)
                mark = grown(mark, sample, ledger.since_ms, stood_in)
            elif sample.at_ms > ledger.forgotten_ms:
                mark = born(sample, ledger.since_ms)
        if mark is not None:
            series[key] = mark
    return Seen(replace(ledger, series=series), tuple(dict.fromkeys(rewritten)))


def open_step(ledger: ResetLedger, step: int, at_ms: int) -> ResetLedger:
    """Closes the open step and begins `step` (a later one) at `at_ms`, which is not before the open one's beginning.

    What was counted is folded; the marks stay, so the first growth of the new step is known.
    """
    if step <= ledger.step or at_ms < ledger.since_ms:
        raise ValueError(f"step {step} at {at_ms} does not follow step {ledger.step}, open since {ledger.since_ms}")
    folded = _add(ledger.folded, ledger.step, ledger.series)
    series = {key: mark._replace(counted=0, uncertain=0) for key, mark in ledger.series.items()}
    return replace(ledger, step=step, since_ms=at_ms, series=series, folded=folded)


def drop_silent(ledger: ResetLedger, before_ms: int) -> ResetLedger:
    """Folds counters of which no way has a sample at or after `before_ms`, and forgets their series.

    One that comes back nevertheless is never counted twice: all of its first value goes to the remainder, whenever its
    process says that it began.
    """
    silent: dict[SeriesId, SeriesMark] = {}
    for keys in counters(ledger.series):
        if all(ledger.series[key].at_ms < before_ms for key in keys):
            silent.update((key, ledger.series[key]) for key in keys)
    if not silent:
        return ledger
    return replace(
        ledger,
        series={key: mark for key, mark in ledger.series.items() if key not in silent},
        folded=_add(ledger.folded, ledger.step, silent),
        forgotten_ms=max(ledger.forgotten_ms, *(mark.at_ms for mark in silent.values())),
        forgotten=ledger.forgotten | {key.target for key in silent},
    )


def begun_anew(ledger: ResetLedger) -> ResetLedger:
    """The ledger without series that an earlier release named otherwise: their counts stay, under no name."""
    if all(key.vantage for key in ledger.series):
        return ledger
    return drop_silent(ledger, 1 + max(mark.at_ms for mark in ledger.series.values()))


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

    def new_of(key: SeriesId) -> tuple[int, int]:
        known = before.series.get(key)
        return 0, after.series[key].most - (known.most if known is not None else 0)

    sums: dict[SumKey, Amount] = {}
    for keys in counters(after.series):
        old, _ = amount((key for key in keys if key in before.series), lambda key: (before.series[key].counted, 0))
        counted, _ = amount(keys, lambda key: (after.series[key].counted, 0))
        _, most = amount(keys, new_of)
        place = (after.step, keys[0].variant, keys[0].field)
        sums[place] = sums.get(place, Amount()).plus(Amount(0, max(0, most - (counted - old))))
    return _tallies(
        {(variant, name): amount for (_, variant, name), amount in sums.items()}, lambda each: each.uncertain
    )


def is_blind(ledger: ResetLedger) -> bool:
    """Whether some process says in none of its ways when it began: then its restarts can hide, and `uncertain` is no
    upper bound."""
    told = {key.target for key, mark in ledger.series.items() if mark.start_ms is not None}
    return any(key.target not in told for key in ledger.series)


def fallen_requests(ledger: ResetLedger, variant: Variant) -> int:
    """Values of a variant's counters of requests that are below their peak, of processes that do not say when they
    began: their growth is not counted until the peak is passed."""
    return sum(
        mark.value
        for key, mark in ledger.series.items()
        if key.variant == variant and key.field in REQUESTS and mark.start_ms is None and mark.value < mark.peak
    )


def _add(folded: Mapping[SumKey, Amount], step: int, series: Mapping[SeriesId, SeriesMark]) -> dict[SumKey, Amount]:
    """Sums over counters, each counted once however many ways it was read."""
    sums = dict(folded)
    for keys in counters(series):
        counted, most = amount(keys, lambda key: (series[key].counted, series[key].most))
        if most:
            place = (step, keys[0].variant, keys[0].field)
            sums[place] = sums.get(place, Amount()).plus(Amount(counted, most - counted))
    return sums


def _of_step(ledger: ResetLedger, step: int) -> dict[tuple[Variant, str], Amount]:
    sums = _add(ledger.folded, step, ledger.series) if step == ledger.step else ledger.folded
    return {(variant, name): found for (mine, variant, name), found in sums.items() if mine == step}


def _tallies(amounts: Mapping[tuple[Variant, str], Amount], part: Callable[[Amount], int]) -> dict[Variant, Tally]:
    return {
        variant: Tally(*(part(amounts.get((variant, name), Amount())) for name in TALLY_FIELDS)) for variant in Variant
    }
