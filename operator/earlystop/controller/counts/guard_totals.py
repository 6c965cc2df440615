"""What of the counts a guard's look compares."""

from __future__ import annotations

from earlystop.api.counts import Variant
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.evidence.missing_answers import class_answers
from earlystop.metrics.count_ledger import CountLedger, source_of
from earlystop.rollout.exposure import promoted_label
from earlystop.rollout.totals import Totals


def guard_totals(tracked: TrackedPolicy, ledger: CountLedger) -> Totals:
    """Counts of the baseline and of the promoted setting, in all and in the query classes that the guard compares."""
    counts, step, guard = source_of(ledger), tracked.state.clock.step, tracked.state.guard
    label = promoted_label(tracked.state)
    variants = (Variant.BASELINE.value, label)
    arms = counts.totals(ledger, step, variants)
    if guard is None:
        return Totals(arms[Variant.BASELINE], arms[label])
    in_classes = (counts.totals(ledger, step, variants, each.name) for each in guard.objective.classes)
    classes = (class_answers(guard.objective, each[Variant.BASELINE], each[label]) for each in in_classes)
    return Totals(arms[Variant.BASELINE], arms[label], tuple(classes))
