"""One reconciliation of one policy: check it, apply its spec, act, look, and say when it is due again.

Decisions come from `rollout.transitions`; this file only orders what is read and written. A decision is stored before
anything acts on it. `traffic.phase_actions` states in which order route and verdict are written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from math import ceil

import aiohttp

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.cluster import Cluster
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look import (
    look_failed,
    look_request,
    reading_or_failure,
    requests_since,
    routed_since,
    split_is_shown,
    variant_is_missing,
)
from earlystop.controller.events import EventRecorder
from earlystop.controller.reconcile.acceptance import acceptance
from earlystop.controller.reconcile.annotations import signed
from earlystop.controller.reconcile.milestones import is_transition
from earlystop.controller.reconcile.status_writer import conditions_to_write, refresh, write_status
from earlystop.controller.reconcile.timing import (
    acceptance_is_due,
    conditions_are_due,
    message_is_due,
    next_reconcile,
    store_is_due,
)
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.reconcile.verdict_store import store_verdict
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS, STATUS_WRITES
from earlystop.controller.traffic.desired_split import desired_split
from earlystop.controller.traffic.phase_actions import ACTIONS, RISES, Next, When, next_after
from earlystop.controller.traffic.put_in_force import SplitResult, put_in_force
from earlystop.controller.traffic.turns import ProbeTurns
from earlystop.controller.traffic.unseen_requests import look_for_unseen, with_unseen
from earlystop.controller.traffic.watch_candidates import watch_candidates
from earlystop.delivery.decide import SplitStatus
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.count_ledger import CountLedger, restarts_can_hide, without_closed_steps
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.event_notes import EventNote, event_notes, observation_notes
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.manual import Declined, Request, abort, promote_now
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.state import ACTING, WATCHING, Phase, RolloutState
from earlystop.rollout.status_codec import digest_of_decision
from earlystop.rollout.transitions import (
    carried_out,
    expire,
    start_campaign,
    suspend_or_resume,
    weights_in_force,
    weights_lost,
)
from earlystop.rollout.verdict import verdict_name

ROUNDS = 8
LOOKS_AT_ONCE = 64
# A reconciliation that checks holds all objects that its policy refers to, and the operator checks a whole fleet when
# it starts.
CHECKS_AT_ONCE = 50

ManualDecision = Callable[[LiveTimes, RolloutState, Request, str, int], RolloutState | Declined]

log = logging.getLogger(__name__)


class Reconciler:
    """Brings one policy at a time to what its spec and its counts call for.

    The caller hands in every TrackedPolicy; a Reconciler keeps nothing of a policy between two calls.
    """

    def __init__(
        self,
        cluster: Cluster,
        http: aiohttp.ClientSession,
        reader: CountBatcher,
        events: EventRecorder,
        tracked_policies: Callable[[], Collection[TrackedPolicy]],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._http = http
        self._reader = reader
        self._events = events
        self._tracked = tracked_policies
        self._clock = clock
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._turns = ProbeTurns()

    async def reconcile(self, tracked: TrackedPolicy) -> float:
        """Do all that is due for one policy. Returns when it is due again, in Unix seconds.

        Raises StatusConflict when another writer changed the policy meanwhile, Gone when the policy was deleted,
        ClusterError when the Kubernetes API fails.
        """
        if tracked.status.outdated:
            await refresh(self._cluster, tracked, self._clock())
        if acceptance_is_due(tracked, self._clock()):
            # Not while probes are sent: servers that are slow to answer would keep other policies from being checked.
            async with self._checks:
                await self._check_acceptance(tracked)
        await self._apply_spec_and_requests(tracked)
        for _ in range(ROUNDS):
            before = tracked.state
            if before.phase not in WATCHING:
                await self._act(tracked)
            up_to_date = await self._look(tracked)
            if tracked.state.phase in WATCHING:
                await self._act(tracked)
            if up_to_date:
                await self._transition(tracked, expire(tracked.times, tracked.state, int(self._clock())))
            if (before.phase, before.step) == (tracked.state.phase, tracked.state.step):
                break
        await self._flush_status(tracked)
        tracked.traffic.drop_inputs()
        return next_reconcile(tracked, self._delay(tracked), self._policies(), self._clock())

    async def _check_acceptance(self, tracked: TrackedPolicy) -> None:
        now = self._clock()
        if not acceptance_is_due(tracked, now):
            return
        if tracked.acceptance.generation != tracked.generation:
            tracked.status.clear_overflow()
        sources = self._reader.known()
        refusal = tracked.status.overflow or await acceptance(self._cluster, tracked, sources, self._tracked(), now)
        tracked.acceptance.note_checked(tracked.generation, now)
        tracked.traffic.require_recheck()
        await self._observe(tracked, replace(tracked.observations, refusal=refusal))

    async def _apply_spec_and_requests(self, tracked: TrackedPolicy) -> None:
        """Start a campaign, pause or resume it, abort or promote, as spec and annotations now say.

        A refused spec changes nothing of the campaign under way. An abort comes first, so that the campaign it ends has
        a verdict before the next one begins.
        """
        now = int(self._clock())
        await self._apply_request(tracked, tracked.policy.requests.abort, abort)
        state = tracked.state
        if tracked.observations.refusal is None:
            digest = digest_of_decision(tracked.name, tracked.uid, state)
            state = start_campaign(tracked.spec, tracked.uid, tracked.retry_token, digest, state, now)
        await self._transition(tracked, suspend_or_resume(tracked.times, state, now))
        await self._apply_request(tracked, tracked.policy.requests.promote, promote_now)

    async def _apply_request(self, tracked: TrackedPolicy, request: Request, decide: ManualDecision) -> None:
        """Apply what an annotation requests of the campaign under way. A request that is declined gets one event."""
        name = decide.__name__
        if not request.text:
            tracked.declined.pop(name, None)
            return
        before = tracked.state
        digest = digest_of_decision(tracked.name, tracked.uid, before)
        after = decide(tracked.times, before, request, digest, int(self._clock()))
        if isinstance(after, Declined):
            if tracked.declined.get(name) != after.message:
                tracked.declined[name] = after.message
                reason = "RequestRefused" if after.refused else "RequestIgnored"
                message = f"{after.message} Asked for by {request.by}."
                await self._record_event(tracked, EventNote(reason, "ApplyRequest", message, warning=after.refused))
            return
        if after is not before and before.phase in ACTING:
            # The abort's own verdict names the one before, if that could be stored; an abort does not wait for it.
            await self._ensure_verdict_stored(tracked)
        await self._transition(tracked, after)

    async def _act(self, tracked: TrackedPolicy) -> None:
        """Bring the cluster to what the stored state says, in the order that `phase_actions` states."""
        phase, split = tracked.state.phase, desired_split(tracked.state)
        actions = ACTIONS[phase]
        if split is None or actions.when is When.NEVER:
            return
        if actions.order == RISES and not await self._ensure_verdict_stored(tracked):
            tracked.traffic.note_attempt(succeeded=False)
            return
        if actions.when is When.ON_RECHECK:
            await watch_candidates(self._http, tracked, split, self._policies(), self._clock(), self._turns)
            await look_for_unseen(self._reader, tracked, int(self._clock() - self._delay(tracked)))
            if not tracked.traffic.recheck:
                await self._observe(tracked, tracked.observations)
                return
        tracked.traffic.begin_check()  # a change that is noticed from here on must not be overlooked
        traffic = await put_in_force(self._cluster, self._http, tracked, split, self._clock(), self._turns)
        if traffic.status in (SplitStatus.NOT_WRITTEN, SplitStatus.MISROUTED):
            tracked.traffic.require_recheck()
        if actions.when is When.ON_RECHECK:
            await self._record_corrections(tracked, traffic)
        if next_after(phase, traffic.status) in (Next.STORE_VERDICT, Next.FINISH):
            await self._ensure_verdict_stored(tracked)
        refused = traffic.observation.status is ConditionStatus.FALSE
        if next_after(phase, traffic.status) is Next.PROVE_BY_METRICS and not refused:
            traffic = await self._prove_by_metrics(tracked, split, traffic)
        done = traffic.status == SplitStatus.PROVEN and tracked.observations.storage is None
        tracked.traffic.note_attempt(succeeded=done)
        await self._observe(tracked, replace(tracked.observations, traffic=traffic.observation))
        await self._after_traffic(tracked, traffic)

    async def _after_traffic(self, tracked: TrackedPolicy, traffic: SplitResult) -> None:
        """The transition that follows from how far the split has got, if one does."""
        state = tracked.state
        match next_after(state.phase, traffic.status):
            case Next.SETTLE:
                await self._transition(tracked, weights_in_force(state, ceil(self._clock())))
            case Next.SETTLE_AGAIN_IF_CHANGED if traffic.changed:
                await self._transition(tracked, weights_lost(state))
            case Next.FINISH if tracked.status.verdict_stored == verdict_name(tracked.name, state):
                await self._transition(tracked, carried_out(state))

    async def _ensure_verdict_stored(self, tracked: TrackedPolicy) -> bool:
        problem = await store_verdict(self._cluster, tracked)
        await self._observe(tracked, replace(tracked.observations, storage=problem))
        return problem is None

    async def _prove_by_metrics(self, tracked: TrackedPolicy, split: TrafficSplit, traffic: SplitResult) -> SplitResult:
        """Without a probe, requests counted under this step's label prove that its weights are in force."""
        at = int(self._clock()) - ceil(self._delay(tracked))
        request = look_request(tracked, self._reader.known(), at)
        result = await self._reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
        if isinstance(result, MetricsFailure):
            return traffic
        counted = requests_since(result, split, tracked.ledger, routed_since(tracked))
        new = tracked.traffic.requests_since_change(counted)
        if not split_is_shown(new if tracked.traffic.was_taken_off else counted):
            if tracked.plan.spec.delivery.traits.split_known and variant_is_missing(new, split):
                tracked.traffic.note_missing()
            return traffic
        tracked.traffic.note_proven_by_counts(split)
        message = "Weights are in force, proven by requests counted under this step."
        return SplitResult(SplitStatus.PROVEN, Observation(ConditionStatus.TRUE, "InForce", message))

    async def _record_corrections(self, tracked: TrackedPolicy, traffic: SplitResult) -> None:
        if traffic.observation.status is ConditionStatus.FALSE or tracked.traffic.was_taken_off:
            return  # nothing was put right: users were taken off, and the condition says why, or they are led again
        for name in traffic.changed:
            message = f"{name} did not hold what this policy needs and was put right. Edit the policy instead."
            await self._record_event(tracked, EventNote("ForeignEditUndone", "CorrectTraffic", message, warning=True))

    async def _look(self, tracked: TrackedPolicy) -> bool:
        """Take every look that is due, in order, each at its own moment of the grid.

        Returns whether there is nothing more to read now. Until then no deadline is applied: evidence that waits to be
        read comes first.
        """
        for _ in range(LOOKS_AT_ONCE):
            at = next_look(tracked.times, tracked.state)
            delay = self._delay(tracked)
            if at is None or at + delay > self._clock():
                return True
            request = look_request(tracked, self._reader.known(), at)
            result = await self._reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
            found = result if isinstance(result, MetricsFailure) else reading_or_failure(tracked, result, at)
            if isinstance(found, MetricsFailure):
                LOOKS.labels(found.kind.value).inc()
                await self._observe(tracked, replace(tracked.observations, metrics=_lost(found)))
                state, again = look_failed(tracked.state, found, at, int(self._clock()))
                tracked.note_reading(usable=False)
                await self._transition(tracked, state)
                if again or tracked.state is not state:
                    return True
                continue
            tracked.note_reading(usable=True)
            state, ledger = found
            await self._observe(tracked, replace(tracked.observations, metrics=_readable(ledger)))
            await self._transition(tracked, state, ledger)
            LOOKS.labels("read").inc()
            if tracked.state is not state:
                return True  # it did not fit into the status
            LOOK_LATENESS.observe(max(0.0, self._clock() - at - delay))
        return False

    async def _transition(self, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger | None = None) -> None:
        """Take over a new state. A transition is stored before it is taken over, a mere look at the next slow tick."""
        before = tracked.state
        ledger = tracked.ledger if ledger is None else ledger
        if state is before:
            return
        if state.campaign != before.campaign or state.decision is not None:
            # Once it is decided nothing is counted: a decision finds room in a status that series have filled.
            ledger = Ledger()
        elif state.step != before.step:
            ledger = without_closed_steps(ledger, state.step)
        if not is_transition(before, state):
            tracked.advance(state, ledger)
            return
        await self._store(tracked, state, ledger)

    async def _store(self, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger) -> None:
        """Write the status, and record an event for each change since the operator last wrote it."""
        before = tracked.status.stored
        await write_status(self._cluster, tracked, state, ledger, self._clock())
        STATUS_WRITES.inc()
        for note in event_notes(before, tracked.status.stored):
            await self._record_event(tracked, signed(tracked.policy.requests, before, tracked.status.stored, note))

    async def _flush_status(self, tracked: TrackedPolicy) -> None:
        """Store what this reconciliation has not stored yet: changed conditions, or looks when the slow tick comes."""
        now, policies = self._clock(), self._policies()
        conditions = conditions_are_due(conditions_to_write(tracked), tracked, policies, now)
        if conditions or message_is_due(tracked, now) or store_is_due(tracked, policies, now):
            await self._store(tracked, tracked.state, tracked.ledger)

    async def _observe(self, tracked: TrackedPolicy, observations: Observations) -> None:
        before = tracked.observations
        observations = replace(observations, traffic=with_unseen(tracked, observations.traffic))
        tracked.observe(observations)
        for note in observation_notes(before, observations):
            await self._record_event(tracked, note)

    async def _record_event(self, tracked: TrackedPolicy, note: EventNote) -> None:
        level = logging.WARNING if note.warning else logging.INFO
        log.log(level, "%s: %s", note.reason, note.message, extra=tracked.log_fields)
        await self._events.record(tracked.policy.reference(), note, self._clock())

    def _delay(self, tracked: TrackedPolicy) -> float:
        if tracked.state.phase == Phase.PENDING:
            return 0.0
        source = self._reader.known().get(tracked.plan.spec.metrics.source_ref.name)
        return float(source.evaluation_delay_seconds) if source is not None else 0.0

    def _policies(self) -> int:
        return len(self._tracked())


def _readable(ledger: CountLedger) -> Observation:
    message = "Counts can be read."
    if restarts_can_hide(ledger):
        message += (
            " Some of their processes export no process_start_time_seconds, so a restart after which a counter grows "
            "beyond its old value within one scrape is not seen, and its requests are not counted."
        )
    return Observation(ConditionStatus.TRUE, "Readable", message)


def _lost(failure: MetricsFailure) -> Observation:
    return Observation(
        ConditionStatus.FALSE, failure.kind.value, f"Counts cannot be used: {failure.message}. Nothing is decided."
    )
