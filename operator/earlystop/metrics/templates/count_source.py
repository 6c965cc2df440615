"""Counters that templates find as a `CountSource`: they may restart, and may leave some events uncertain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import INCUMBENT
from earlystop.metrics.convention.compaction import SILENT_SECONDS
from earlystop.metrics.count_source import Applied, CountedStep, CountQuestion
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates import reset_ledger, reset_ledger_text
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest
from earlystop.metrics.templates.reset_ledger import ResetLedger
from earlystop.metrics.templates.several_processes import HISTORY_SECONDS


class TemplateCounts:
    """Counts the growth of each series in a `ResetLedger`. There is one candidate, whatever its label; an incumbent
    beside it is not counted."""

    def request(self, question: CountQuestion) -> TemplateRequest:
        """The policy's own queries. The first one looks back far enough to see several processes behind one address.
        Raises ValueError for several candidates, which the acceptance refuses."""
        (candidate,) = question.variants
        return TemplateRequest(
            policy=question.policy,
            revision=question.revision,
            window_seconds=question.window_seconds,
            preset=question.preset,
            templates=question.templates,
            candidate=candidate,
            liveness=question.liveness,
            history_seconds=HISTORY_SECONDS if question.begins else 0,
        )

    def apply(self, ledger: object, reading: TemplateReading, at: int, step: CountedStep) -> Applied[ResetLedger]:
        """Counts what grew within the step. Raises MetricsFailure when the source's past has changed (Rewritten), or
        when its templates lead to other series than before (SourceChanged)."""
        assert step.started_at is not None  # a step that is looked at was put in force
        before = ledger_of_step(ledger, step.step, step.started_at, reading.queries)
        after = reset_ledger.look(before, reading.observed)
        if after.rewritten:
            what = f"{len(after.rewritten)} series hold other values than were read before for the same moment"
            raise MetricsFailure(FailureKind.REWRITTEN, what)
        more = _by_label(reset_ledger.newly_uncertain(before, after.ledger), step.variants)
        return Applied(reset_ledger.drop_silent(after.ledger, 1000 * (at - SILENT_SECONDS)), more)

    def totals(
        self, ledger: ResetLedger, step: int, variants: Sequence[str], query_class: str | None = None
    ) -> dict[str, Tally]:
        """The counts of one step, as far as they are certain. Raises ValueError for a query class: these counters have
        none."""
        if query_class is not None:
            raise ValueError(f"counters that templates find have no query class {query_class}; read all answers")
        return _by_label(reset_ledger.totals(ledger, step), variants)

    def open_requests(self, ledger: ResetLedger, step: int, variants: Sequence[str]) -> Mapping[str, int]:
        """What could not be placed, and values of counters that fell and do not say when their process began."""
        uncertain = _by_label(reset_ledger.uncertain(ledger, step), variants)
        fallen = dict(zip(uncertain, (reset_ledger.fallen_requests(ledger, each) for each in Variant), strict=True))
        return {label: each.started + each.completed + fallen[label] for label, each in uncertain.items()}

    def evaluated_since(
        self, before: object, after: ResetLedger, step: int, variants: Sequence[str]
    ) -> Mapping[str, Tally]:
        """Nothing: these counters do not say who counted."""
        return {}

    def in_flight(self, ledger: ResetLedger, step: int, variants: Sequence[str]) -> None:
        """Counters of others are not of one moment, so their difference is not known."""

    def requests_since(
        self, ledger: object, reading: TemplateReading, step: int, weights: Mapping[str, int], since: float
    ) -> Mapping[str, int]:
        """How many requests were completed after `since`.

        These counters know no step, so it shows that the variants are served, not in which proportions.
        """
        grown = reset_ledger.look(ResetLedger(step, int(1000 * since)), reading.observed).ledger
        sums = _by_label(reset_ledger.totals(grown, step), tuple(weights))
        return {variant: each.completed for variant, each in sums.items() if weights[variant] > 0}

    def is_packed(self, text: str) -> bool:
        """Whether the text begins with the line of the open step."""
        return reset_ledger_text.is_packed(text)

    def pack(self, ledger: ResetLedger) -> str:
        """One line a series. Raises TooManySeries."""
        return reset_ledger_text.pack(ledger)

    def unpack(self, text: str) -> ResetLedger:
        """Inverse of `pack`. Raises LedgerError."""
        return reset_ledger_text.unpack(text)

    def series_count(self, ledger: ResetLedger) -> int:
        """Series whose last sample the ledger holds."""
        return len(ledger.series)

    def restart_can_hide(self, ledger: ResetLedger) -> bool:
        """Whether some process does not say when it began."""
        return reset_ledger.is_blind(ledger)

    def drop_steps_before(self, ledger: ResetLedger, step: int) -> ResetLedger:
        """The ledger without the sums of closed steps."""
        return reset_ledger.drop_steps_before(ledger, step)


def ledger_of_step(ledger: object, step: int, started_at: int, queries: str) -> ResetLedger:
    """The reset ledger with `step` open since Unix second `started_at`, at which the step's weights were in force.

    A step that begins afresh stays open: what its snapshot holds is no evidence. Raises MetricsFailure when the
    queries are no longer those that the ledger was kept with: other series may hold the same events again.
    """
    since_ms = 1000 * started_at
    if not isinstance(ledger, ResetLedger):  # the empty ledger with which every campaign begins
        return ResetLedger(step, since_ms, queries=queries)
    if ledger.queries != queries:
        raise MetricsFailure(
            FailureKind.SOURCE_CHANGED, "the MetricSource leads to other series than this campaign began with"
        )
    ledger = reset_ledger.begun_anew(ledger)
    if step > ledger.step:
        following = reset_ledger.open_step(ledger, step, max(since_ms, ledger.since_ms))
        return reset_ledger.drop_steps_before(following, step)
    return ledger


def _by_label(tallies: Mapping[Variant, Tally], variants: Sequence[str]) -> dict[str, Tally]:
    """The tallies by the labels of baseline and candidate, whoever serves beside them."""
    compared = [each for each in variants if each != INCUMBENT]
    return {label: tallies[variant] for variant, label in zip(Variant, compared, strict=True)}
