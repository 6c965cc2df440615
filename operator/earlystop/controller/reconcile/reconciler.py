"""One visit to one policy: check it, decide, act, look, and say when to come again.

Decisions come from the kernel; this file only orders what is read and written. A decision is stored before anything
acts on it. When exposure falls the route comes before the verdict, when it rises the verdict comes before the route.
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
from earlystop.controller.counts.look import look_failed, look_request, reading_or_failure, routed_since, split_is_shown
from earlystop.controller.events import EventRecorder
from earlystop.controller.reconcile.acceptance import acceptance
from earlystop.controller.reconcile.annotations import (
    signed,
)
from earlystop.controller.reconcile.status_writer import conditions_to_write, refresh, write_status
from earlystop.controller.reconcile.timing import acceptance_is_due, conditions_are_due, next_visit, store_is_due
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.reconcile.verdict_store import store_verdict
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS, STATUS_WRITES
from earlystop.controller.traffic.desired_split import desired_split
from earlystop.controller.traffic.put_in_force import SplitResult, SplitStatus, put_in_force
from earlystop.delivery.inputs import TrafficSplit
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
LOOKS_A_VISIT = 64
# A visit that checks holds all objects around its policy, and a whole fleet is checked when it is first seen.
CHECKS_AT_ONCE = 50

Verb = Callable[[LiveTimes, RolloutState, Request, str, int], RolloutState | Declined]

log = logging.getLogger(__name__)


class Reconciler:
    """Visits policies. Everything it needs is given; it keeps nothing of its own between visits."""

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

    async def visit(self, tracked: TrackedPolicy) -> float:
        """Do all that is due for one policy. Returns when to come again, in Unix seconds.

        Raises Outrun when the policy changed underneath, Gone when it was deleted, ClusterError when the API fails.
        """
        if not acceptance_is_due(tracked, self._clock()):
            return await self._reconcile_once(tracked)
        async with self._checks:
            return await self._reconcile_once(tracked)

    async def _reconcile_once(self, tracked: TrackedPolicy) -> float:
        if tracked.outdated:
            await refresh(self._cluster, tracked, self._clock())
        await self._check(tracked)
        await self._begin(tracked)
        for _ in range(ROUNDS):
            before = tracked.state
            if before.phase not in WATCHING:
                await self._act(tracked)
            up_to_date = await self._look(tracked)
            if tracked.state.phase in WATCHING:
                await self._act(tracked)
            if up_to_date:
                await self._move(tracked, expire(LiveTimes.of(tracked.spec), tracked.state, int(self._clock())))
            if (before.phase, before.step) == (tracked.state.phase, tracked.state.step):
                break
        await self._flush_status(tracked)
        tracked.inputs = None
        return next_visit(tracked, self._delay(tracked), self._policies(), self._clock())

    async def _check(self, tracked: TrackedPolicy) -> None:
        now = self._clock()
        if not acceptance_is_due(tracked, now):
            return
        if tracked.checked_generation != tracked.generation:
            tracked.overflow = None
        sources = self._reader.known()
        refusal = tracked.overflow or await acceptance(self._cluster, tracked, sources, self._tracked(), now)
        tracked.checked_generation, tracked.checked_at = tracked.generation, now
        tracked.suspect = True
        await self._see(tracked, replace(tracked.observations, refusal=refusal))

    async def _begin(self, tracked: TrackedPolicy) -> None:
        """A new campaign, a pause or its end, and what people ask for, as the policy says now. A refused edit changes
        nothing under way. An abort comes first: what it ends has a record before the next campaign begins."""
        now = int(self._clock())
        await self._apply_request(tracked, tracked.policy.asked.abort, abort)
        state = tracked.state
        if tracked.observations.refusal is None:
            digest = digest_of_decision(tracked.name, tracked.uid, state)
            state = start_campaign(tracked.spec, tracked.uid, tracked.retry_token, digest, state, now)
        await self._move(tracked, suspend_or_resume(LiveTimes.of(tracked.spec), state, now))
        await self._apply_request(tracked, tracked.policy.asked.promote, promote_now)

    async def _apply_request(self, tracked: TrackedPolicy, request: Request, verb: Verb) -> None:
        """Do what an annotation asks of the campaign under way; tell once why, where nothing is done."""
        name = verb.__name__
        if not request.text:
            tracked.declined.pop(name, None)
            return
        before = tracked.state
        digest = digest_of_decision(tracked.name, tracked.uid, before)
        after = verb(LiveTimes.of(tracked.spec), before, request, digest, int(self._clock()))
        if isinstance(after, Declined):
            if tracked.declined.get(name) != after.message:
                tracked.declined[name] = after.message
                reason = "RequestRefused" if after.refused else "RequestIgnored"
                message = f"{after.message} Asked for by {request.by}."
                await self._tell(tracked, EventNote(reason, "HeedRequest", message, warning=after.refused))
            return
        if after is not before and before.phase in ACTING:
            await self._ensure_verdict_stored(tracked)  # the next one names it; if that fails, the abort does not wait
        await self._move(tracked, after)

    async def _act(self, tracked: TrackedPolicy) -> None:
        """Bring the cluster to what the stored state says, in the order that is safe at every interruption."""
        split = desired_split(tracked.state)
        if split is None or tracked.state.phase == Phase.SUSPENDED:
            return  # suspended, weights stay as they are, even where a step was not in force yet
        phase = tracked.state.phase
        if phase in (Phase.PROMOTING, Phase.HOLDING, Phase.REPORTING) and not await self._ensure_verdict_stored(
            tracked
        ):
            tracked.traffic_failures += 1
            return
        under_way = phase in ACTING or phase == Phase.APPLYING
        if not under_way and not tracked.suspect:
            return
        tracked.suspect = False  # what is seen from here on must not be overlooked
        traffic = await put_in_force(self._cluster, self._http, tracked, split, self._clock())
        tracked.suspect = tracked.suspect or traffic.status in (SplitStatus.NOT_WRITTEN, SplitStatus.MISROUTED)
        if not under_way:
            await self._record_corrections(tracked, traffic)
        if phase == Phase.ROLLING_BACK and traffic.status != SplitStatus.NOT_WRITTEN:
            await self._ensure_verdict_stored(tracked)
        if phase == Phase.APPLYING and traffic.status == SplitStatus.UNPROVABLE:
            traffic = await self._prove_by_metrics(tracked, split, traffic)
        done = traffic.status == SplitStatus.PROVEN and tracked.observations.storage is None
        tracked.traffic_failures = 0 if done else tracked.traffic_failures + 1
        await self._see(tracked, replace(tracked.observations, traffic=traffic.observation))
        await self._after_traffic(tracked, traffic)

    async def _after_traffic(self, tracked: TrackedPolicy, traffic: SplitResult) -> None:
        state = tracked.state
        if state.phase == Phase.APPLYING and traffic.status == SplitStatus.PROVEN:
            await self._move(tracked, weights_in_force(state, ceil(self._clock())))
        elif state.phase in WATCHING and traffic.changed:
            await self._move(tracked, weights_lost(state))
        elif (
            state.phase in ACTING
            and _is_done(state.phase, traffic.status)
            and tracked.verdict_stored == verdict_name(tracked.name, state)
        ):
            await self._move(tracked, carried_out(state))

    async def _ensure_verdict_stored(self, tracked: TrackedPolicy) -> bool:
        problem = await store_verdict(self._cluster, tracked)
        await self._see(tracked, replace(tracked.observations, storage=problem))
        return problem is None

    async def _prove_by_metrics(self, tracked: TrackedPolicy, split: TrafficSplit, traffic: SplitResult) -> SplitResult:
        """Without a probe, requests counted under this step's label prove that its weights are in force."""
        at = int(self._clock()) - ceil(self._delay(tracked))
        request = look_request(tracked, self._reader.known(), at)
        result = await self._reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
        since = routed_since(tracked)
        if isinstance(result, MetricsFailure) or not split_is_shown(result, split, tracked.ledger, since):
            return traffic
        tracked.proven = split
        message = "Weights are in force, proven by requests counted under this step."
        return SplitResult(SplitStatus.PROVEN, Observation(ConditionStatus.TRUE, "InForce", message))

    async def _record_corrections(self, tracked: TrackedPolicy, traffic: SplitResult) -> None:
        for name in traffic.changed:
            message = f"{name} did not hold what this policy needs and was put right. Edit the policy instead."
            await self._tell(tracked, EventNote("ForeignEditUndone", "CorrectTraffic", message, warning=True))

    async def _look(self, tracked: TrackedPolicy) -> bool:
        """Take every look that is due, in order, each at its own moment of the grid. Returns whether there is nothing
        more to read now: evidence that waits to be read comes before any deadline."""
        for _ in range(LOOKS_A_VISIT):
            at = next_look(LiveTimes.of(tracked.spec), tracked.state)
            delay = self._delay(tracked)
            if at is None or at + delay > self._clock():
                return True
            request = look_request(tracked, self._reader.known(), at)
            result = await self._reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
            found = result if isinstance(result, MetricsFailure) else reading_or_failure(tracked, result, at)
            if isinstance(found, MetricsFailure):
                LOOKS.labels(found.kind.value).inc()
                await self._see(tracked, replace(tracked.observations, metrics=_lost(found)))
                state, again = look_failed(tracked.state, found, at, int(self._clock()))
                tracked.metrics_failures += 1
                await self._move(tracked, state)
                if again or tracked.state is not state:
                    return True
                continue
            tracked.metrics_failures = 0
            state, ledger = found
            await self._see(tracked, replace(tracked.observations, metrics=_readable(ledger)))
            await self._move(tracked, state, ledger)
            LOOKS.labels("read").inc()
            if tracked.state is not state:
                return True  # it did not fit into the status
            LOOK_LATENESS.observe(max(0.0, self._clock() - at - delay))
        return False

    async def _move(self, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger | None = None) -> None:
        """Take over a new state: stored first when it is a transition, else at the next slow tick."""
        before = tracked.state
        ledger = tracked.ledger if ledger is None else ledger
        if state is before:
            return
        if state.campaign != before.campaign or state.decision is not None:
            # Once it is decided nothing is counted: a decision finds room in a status that series have filled.
            ledger = Ledger()
        elif state.step != before.step:
            ledger = without_closed_steps(ledger, state.step)
        if not _is_transition(before, state):
            tracked.state, tracked.ledger = state, ledger
            return
        await self._store(tracked, state, ledger)

    async def _store(self, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger) -> None:
        """Write the status, and tell what is new in it since it was last written."""
        before = tracked.stored
        await write_status(self._cluster, tracked, state, ledger, self._clock())
        STATUS_WRITES.inc()
        for story in event_notes(before, tracked.stored):
            await self._tell(tracked, signed(tracked.policy.asked, before, tracked.stored, story))

    async def _flush_status(self, tracked: TrackedPolicy) -> None:
        """Store what the visit has left unsaid: conditions that changed, or looks when the slow tick comes."""
        now, policies = self._clock(), self._policies()
        if conditions_are_due(conditions_to_write(tracked), tracked, policies, now) or store_is_due(
            tracked, policies, now
        ):
            await self._store(tracked, tracked.state, tracked.ledger)

    async def _see(self, tracked: TrackedPolicy, observations: Observations) -> None:
        before, tracked.observations = tracked.observations, observations
        for story in observation_notes(before, observations):
            await self._tell(tracked, story)

    async def _tell(self, tracked: TrackedPolicy, story: EventNote) -> None:
        level = logging.WARNING if story.warning else logging.INFO
        log.log(level, "%s: %s", story.reason, story.message, extra=tracked.log_fields)
        await self._events.tell(tracked.policy.reference(), story, self._clock())

    def _delay(self, tracked: TrackedPolicy) -> float:
        if tracked.state.phase == Phase.PENDING:
            return 0.0
        source = self._reader.known().get(tracked.plan.spec.metrics.source_ref.name)
        return float(source.evaluation_delay_seconds) if source is not None else 0.0

    def _policies(self) -> int:
        return len(self._tracked())


def _is_done(phase: Phase, status: SplitStatus) -> bool:
    """Whether what was decided is carried out. A gateway that misroutes gets no candidate, as a rollback wants."""
    done = (SplitStatus.PROVEN, SplitStatus.UNPROVABLE)
    return status in done or (phase == Phase.ROLLING_BACK and status == SplitStatus.MISROUTED)


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


def _is_transition(before: RolloutState, after: RolloutState) -> bool:
    """Whether people or a restarted operator must know at once; single looks can be read again."""
    return _milestone(before) != _milestone(after)


def _milestone(state: RolloutState) -> tuple[object, ...]:
    status = tuple((each.certified_at, each.dropped) for each in state.comparisons)
    return state.phase, state.step, state.campaign, state.decision, state.metrics_lost_at is None, status
