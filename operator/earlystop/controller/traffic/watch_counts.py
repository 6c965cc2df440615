"""Comparing what servers count with the weights now and then, where no probe tells whether each variant is served."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look import look_request, requests_since
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.traffic.watch_candidates import WATCHED
from earlystop.delivery.shortfall import Mark, ServedMarks
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.count_ledger import source_of
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.look_schedule import next_look

# Looks show the counts as well, so they are asked for only where the last ones are older.
SECONDS_BETWEEN = 60.0
# A look that is due so soon is waited for.
SOON_SECONDS = 10.0
# Of the whole fleet, whose questions of one moment share a query.
POLICIES_A_SECOND = 20.0


def next_counts(tracked: TrackedPolicy, split: TrafficSplit | None, policies: int) -> float | None:
    """When counts are to be asked for again, in Unix seconds; None where nothing is to be compared, where probes ask
    for each variant, and where counters know no step, so that looks alone show them.

    policies: how many the operator tracks.
    """
    memory = tracked.traffic
    if split is None or not _is_compared(tracked, split) or not isinstance(tracked.ledger, Ledger):
        return None
    if memory.served is None or memory.served.split != split:
        return memory.counts_at + SOON_SECONDS
    return memory.counts_at + max(SECONDS_BETWEEN, policies / POLICIES_A_SECOND)


async def watch_counts(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, policies: int, now: float, delay: float
) -> None:
    """Compare the counts of the last look, or those of now where they are due, with the weights. A variant that gets
    far less than its share requires a check of the traffic, which takes the candidates off.

    delay: seconds until counts are complete.
    """
    if not _is_compared(tracked, split):
        return
    memory, looked_at = tracked.traffic, tracked.state.last_look_at
    known = memory.served if memory.served is not None and memory.served.split == split else None
    mark = None
    if looked_at is not None and (known is None or looked_at > memory.counted_until):
        mark = Mark(looked_at, _counted(tracked, split))
    elif (due := next_counts(tracked, split, policies)) is not None and now >= due:
        memory.note_counts(memory.counted_until, now)
        if not _look_comes(tracked, now, delay):
            mark = await _read(reader, tracked, split, int(now - delay))
    if mark is None:
        return
    memory.note_counts(mark.at, now)
    found = known.shortfall(mark) if known is not None else None
    if found is not None:
        memory.note_shortfall(split, found, now)
        memory.require_recheck()
        return
    memory.note_served(known.after(mark) if known is not None else ServedMarks.begin(split, mark))


def _is_compared(tracked: TrackedPolicy, split: TrafficSplit) -> bool:
    """Whether weights promise each of several variants a share, the split was proven, and no probe asks for each."""
    memory = tracked.traffic
    asked = memory.canary is not None and bool(memory.canary[1])
    by_weights = tracked.plan.spec.delivery.traits.by_weights and len(split.in_use) > 1
    return by_weights and not asked and memory.proven == split and tracked.state.phase in WATCHED


def _look_comes(tracked: TrackedPolicy, now: float, delay: float) -> bool:
    look = next_look(tracked.times, tracked.state)
    return look is not None and look + delay < now + SOON_SECONDS


async def _read(reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, at: int) -> Mark | None:
    """What is counted up to Unix second `at`, None while counts cannot be read."""
    request = look_request(tracked, reader.known(), at)
    result = await reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
    if isinstance(result, MetricsFailure):
        return None
    new, known = requests_since(result, split, tracked.ledger), _counted(tracked, split)
    return Mark(at, {variant: known[variant] + count for variant, count in new.items()})


def _counted(tracked: TrackedPolicy, split: TrafficSplit) -> Mapping[str, int]:
    """Requests of each variant in use that the ledger holds of this step. Those that fail are among them where
    counters say so."""
    variants = tuple(each.variant for each in split.variants if each.weight > 0)
    totals = source_of(tracked.ledger).totals(tracked.ledger, split.step, variants)
    return {variant: max(totals[variant].started, totals[variant].completed) for variant in variants}
