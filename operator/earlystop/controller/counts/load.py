"""Asking a source how busy the servers of a policy are, where its guard lets a setting follow that."""

from __future__ import annotations

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.load import LoadQuestion, NoLoad, read_load
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.guard.busy import Hindrance, LoadRead, wanted_of
from earlystop.rollout.words.event_note import EventNote


async def look_for_load(reader: CountBatcher, tracked: TrackedPolicy, now: float) -> None:
    """Read the load if that is due, and remember it. A load that cannot be read is told once, and changes nothing."""
    due, wanted = tracked.load_due_at, wanted_of(tracked.times)
    if due is None or wanted is None or now < due:
        return
    before, found = tracked.load_memory.read, await _read(reader, tracked, wanted.load, int(now))
    tracked.load_memory.note(wanted.load, found, now)
    if found.value is None and (before.value is not None or before.problem != found.problem):
        message = f"Load {wanted.load} cannot be read: {found.problem}. The setting that serves goes on serving."
        tracked.announce(EventNote(Hindrance.LOAD_UNKNOWN.value, "FollowLoad", message, warning=True))


async def _read(reader: CountBatcher, tracked: TrackedPolicy, name: str, at: int) -> LoadRead:
    source = tracked.plan.spec.metrics.source_ref.name
    spec = reader.sources.get(source)
    loads = {} if spec is None else {each.name: each.query for each in spec.loads or ()}
    if name not in loads:
        known = f"it has {', '.join(sorted(loads))}" if loads else "it has none"
        return LoadRead(None, f"MetricSource {source} has no load {name} ({known}); its admin writes spec.loads")
    question = LoadQuestion(loads[name], tracked.label, tracked.plan.spec.target_ref.name)
    found: float | NoLoad | MetricsFailure = await reader.read_of_one(
        source, tracked.label, lambda client: read_load(client, question, at)
    )
    return LoadRead(None, found.message) if isinstance(found, NoLoad | MetricsFailure) else LoadRead(found)
