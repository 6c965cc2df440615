"""Comparing what servers count with the weights now and then, where no probe tells whether each variant is served."""

from __future__ import annotations

from dataclasses import replace

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look import guarded_classes
from earlystop.controller.counts.look_request import split_request
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.watch_candidates import WATCHED
from earlystop.delivery.shortfall import Mark, ServedMarks
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.count_ledger import CountLedger, source_of
from earlystop.metrics.count_source import CountedStep
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import ACTING, Phase

# Looks show the counts as well, so they are asked for only where the last ones are older.
SECONDS_BETWEEN = 60.0
# A look that is due so soon is waited for.
SOON_SECONDS = 10.0
# Of the whole fleet, whose questions of one moment share a query.
POLICIES_A_SECOND = 20.0


# Phases in which users may be led by what an earlier step put in force: its split is compared, whatever is desired now.
AS_BEFORE = (ACTING - {Phase.ROLLING_BACK}) | {Phase.SUSPENDED}


def next_counts(tracked: TrackedPolicy, split: TrafficSplit | None, policies: int) -> float | None:
    """When counts are to be asked for again, in Unix seconds; None where nothing is to be compared, where probes ask
    for each variant, and while weights are put in force.

    policies: how many the operator tracks.
    """
    return None if split is None or tracked.state.watch_phase not in WATCHED else _due(tracked, split, policies)


def _due(tracked: TrackedPolicy, split: TrafficSplit, policies: int) -> float | None:
    memory, led = tracked.traffic.counts, _compared(tracked, split)
    if led is None:
        return None
    if memory.served_by(led) is None:
        return memory.at + SOON_SECONDS
    return memory.at + max(SECONDS_BETWEEN, policies / POLICIES_A_SECOND)


async def watch_counts(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, policies: int, now: float, delay: float
) -> None:
    """Compare the counts of the last look, or those of now where they are due, with the weights. A variant that gets
    far less than its share requires a check of the traffic, which takes the candidates off.

    split: the desired one. delay: seconds until counts are complete.
    """
    led = _compared(tracked, split)
    if led is None:
        return
    memory, looked_at = tracked.traffic.counts, _last_look(tracked, led)
    known = memory.served_by(led)
    mark = None
    if looked_at is not None and (known is None or looked_at > memory.until):
        memory.note_ledger(tracked.ledger)
        mark = _mark(looked_at, tracked.ledger, led)
    elif (due := _due(tracked, split, policies)) is not None and now >= due:
        memory.note_reading(memory.until, now)
        if not _look_comes(tracked, now, delay):
            mark = await _read(reader, tracked, led, int(now - delay), begins=known is None)
    if mark is None:
        return
    memory.note_reading(mark.at, now)
    found = known.shortfall(mark) if known is not None else None
    if found is not None:
        tracked.traffic.note_shortfall(split, found, now)
        tracked.traffic.require_recheck()
        return
    memory.note_served(known.after(mark) if known is not None else ServedMarks.begin(led, mark))


def _compared(tracked: TrackedPolicy, split: TrafficSplit) -> TrafficSplit | None:
    """The proven split that leads users, if weights promise each of several variants a share and no probe tells of
    each; None otherwise. split: the desired one, whose revision is another where the campaign's token is lost."""
    memory, phase, led = tracked.traffic, tracked.state.watch_phase, tracked.traffic.proven
    if led is None or phase not in WATCHED | AS_BEFORE:
        return None
    if phase not in AS_BEFORE and led != split and replace(led, revision=split.revision) != split:
        return None
    delivery = tracked.plan.spec.delivery
    # Where processes draw the variant, each says by which weights.
    drawn = delivery.by_servers is not None or delivery.drawn_by_injector is not None
    by_weights = delivery.traits.by_weights and not drawn and len(led.in_use) > 1
    return led if by_weights and not memory.variants.asks else None


def _last_look(tracked: TrackedPolicy, led: TrafficSplit) -> int | None:
    """The last look, None where it says nothing of the split. Where no look follows it, it may be long ago, so nothing
    begins with it."""
    looks_go_on = next_look(tracked.times, tracked.state) is not None
    goes_on = looks_go_on or tracked.traffic.counts.served_by(led) is not None
    return tracked.state.clock.last_look_at if led.revision == tracked.state.revision and goes_on else None


def _look_comes(tracked: TrackedPolicy, now: float, delay: float) -> bool:
    look = next_look(tracked.times, tracked.state)
    return look is not None and look + delay < now + SOON_SECONDS


async def _read(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, at: int, *, begins: bool
) -> Mark | None:
    """What is counted up to Unix second `at`, None while counts cannot be read. It is asked for back to the counts that
    were compared last. begins: there are none."""
    memory = tracked.traffic.counts
    request, known = split_request(tracked, reader.sources, split, at, at if begins else memory.until)
    ledger = known if begins or memory.ledger is None else memory.ledger
    result = await reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
    if isinstance(result, MetricsFailure):
        return None
    labels = tuple(each.variant for each in split.variants)
    # While a policy is suspended no step is under way: where nothing was counted of it, it is counted from here on.
    started_at = tracked.state.clock.started_at or at
    step = CountedStep(
        policy=tracked.label,
        step=split.step,
        started_at=started_at,
        variants=labels,
        guarded_classes=guarded_classes(tracked.state),
    )
    try:
        after = source_of(result).apply(ledger, result, at, step).ledger
    except MetricsFailure:
        return None
    memory.note_ledger(after)
    return _mark(at, after, split)


def _mark(at: int, ledger: CountLedger, split: TrafficSplit) -> Mark:
    """Requests of each variant in use that a ledger holds of this step; of an incumbent where counters tell it apart.
    Those that fail are among them where counters say so."""
    source, labels = source_of(ledger), tuple(each.variant for each in split.variants)
    totals, lacking = source.totals(ledger, split.step, labels), source.open_requests(ledger, split.step, labels)
    in_use = [each.variant for each in split.variants if each.weight > 0 and each.variant in totals]
    counted = {name: max(totals[name].started, totals[name].completed) for name in in_use}
    return Mark(at, counted, {name: lacking[name] for name in in_use})
