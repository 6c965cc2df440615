"""Looking now and then for requests that come past the overlay or are forged, and for settings that change no body."""

from __future__ import annotations

from earlystop.api.conditions import ConditionStatus
from earlystop.api.wire import commitment_in
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.pauses import tick_after
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.forged_requests import forged_requests
from earlystop.delivery.injector.never_applied import never_applied
from earlystop.delivery.injector.not_written import not_written
from earlystop.delivery.routes.overlay_misses import overlay_misses
from earlystop.metrics.convention.body_effects import EffectsQuestion, read_effects
from earlystop.metrics.convention.forged import ForgedQuestion, read_forged
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.convention.unseen import Unseen, UnseenQuestion, read_unseen
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import WATCHING

SECONDS_BETWEEN = 300.0
# Of requests that are looked at: enough of them for a share, and none from before the weights were in force.
LEAST_SECONDS, MOST_SECONDS = 30, 600
IN_FORCE, MISSES, FORGED = "InForce", "OverlayMisses", "ForgedRequests"
NEVER, UNWRITTEN = "NeverApplied", "SettingsNotWritten"
UNKNOWN = " Whether requests of the target come past the overlay is unknown, since its own counters do not show it."


async def look_for_unseen(reader: CountBatcher, tracked: TrackedPolicy, at: int) -> None:
    """Ask for requests that came past the overlay or were forged up to Unix second `at`, if that is due."""
    memory, state = tracked.traffic.requests, tracked.state
    metrics = tracked.plan.spec.metrics
    source = reader.sources.get(metrics.source_ref.name)
    if state.watch_phase not in WATCHING or source is None or not isinstance(tracked.ledger, Ledger):
        return
    if tracked.plan.spec.delivery.route_ref is None:
        return  # no request can come past an overlay that is not there
    seconds = min(MOST_SECONDS, at - max(state.clock.started_at or at, int(tracked.traffic.written_at)))
    if seconds < LEAST_SECONDS or at < _due_at(tracked):
        return
    processes, has_token = tuple({key.process for key in tracked.ledger.rows}), bool(commitment_in(state.revision))
    if not processes and not has_token:
        return
    forged = 0.0
    if has_token:
        asked = ForgedQuestion(tracked.label, seconds, source.namespace_label)
        answer = await reader.answer(metrics.source_ref.name, asked, at, read_forged)
        if isinstance(answer, MetricsFailure):
            return
        forged = answer
    found: Unseen | MetricsFailure = Unseen(0.0, 0.0)
    if processes:
        question = UnseenQuestion(tracked.label, state.revision, processes, seconds, source.namespace_label)
        found = await reader.answer(metrics.source_ref.name, question, at, read_unseen)
    traits = tracked.plan.spec.delivery.traits
    if traits.through_injector:
        effects = EffectsQuestion(tracked.label, seconds, source.namespace_label)
        did = await reader.answer(metrics.source_ref.name, effects, at, read_effects)
        if not isinstance(did, MetricsFailure):
            of_baseline = did.baseline_changed, did.baseline_unchanged
            memory.note_effects(
                not_written(did.missing, did.total, seconds)
                if traits.gateway_writes
                else never_applied(did.changed, did.unchanged, seconds, *of_baseline)
            )
    if not isinstance(found, MetricsFailure):
        # Forged requests count as unassigned, too, and are told once.
        memory.note_unseen(overlay_misses(found.seen, max(0.0, found.unseen - forged), seconds), at)
        memory.note_forged(forged_requests(found.seen, forged, seconds))


def _due_at(tracked: TrackedPolicy) -> float:
    """When requests are to be looked for again, in Unix seconds. In a step that began before the operator did, it was
    not long ago: a whole fleet, of which each policy asks by itself, would hold up the looks that were missed."""
    looked_at, started_at = tracked.traffic.requests.unseen_at, tracked.state.clock.started_at
    if looked_at:
        return looked_at + SECONDS_BETWEEN
    if started_at is not None and started_at < tracked.spec_read_at:
        return tick_after(tracked.uid, SECONDS_BETWEEN, tracked.spec_read_at)
    return 0.0


def with_unseen(tracked: TrackedPolicy, traffic: Observation) -> Observation:
    """What is said about weights that are in force, with the requests that come past them or are forged."""
    memory = tracked.traffic.requests
    if traffic.status is not ConditionStatus.TRUE or traffic.reason not in (IN_FORCE, MISSES, FORGED, NEVER, UNWRITTEN):
        return traffic
    if traffic.reason != IN_FORCE and not memory.unseen_at:
        return traffic  # the operator was restarted and has not looked yet
    if traffic.reason == IN_FORCE:
        memory.note_in_force(traffic.message.removesuffix(UNKNOWN))
    if memory.forged:
        return Observation(traffic.status, "ForgedRequests", f"{memory.in_force} {memory.forged}")
    if memory.unseen:
        return Observation(traffic.status, "OverlayMisses", f"{memory.in_force} {memory.unseen}")
    if memory.never_applied:
        reason = UNWRITTEN if tracked.plan.spec.delivery.traits.gateway_writes else NEVER
        return Observation(traffic.status, reason, f"{memory.in_force} {memory.never_applied}")
    known = tracked.plan.spec.metrics.traits.by_convention
    return Observation(traffic.status, "InForce", memory.in_force if known else memory.in_force + UNKNOWN)
