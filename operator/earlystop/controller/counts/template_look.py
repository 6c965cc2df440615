"""From a reading of counters of others to the next state: the watermark ledger, and what it leaves open."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.counts import Variant
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.compaction import SILENT_SECONDS
from earlystop.metrics.count_ledger import opened
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.reader import TemplateReading
from earlystop.metrics.templates.reset_ledger import ResetLedger, drop_silent, look, newly_uncertain, totals
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.transitions import take_look


def apply_template_reading(
    tracked: TrackedPolicy, reading: TemplateReading, at: int
) -> tuple[RolloutState, ResetLedger]:
    """The state and ledger after a look that could be read.

    Raises MetricsFailure when the source's past has changed, or when it asks for other series than before.
    """
    state = tracked.state
    assert state.step_started_at is not None  # a step that is looked at was put in force
    book = opened(tracked.ledger, state.step, state.step_started_at, reading.queries)
    seen = look(book, reading.observed)
    if seen.rewritten:
        what = f"{len(seen.rewritten)} series hold other values than were read before for the same moment"
        raise MetricsFailure(FailureKind.REWRITTEN, what)
    if state.phase == Phase.OBSERVING and parse_plan(state.plan).stage(state.step).weight > 0:
        (only,) = state.comparisons
        only = replace(only, uncertain=_with_more(only.uncertain, book, seen.ledger))
        state = replace(state, comparisons=(only,))
    sums = totals(seen.ledger, state.step)
    counted = Totals(sums[Variant.BASELINE], sums[Variant.CANDIDATE])
    ledger = drop_silent(seen.ledger, 1000 * (at - SILENT_SECONDS))
    return take_look(LiveTimes.of(tracked.spec), state, at, counted), ledger


def _with_more(known: Totals, before: ResetLedger, after: ResetLedger) -> Totals:
    more = newly_uncertain(before, after)
    return Totals(known.baseline + more[Variant.BASELINE], known.candidate + more[Variant.CANDIDATE])


def template_split_is_shown(reading: TemplateReading, split: TrafficSplit, since: float) -> bool:
    """Whether requests were completed after Unix time `since`, of every variant that shall have some.

    These counters know of no step, so it shows that both variants are served, not in which shares.
    """
    sums = totals(look(ResetLedger(split.step, int(1000 * since)), reading.observed).ledger, split.step)
    arms = zip(Variant, split.variants, strict=True)
    return all(sums[arm].completed > 0 for arm, each in arms if each.weight > 0)
