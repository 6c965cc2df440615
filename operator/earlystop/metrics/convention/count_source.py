"""Counters of this project's own convention as a `CountSource`: they never restart within a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from earlystop.api.counts import Tally
from earlystop.metrics.convention import ledger as ledgers
from earlystop.metrics.convention.answers_by_class import as_in, by_answers
from earlystop.metrics.convention.compaction import fold_silent, unfolded
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, merge
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_source import Applied, CountedStep, CountQuestion
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

MAX_SERIES = 2_048
"""Series of a policy's step that are taken from one answer. A status line for one takes at least 20 bytes, so more do
not fit into a status. A ledger that outgrows the status with fewer is refused there, and harm still acts."""


class ConventionCounts:
    """Merges the largest value of each series into a `Ledger`."""

    def request(self, question: CountQuestion) -> CountRequest:
        """The policy's part of the one query for many policies."""
        return CountRequest(
            policy=question.policy,
            revision=question.revision,
            window_seconds=question.window_seconds,
            variants=(*question.variants, *question.beside),
            liveness=question.liveness,
            users=question.users,
            step=question.step,
        )

    def apply(self, ledger: object, reading: Reading, at: int, step: CountedStep) -> Applied[Ledger]:
        """Merges the series of the step, and no others: those of other steps are not evidence.

        Raises MetricsFailure (TooManySeries).
        """
        known, classes = _own(ledger), step.guarded_classes
        if classes is not None:
            known = Ledger(by_answers(known.rows, step.step, classes), known.ended)
        observed: Mapping[SeriesKey, Tally] = unfolded(
            known, {key: tally for key, tally in reading.observed.items() if key.step == step.step}
        )
        if len(observed) > MAX_SERIES:
            # Series that were merged would stay in the ledger, even when the next answer is sound again.
            what = f"the answer holds {len(observed)} series of {step.policy} by process and class"
            raise MetricsFailure(FailureKind.TOO_MANY_SERIES, what)
        if classes is not None:
            observed = by_answers(observed, step.step, classes)
        return Applied(fold_silent(merge(known, observed), observed, at))

    def totals(
        self, ledger: Ledger, step: int, variants: Sequence[str], query_class: str | None = None
    ) -> dict[str, Tally]:
        """Sums over processes, and over query classes unless one is named."""
        return ledgers.totals(ledger, step, query_class, variants)

    def open_requests(self, ledger: Ledger, step: int, variants: Sequence[str]) -> Mapping[str, int]:
        """0 for each variant, since these counters hold all of their requests."""
        return dict.fromkeys(variants, 0)

    def evaluated_since(self, before: object, after: Ledger, step: int, variants: Sequence[str]) -> Mapping[str, Tally]:
        """What processes counted since that complete requests and begin none, as evaluators do."""
        known = _own(before)
        return ledgers.evaluated_since(Ledger(as_in(known.rows, after.rows, step), known.ended), after, step, variants)

    def in_flight(self, ledger: Ledger, step: int, variants: Sequence[str]) -> dict[str, int]:
        """The requests in flight at the processes that the last reading held."""
        return ledgers.in_flight(ledger, step, variants)

    def requests_since(
        self, ledger: object, reading: Reading, step: int, weights: Mapping[str, int], since: float
    ) -> Mapping[str, int]:
        """How many requests of this very step were started beyond those that the ledger knows."""
        known, in_use = _own(ledger), [variant for variant, weight in weights.items() if weight > 0]
        before = ledgers.totals(known, step, variants=in_use)
        observed = as_in(unfolded(known, reading.observed), known.rows, step)
        now = ledgers.totals(merge(known, observed), step, variants=in_use)
        return {variant: now[variant].started - before[variant].started for variant in in_use}

    def is_packed(self, text: str) -> bool:
        """Whether each line begins with a step or the name of a compacted line, as opposed to the word `step`."""
        return not text.startswith("step ")

    def pack(self, ledger: Ledger) -> str:
        """One line a series."""
        return ledgers.pack(ledger)

    def unpack(self, text: str) -> Ledger:
        """Inverse of `pack`. Raises LedgerError."""
        return ledgers.unpack(text)

    def series_count(self, ledger: Ledger) -> int:
        """Rows, and one more for each process that was compacted, of which the ledger holds a digest."""
        return len(ledger.rows) + sum(map(len, ledger.ended.digests.values()))

    def restart_can_hide(self, ledger: Ledger) -> bool:
        """Never: a process that restarts has another `process` label."""
        return False

    def drop_steps_before(self, ledger: Ledger, step: int) -> Ledger:
        """The ledger of this and later steps."""
        return ledgers.drop_steps_before(ledger, step)


def _own(ledger: object) -> Ledger:
    assert isinstance(ledger, Ledger)  # a campaign's preset is pinned, and a new campaign begins with an empty ledger
    return ledger
