"""Keeping what a reconciliation has come to: transitions and conditions in status, and an event for what is news."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from earlystop.controller.cluster import Cluster
from earlystop.controller.events import EventRecorder
from earlystop.controller.memory.annotations import with_requester
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.reconcile.timing import conditions_are_due, message_is_due, store_is_due
from earlystop.controller.store.status_writer import conditions_to_write, write_status
from earlystop.controller.telemetry import STATUS_WRITES
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.count_ledger import CountLedger, without_closed_steps
from earlystop.rollout.guard.state import watch_of
from earlystop.rollout.hooks.happened import with_occurrences
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_notes import ERROR_NOTE, event_notes

log = logging.getLogger(__name__)


class Recorder:
    """Keeps the progress of policies, in memory or in their status, and posts their events."""

    def __init__(self, cluster: Cluster, events: EventRecorder, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._events = events
        self._clock = clock

    async def keep(self, tracked: TrackedPolicy, progress: Progress) -> bool:
        """Take over a new state. A transition is stored before it is taken over, a mere look at the next slow tick.
        Returns whether the policy stands there now: not when the state finds no room in the status.

        Raises StatusConflict when another writer was faster, Gone when the policy is gone, ClusterError when the API
        fails.
        """
        await self._announce(tracked)
        before, state = tracked.state, progress.state
        if state is before:
            return True
        state = with_occurrences(tracked.identity, tracked.spec.hooks or (), before, state)
        ledger = _ledger_after(before, state, tracked.ledger if progress.ledger is None else progress.ledger)
        if _stored_at_once(before) == _stored_at_once(state):
            tracked.advance(state, ledger)
            tracked.status.note_looks(state)
        else:
            await self._store(tracked, state, ledger)
        return tracked.state is state

    async def flush(self, tracked: TrackedPolicy, policies: int) -> None:
        """Store what is not stored yet: changed conditions, or looks when the slow tick comes. policies: how many the
        operator tracks. Raises what `keep` raises."""
        await self._announce(tracked)
        now = self._clock()
        unwritten = conditions_to_write(tracked)
        conditions_due = conditions_are_due(unwritten, tracked, policies, now) or message_is_due(tracked, now)
        if conditions_due or store_is_due(tracked, policies, now):
            await self._store(tracked, tracked.state, tracked.ledger)

    async def report_error(self, tracked: TrackedPolicy) -> None:
        """Say on the policy that its reconciliation met an error of the operator's own. Raises what `keep` raises."""
        tracked.announce(ERROR_NOTE)
        tracked.observe(replace(tracked.observations, error=ERROR_NOTE.message), self._clock())
        await self._announce(tracked)
        if conditions_to_write(tracked):
            await self._store(tracked, tracked.state, tracked.ledger)

    async def _store(self, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger) -> None:
        """Write the status, and record an event for each change since the operator last wrote it."""
        before, told = tracked.status.stored, tracked.status.told
        await write_status(self._cluster, tracked, state, ledger, self._clock())
        STATUS_WRITES.inc()
        if tracked.status.stored is state:  # not where the counts outgrow the status
            for note in event_notes(before, state, told):
                tracked.announce(with_requester(before, state, note))
        await self._announce(tracked)

    async def _announce(self, tracked: TrackedPolicy) -> None:
        """Post an event for whatever is news of the policy."""
        for note in tracked.take_news():
            level = logging.WARNING if note.warning else logging.INFO
            log.log(level, "%s: %s", note.reason, note.message, extra={**tracked.log_fields, "reason": note.reason})
            await self._events.record(tracked.policy.reference(), note, self._clock(), tracked.state.campaign)


def _ledger_after(before: RolloutState, after: RolloutState, ledger: CountLedger) -> CountLedger:
    """What stays of the counts. Once it is decided nothing is counted but for a guard, so that a decision finds room in
    a status that series have filled."""
    if after.campaign != before.campaign or (after.decision is not None and not after.is_guarded):
        return Ledger()
    step = after.clock.step
    return ledger if step == before.clock.step else without_closed_steps(ledger, step)


def _stored_at_once(state: RolloutState) -> tuple[object, ...]:
    """What must be stored at once when it changes; single looks can be read again after a restart. That counts are
    missing is stored with the condition that says so. That a step waits for answers is shown from its first look on."""
    status = tuple((each.certified_at, each.dropped) for each in state.comparisons)
    waits = state.in_flight is None, state.interrupted, state.suspended_at
    step = state.clock.step, None if state.guard is None else watch_of(state.guard)
    decided = state.decision, state.awaiting, state.gates, state.outbox, state.certified, state.step_gates
    return state.phase, step, state.campaign, decided, status, state.handled, waits
