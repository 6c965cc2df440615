"""Comparing an engine's own counters with the injector's now and then, where a policy asks for it: no evidence."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.observations import readable
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.names import injector_name
from earlystop.metrics.cross_check import words
from earlystop.metrics.cross_check_reading import CrossCheckQuestion, NotCounted, read_cross_check
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import TRYING, Phase, RolloutState

WINDOW_SECONDS = 300
# Requests that went past the injector before the step may still run; so long after its begin, no window has any.
AFTER_STEP_SECONDS = 60
DISAGREE = "CountsDisagree"
COMPARED = TRYING | {Phase.SUSPENDED}
"""Phases of a campaign whose comparisons hold: none was decided yet."""


async def look_for_disagreement(reader: CountBatcher, tracked: TrackedPolicy, at: int) -> None:
    """Compare the counters of one more window that ends before Unix second `at`, if that is due. Windows do not
    overlap, and lie within one step."""
    question = _question_due(reader, tracked, at)
    if question is None:
        return
    source = tracked.plan.spec.metrics.source_ref.name
    found = await reader.read_of_one(source, tracked.label, lambda client: read_cross_check(client, question))
    if isinstance(found, MetricsFailure | NotCounted):
        tracked.cross_check.note_unread(question.end, found.message if isinstance(found, NotCounted) else "")
    else:
        tracked.cross_check.note_window(found, question.end)


def with_disagreement(tracked: TrackedPolicy, read: Observation) -> Observation:
    """What is said about counts that can be read, with an engine that does not agree. read: what is said without it."""
    memory, preset = tracked.cross_check, tracked.spec.metrics.cross_check
    memory.note_read(read)
    stored = tracked.observations.metrics
    asked = preset is not None and tracked.state.phase in COMPARED
    if not asked:
        memory.forget()
    if preset is None or not asked or read.status is not ConditionStatus.TRUE:
        return read
    if memory.windows.said is not None:
        said = words(memory.windows.said, preset, WINDOW_SECONDS)
        return Observation(read.status, DISAGREE, f"{read.message} {said}")
    if stored.reason == DISAGREE and memory.windows.times < 2:
        return stored  # the operator was restarted, and has not seen enough to take it back
    if memory.missing:
        return Observation(
            read.status, read.reason, f"{read.message} The cross-check cannot be made: {memory.missing}."
        )
    return read


def take_back_if_over(tracked: TrackedPolicy, state: RolloutState, now: float) -> None:
    """Stop saying that an engine does not agree, when this state ends the campaign in which that was found (nobody
    compares any more) or begins another (nothing was compared yet). state: about to be stored, at Unix time `now`."""
    if state.phase in COMPARED and state.revision == tracked.state.revision:
        return
    tracked.cross_check.forget()
    said, before = tracked.observations, tracked.cross_check.read
    if said.metrics.reason == DISAGREE:
        # A restarted operator does not know what was said beside it; the next look will tell.
        metrics = before if before.status is said.metrics.status else readable(tracked.ledger)
        tracked.observe(replace(said, metrics=metrics), now)


def _question_due(reader: CountBatcher, tracked: TrackedPolicy, at: int) -> CrossCheckQuestion | None:
    """What to ask for, None while nothing is due."""
    plan, preset, started_at = tracked.state.plan, tracked.spec.metrics.cross_check, tracked.state.clock.started_at
    if plan is None or preset is None or started_at is None or tracked.state.watch_phase is not Phase.OBSERVING:
        return None
    name = plan.spec.metrics.source_ref.name
    source = reader.sources.get(name)
    if source is None or not plan.spec.delivery.traits.through_injector:
        return None
    differing = reader.differing_interval(name, tracked.label)
    margin = ceil(2 * max(differing or (source.scrape_interval_seconds,))) + 5
    end = at - margin
    if end - WINDOW_SECONDS < max(tracked.cross_check.until, started_at + AFTER_STEP_SECONDS):
        return None
    return CrossCheckQuestion(
        policy=tracked.label,
        preset=preset,
        injector=PodOwner(injector_name(tracked.name)),
        engine=PodOwner(plan.spec.target_ref.name),
        begin=end - WINDOW_SECONDS,
        end=end,
        margin=margin,
        namespace_label=source.namespace_label,
        replica_label=source.replica_label,
    )
