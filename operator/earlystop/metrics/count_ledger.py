"""The two kinds of ledger that a policy's status can hold, by one set of verbs: for counters of the convention, which
never restart, and for counters of others, which do."""

from __future__ import annotations

from earlystop.metrics.convention import ledger
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates import reset_ledger, reset_ledger_text
from earlystop.metrics.templates.reset_ledger import ResetLedger

CountLedger = Ledger | ResetLedger
"""An empty `Ledger` is what both begin with."""


def pack_ledger(book: CountLedger) -> str:
    """The text for status. Raises TooManySeries."""
    return reset_ledger_text.pack(book) if isinstance(book, ResetLedger) else ledger.pack(book)


def unpack_ledger(text: str) -> CountLedger:
    """Inverse of `pack_ledger`. Raises LedgerError."""
    return reset_ledger_text.unpack(text) if reset_ledger_text.is_packed(text) else ledger.unpack(text)


def series_in(book: CountLedger) -> int:
    """How many series a ledger holds; each process that was folded, of which it holds a digest, is one more."""
    if isinstance(book, ResetLedger):
        return len(book.series)
    return len(book.rows) + sum(map(len, book.ended.digests.values()))


def restarts_can_hide(book: CountLedger) -> bool:
    """Whether some process does not say when it began."""
    return isinstance(book, ResetLedger) and reset_ledger.is_blind(book)


def without_closed_steps(book: CountLedger, step: int) -> CountLedger:
    """The ledger when `step` begins: what was counted in earlier ones is evidence already."""
    if isinstance(book, ResetLedger):
        return reset_ledger.drop_steps_before(book, step)
    return ledger.drop_steps_before(book, step)


def opened(book: CountLedger, step: int, started_at: int, queries: str) -> ResetLedger:
    """The watermark ledger with a step open, since Unix second `started_at`, at which its weights were in force.

    A step that begins afresh stays open: what its snapshot holds is no evidence. Raises MetricsFailure when the
    queries are no longer those that the ledger was kept with: other series may hold the same events again.
    """
    since_ms = 1000 * started_at
    if not isinstance(book, ResetLedger):
        return ResetLedger(step, since_ms, queries=queries)
    if book.queries != queries:
        raise MetricsFailure(
            FailureKind.SOURCE_CHANGED, "the MetricSource leads to other series than this campaign began with"
        )
    if step > book.step:
        closed = reset_ledger.open_step(book, step, max(since_ms, book.since_ms))
        return reset_ledger.drop_steps_before(closed, step)
    return book
