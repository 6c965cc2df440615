"""The largest value that was read of each counter that only grows, so that reading it again changes nothing.

Merging is a pointwise maximum: idempotent, commutative and associative. Overlapping, repeated, late or reordered
reads, crashes before or after a write, and both halves of an HA pair therefore all lead to the same counts. What
bounds a ledger, the compaction of processes that have ended, is in `compaction.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import ge
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from earlystop.api.counts import TALLY_FIELDS, Tally, total
from earlystop.api.presets import CounterKind
from earlystop.api.wire import ONE_CANDIDATE, UNASSIGNED
from earlystop.metrics.convention.ended_processes import (
    NOBODY,
    Ended,
    EndedLines,
    Start,
    SumKey,
    drop_before,
    ended_lines,
)
from earlystop.metrics.ledger_text import counts_text, is_count, tally_in, unword, word

MAX_LABEL = 64
"""Characters that a variant's label may have, as a server exposes it."""


class SeriesKey(NamedTuple):
    """Who counted what: step index >= 0, variant's label, query class, and the id of the process's start. A tuple,
    since each look asks for thousands of its hashes."""

    step: int
    variant: str
    query_class: str
    process: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The largest tally seen of each series, field by field; and what is kept of processes that are gone. Immutable."""

    KIND: ClassVar[CounterKind] = CounterKind.CONVENTION

    rows: Mapping[SeriesKey, Tally] = field(default_factory=dict)
    ended: Ended = NOBODY

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", MappingProxyType(dict(self.rows)))


class LedgerError(ValueError):
    """The packed text is not a ledger. Counts must not be guessed: restore the status or start a new campaign."""


def merge(ledger: Ledger, observed: Mapping[SeriesKey, Tally]) -> Ledger:
    """The ledger after seeing `observed`: for each key and field the larger value."""
    rows = dict(ledger.rows)
    for key, tally in observed.items():
        known = rows.get(key)
        rows[key] = tally if known is None else _larger(known, tally)
    return Ledger(rows, ledger.ended)


def _larger(known: Tally, seen: Tally) -> Tally:
    """Field by field. Counters only grow, so it nearly always is what was seen, and needs no Tally of its own."""
    before, now = known.row(), seen.row()
    return seen if all(map(ge, now, before)) else Tally(*map(max, before, now))


def totals(
    ledger: Ledger, step: int, query_class: str | None = None, variants: Sequence[str] = ONE_CANDIDATE
) -> dict[str, Tally]:
    """Counts of one step summed over processes, and over query classes unless one is named.

    Every label of `variants` appears, with zeros where nothing was seen of it, and no other.
    """
    tallies: dict[str, list[Tally]] = {str(variant): [] for variant in variants}
    counted: Iterable[tuple[SeriesKey | SumKey, Tally]] = chain(ledger.rows.items(), ledger.ended.sums.items())
    for key, tally in counted:
        if key.step == step and query_class in (None, key.query_class) and key.variant in tallies:
            tallies[key.variant].append(tally)
    return {variant: total(found) for variant, found in tallies.items()}


def evaluated_since(before: Ledger, after: Ledger, step: int, variants: Sequence[str]) -> dict[str, Tally]:
    """What evaluators have counted of one step from one ledger to a later one, by variant.

    They are the processes that complete requests and begin none: a server counts each request as started first.
    """
    servers = {key.process for key, tally in after.rows.items() if tally.started}
    sums = {str(variant): Tally() for variant in variants}
    for key, tally in after.rows.items():
        if key.step == step and key.process not in servers and key.variant in sums:
            sums[key.variant] += tally - before.rows.get(key, Tally())
    return sums


def in_flight(ledger: Ledger, step: int, variants: Sequence[str]) -> dict[str, int]:
    """Requests of one step that began and have not ended, by variant.

    An evaluator's answers end without having begun, so each process counts by itself. What was in flight in a process
    that is absent from the last reading has ended with it.
    """
    open_requests: Counter[tuple[str, str]] = Counter()
    for key, tally in ledger.rows.items():
        if key.step == step and Start(step, key.process) not in ledger.ended.silent:
            open_requests[key.variant, key.process] += tally.started - tally.completed - tally.failed
    sums = Counter({str(variant): 0 for variant in variants})
    for (variant, _), count in open_requests.items():
        sums[variant] += max(0, count)
    return {str(variant): sums[variant] for variant in variants}


def drop_steps_before(ledger: Ledger, step: int) -> Ledger:
    """The ledger without closed steps. A later read may bring them back; they are summed by step, so it is harmless."""
    rows = {key: tally for key, tally in ledger.rows.items() if key.step >= step}
    return Ledger(rows, drop_before(ledger.ended, step))


def pack(ledger: Ledger) -> str:
    """One line per series, sorted: `step variant class process n,n,…` with the counts in the order of `Tally`, those of
    zero at its end left out. After them what is kept of processes that are gone, see `ended_lines`.

    Odd characters in variant, class and process are percent-encoded. Equal ledgers give equal text; a line takes about
    70 bytes.
    """
    lines = [_line(key, ledger.rows[key]) for key in sorted(ledger.rows)]
    return "\n".join(lines if ledger.ended is NOBODY else lines + ended_lines(ledger.ended))


def unpack(text: str) -> Ledger:
    """Exact inverse of `pack`. Raises LedgerError that names the line for any other text."""
    rows: dict[SeriesKey, Tally] = {}
    ended = EndedLines()
    for number, line in enumerate(text.split("\n") if text else (), start=1):
        entry = _entry(line)
        if entry is None and ended.take(line):
            continue
        if entry is None or _line(*entry) != line:
            raise LedgerError(
                f"line {number} of the ledger reads {line[:120]!r}; "
                f"expected: step variant class process and up to {len(TALLY_FIELDS)} counts separated by commas, "
                "or a line of folded, silent or ended processes"
            )
        if entry[0] in rows:
            raise LedgerError(f"line {number} of the ledger repeats the series of an earlier line: {line[:120]!r}")
        rows[entry[0]] = entry[1]
    return Ledger(rows, ended.result())


def _line(key: SeriesKey, tally: Tally) -> str:
    return f"{key.step} {word(key.variant)} {word(key.query_class)} {word(key.process)} {counts_text(tally)}"


def _entry(line: str) -> tuple[SeriesKey, Tally] | None:
    words = line.split(" ")
    if len(words) != 5:
        return None
    step, variant, query_class, process, counts = words
    tally = tally_in(counts)
    if tally is None or not is_count(step):
        return None
    try:
        key = SeriesKey(int(step), unword(variant), unword(query_class), unword(process))
    except ValueError:  # bytes that are no UTF-8
        return None
    if not 1 <= len(key.variant) <= MAX_LABEL or key.variant == UNASSIGNED:
        return None
    return key, tally
