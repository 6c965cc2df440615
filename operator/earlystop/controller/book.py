"""The two kinds of ledger that a policy's status can hold, by one set of verbs: for counters of the convention, which
never restart, and for counters of others, which do."""

from __future__ import annotations

from earlystop.metrics import ledger, watermark, watermark_text
from earlystop.metrics.failures import FailureKind, MetricsFailure
from earlystop.metrics.ledger import Ledger
from earlystop.metrics.watermark import WatermarkLedger
from earlystop.rollout.state import RolloutState

Book = Ledger | WatermarkLedger
"""An empty `Ledger` is what both begin with."""


def pack_book(book: Book) -> str:
    """The text for status. Raises TooManySeries."""
    return watermark_text.pack(book) if isinstance(book, WatermarkLedger) else ledger.pack(book)


def unpack_book(text: str) -> Book:
    """Inverse of `pack_book`. Raises LedgerError."""
    return watermark_text.unpack(text) if watermark_text.is_packed(text) else ledger.unpack(text)


def series_in(book: Book) -> int:
    """How many series a ledger holds; each process that was folded, of which it holds a digest, is one more."""
    if isinstance(book, WatermarkLedger):
        return len(book.series)
    return len(book.rows) + sum(map(len, book.ended.digests.values()))


def restarts_can_hide(book: Book) -> bool:
    """Whether some process does not say when it began."""
    return isinstance(book, WatermarkLedger) and watermark.is_blind(book)


def without_closed_steps(book: Book, step: int) -> Book:
    """The ledger when `step` begins: what was counted in earlier ones is evidence already."""
    if isinstance(book, WatermarkLedger):
        return watermark.drop_steps_before(book, step)
    return ledger.drop_steps_before(book, step)


def opened(book: Book, state: RolloutState, queries: str) -> WatermarkLedger:
    """The watermark ledger with the state's step open, since the moment at which its weights were in force.

    A step that begins afresh stays open: what its snapshot holds is no evidence. Raises MetricsFailure when the
    queries are no longer those that the ledger was kept with: other series may hold the same events again.
    """
    assert state.step_started_at is not None  # a step that is looked at was put in force
    since_ms = 1000 * state.step_started_at
    if not isinstance(book, WatermarkLedger):
        return WatermarkLedger(state.step, since_ms, queries=queries)
    if book.queries != queries:
        raise MetricsFailure(
            FailureKind.SOURCE_CHANGED, "the MetricSource leads to other series than this campaign began with"
        )
    if state.step > book.step:
        closed = watermark.open_step(book, state.step, max(since_ms, book.since_ms))
        return watermark.drop_steps_before(closed, state.step)
    return book
