"""Processes that stay away are folded, so that a step may see thousands of them start and end.

A process counts with its own rows for as long as readings hold it, and for an hour more. Then its rows are added into
one sum per step, variant and class, and a digest of it stays: should it come back, what it says from then on is not
read. So nothing is counted twice, and never more than happened. A look therefore is

    observed = unfolded(ledger, observed)
    ledger = fold_silent(merge(ledger, observed), observed, at)

and a look that could not be read is none: it makes nobody absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from earlystop.api.counts import Tally
from earlystop.metrics.convention.ended_processes import Start, SumKey, digest_of, has_folded
from earlystop.metrics.convention.ledger import Ledger, SeriesKey

SILENT_SECONDS = 3600
"""A process that no look saw for so long has ended. Longer than scrapers are away in a healthy cluster (a node that is
replaced, a Prometheus that replays its log), since growth after a longer absence is not counted; and short enough that
about 150 process starts an hour find room in a status."""


def unfolded(ledger: Ledger, observed: Mapping[SeriesKey, Tally]) -> Mapping[SeriesKey, Tally]:
    """`observed` without the processes that were folded: their counts stand in the sums already."""
    if not ledger.ended.digests:
        return observed
    return {key: tally for key, tally in observed.items() if not has_folded(ledger.ended, key.step, key.process)}


def fold_silent(ledger: Ledger, observed: Mapping[SeriesKey, Tally], at: int) -> Ledger:
    """The ledger after noting which processes are absent, with those that were absent for SILENT_SECONDS compacted.

    observed: what `unfolded` returned for the reading of Unix second `at`; it is merged into the ledger already.
    Totals stay what they are, to the last count, and applying the same moment again changes nothing.
    """
    if not ledger.ended.silent and ledger.rows.keys() <= observed.keys():
        return ledger
    present = {Start(key.step, key.process) for key in observed}
    absent = {Start(key.step, key.process) for key in ledger.rows} - present
    silent = {start: ledger.ended.silent.get(start, at) for start in absent}
    gone = {start for start, since in silent.items() if at - since >= SILENT_SECONDS}
    still = {start: since for start, since in silent.items() if start not in gone}
    left = replace(ledger, ended=replace(ledger.ended, silent=still))
    return _without(left, gone) if gone else left


def _without(ledger: Ledger, gone: set[Start]) -> Ledger:
    """The ledger with the rows of these processes added into the sums, and their digests kept."""
    rows: dict[SeriesKey, Tally] = {}
    sums, digests = dict(ledger.ended.sums), dict(ledger.ended.digests)
    for key, tally in ledger.rows.items():
        if Start(key.step, key.process) not in gone:
            rows[key] = tally
            continue
        sum_key = SumKey(key.step, key.variant, key.query_class)
        sums[sum_key] = sums.get(sum_key, Tally()) + tally
    for step in {start.step for start in gone}:
        new = {digest_of(start.process) for start in gone if start.step == step}
        digests[step] = digests.get(step, frozenset()) | new
    return Ledger(rows, replace(ledger.ended, sums=sums, digests=digests))
