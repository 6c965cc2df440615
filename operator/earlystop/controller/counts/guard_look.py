"""From the counts of a guard's step to the next state, which may hold an alarm that is not decided yet."""

from __future__ import annotations

from earlystop.api.counts import Variant
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.evidence.missing_answers import class_answers
from earlystop.metrics.count_ledger import CountLedger, source_of
from earlystop.rollout.exposure import promoted_label
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.step_moves import take_look
from earlystop.rollout.totals import Totals


def after_guard_look(tracked: TrackedPolicy, ledger: CountLedger, at: int) -> RolloutState:
    """The state after a guard's look at moment `at`, with an alarm where it shows harm (`alarm.after_alarm`).

    Raises ValueError for counts that cannot be.
    """
    state = tracked.state
    label = promoted_label(state)
    totals, in_flight = _totals(tracked, ledger, label), None
    if state.watch_phase is Phase.SETTLING:
        variants = (Variant.BASELINE.value, label)
        counted = source_of(ledger).in_flight(ledger, state.clock.step, variants)
        in_flight = None if counted is None else tuple(counted[variant] for variant in variants)
    return take_look(tracked.times, state, at, totals, in_flight=in_flight)


def _totals(tracked: TrackedPolicy, ledger: CountLedger, label: str) -> Totals:
    """Counts of the baseline and of the promoted setting, in all and in the query classes that the guard compares."""
    counts, step, guard = source_of(ledger), tracked.state.clock.step, tracked.state.guard
    variants = (Variant.BASELINE.value, label)
    arms = counts.totals(ledger, step, variants)
    if guard is None:
        return Totals(arms[Variant.BASELINE], arms[label])
    in_classes = (counts.totals(ledger, step, variants, each.name) for each in guard.objective.classes)
    classes = (class_answers(guard.objective, each[Variant.BASELINE], each[label]) for each in in_classes)
    return Totals(arms[Variant.BASELINE], arms[label], tuple(classes))
