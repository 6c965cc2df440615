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

from earlystop.api.conditions import Truth
from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import Cluster
from earlystop.controller.counts.count_batcher import CountReader
from earlystop.controller.counts.look import look_failed, look_request, routed_since, seen_or_why_not, split_is_shown
from earlystop.controller.events import EventRecorder
from earlystop.controller.reconcile.acceptance import acceptance
from earlystop.controller.reconcile.annotations import (
    signed,
)
from earlystop.controller.reconcile.status_writer import read_again, unsaid, write_status
from earlystop.controller.reconcile.timing import acceptance_is_due, next_visit, saying_is_due, store_is_due
from earlystop.controller.reconcile.tracked import Session
from earlystop.controller.reconcile.verdict_store import store_verdict
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS, STATUS_WRITES
from earlystop.controller.traffic.desired_split import share_of
from earlystop.controller.traffic.put_in_force import Standing, Traffic, put_in_force
from earlystop.delivery.inputs import Share
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.count_ledger import Book, restarts_can_hide, without_closed_steps
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.event_notes import Story, fact_stories, stories
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.manual import Declined, Request, abort, promote_now
from earlystop.rollout.observations import Facts, Sight
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

Verb = Callable[[PolicySpec, RolloutState, Request, str, int], RolloutState | Declined]

log = logging.getLogger(__name__)


class Visitor:
    """Visits policies. Everything it needs is given; it keeps nothing of its own between visits."""

    def __init__(
        self,
        cluster: Cluster,
        http: aiohttp.ClientSession,
        reader: CountReader,
        events: EventRecorder,
        sessions: Callable[[], Collection[Session]],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._http = http
        self._reader = reader
        self._events = events
        self._sessions = sessions
        self._clock = clock
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def visit(self, session: Session) -> float:
        """Do all that is due for one policy. Returns when to come again, in Unix seconds.

        Raises Outrun when the policy changed underneath, Gone when it was deleted, ClusterError when the API fails.
        """
        if not acceptance_is_due(session, self._clock()):
            return await self._pass(session)
        async with self._checks:
            return await self._pass(session)

    async def _pass(self, session: Session) -> float:
        if session.outdated:
            await read_again(self._cluster, session, self._clock())
        await self._check(session)
        await self._begin(session)
        for _ in range(ROUNDS):
            before = session.state
            if before.phase not in WATCHING:
                await self._act(session)
            up_to_date = await self._look(session)
            if session.state.phase in WATCHING:
                await self._act(session)
            if up_to_date:
                await self._move(session, expire(session.spec, session.state, int(self._clock())))
            if (before.phase, before.step) == (session.state.phase, session.state.step):
                break
        await self._keep(session)
        session.around = None
        return next_visit(session, self._delay(session), self._policies(), self._clock())

    async def _check(self, session: Session) -> None:
        now = self._clock()
        if not acceptance_is_due(session, now):
            return
        if session.checked_generation != session.generation:
            session.overflow = None
        sources = self._reader.known()
        refusal = session.overflow or await acceptance(self._cluster, session, sources, self._sessions(), now)
        session.checked_generation, session.checked_at = session.generation, now
        session.suspect = True
        await self._see(session, replace(session.facts, refusal=refusal))

    async def _begin(self, session: Session) -> None:
        """A new campaign, a pause or its end, and what people ask for, as the policy says now. A refused edit changes
        nothing under way. An abort comes first: what it ends has a record before the next campaign begins."""
        now = int(self._clock())
        await self._heed(session, session.policy.asked.abort, abort)
        state = session.state
        if session.facts.refusal is None:
            digest = digest_of_decision(session.name, session.uid, state)
            state = start_campaign(session.spec, session.uid, session.retry_token, digest, state, now)
        await self._move(session, suspend_or_resume(session.spec, state, now))
        await self._heed(session, session.policy.asked.promote, promote_now)

    async def _heed(self, session: Session, request: Request, verb: Verb) -> None:
        """Do what an annotation asks of the campaign under way; tell once why, where nothing is done."""
        name = verb.__name__
        if not request.text:
            session.declined.pop(name, None)
            return
        before = session.state
        digest = digest_of_decision(session.name, session.uid, before)
        after = verb(session.spec, before, request, digest, int(self._clock()))
        if isinstance(after, Declined):
            if session.declined.get(name) != after.message:
                session.declined[name] = after.message
                reason = "RequestRefused" if after.refused else "RequestIgnored"
                message = f"{after.message} Asked for by {request.by}."
                await self._tell(session, Story(reason, "HeedRequest", message, warning=after.refused))
            return
        if after is not before and before.phase in ACTING:
            await self._verdict_is_stored(session)  # the next one names it; if that fails, the abort does not wait
        await self._move(session, after)

    async def _act(self, session: Session) -> None:
        """Bring the cluster to what the stored state says, in the order that is safe at every interruption."""
        share = share_of(session.state)
        if share is None or session.state.phase == Phase.SUSPENDED:
            return  # suspended, weights stay as they are, even where a step was not in force yet
        phase = session.state.phase
        if phase in (Phase.PROMOTING, Phase.HOLDING, Phase.REPORTING) and not await self._verdict_is_stored(session):
            session.traffic_failures += 1
            return
        under_way = phase in ACTING or phase == Phase.APPLYING
        if not under_way and not session.suspect:
            return
        session.suspect = False  # what is seen from here on must not be overlooked
        traffic = await put_in_force(self._cluster, self._http, session, share, self._clock())
        session.suspect = session.suspect or traffic.standing in (Standing.NOT_WRITTEN, Standing.MISROUTED)
        if not under_way:
            await self._tell_corrections(session, traffic)
        if phase == Phase.ROLLING_BACK and traffic.standing != Standing.NOT_WRITTEN:
            await self._verdict_is_stored(session)
        if phase == Phase.APPLYING and traffic.standing == Standing.UNPROVABLE:
            traffic = await self._prove_by_metrics(session, share, traffic)
        done = traffic.standing == Standing.PROVEN and session.facts.storage is None
        session.traffic_failures = 0 if done else session.traffic_failures + 1
        await self._see(session, replace(session.facts, traffic=traffic.sight))
        await self._go_on(session, traffic)

    async def _go_on(self, session: Session, traffic: Traffic) -> None:
        state = session.state
        if state.phase == Phase.APPLYING and traffic.standing == Standing.PROVEN:
            await self._move(session, weights_in_force(state, ceil(self._clock())))
        elif state.phase in WATCHING and traffic.changed:
            await self._move(session, weights_lost(state))
        elif (
            state.phase in ACTING
            and _is_done(state.phase, traffic.standing)
            and session.verdict_stored == verdict_name(session.name, state)
        ):
            await self._move(session, carried_out(state))

    async def _verdict_is_stored(self, session: Session) -> bool:
        problem = await store_verdict(self._cluster, session)
        await self._see(session, replace(session.facts, storage=problem))
        return problem is None

    async def _prove_by_metrics(self, session: Session, share: Share, traffic: Traffic) -> Traffic:
        """Without a probe, requests counted under this step's label prove that its weights are in force."""
        at = int(self._clock()) - ceil(self._delay(session))
        request = look_request(session, self._reader.known(), at)
        result = await self._reader.read(session.plan.spec.metrics.source_ref.name, request, at)
        since = routed_since(session)
        if isinstance(result, MetricsFailure) or not split_is_shown(result, share, session.ledger, since):
            return traffic
        session.proven = share
        message = "Weights are in force, proven by requests counted under this step."
        return Traffic(Standing.PROVEN, Sight(Truth.TRUE, "InForce", message))

    async def _tell_corrections(self, session: Session, traffic: Traffic) -> None:
        for name in traffic.changed:
            message = f"{name} did not hold what this policy needs and was put right. Edit the policy instead."
            await self._tell(session, Story("ForeignEditUndone", "CorrectTraffic", message, warning=True))

    async def _look(self, session: Session) -> bool:
        """Take every look that is due, in order, each at its own moment of the grid. Returns whether there is nothing
        more to read now: evidence that waits to be read comes before any deadline."""
        for _ in range(LOOKS_A_VISIT):
            at = next_look(session.spec, session.state)
            delay = self._delay(session)
            if at is None or at + delay > self._clock():
                return True
            request = look_request(session, self._reader.known(), at)
            result = await self._reader.read(session.plan.spec.metrics.source_ref.name, request, at)
            found = result if isinstance(result, MetricsFailure) else seen_or_why_not(session, result, at)
            if isinstance(found, MetricsFailure):
                LOOKS.labels(found.kind.value).inc()
                await self._see(session, replace(session.facts, metrics=_lost(found)))
                state, again = look_failed(session.state, found, at, int(self._clock()))
                session.metrics_failures += 1
                await self._move(session, state)
                if again or session.state is not state:
                    return True
                continue
            session.metrics_failures = 0
            state, ledger = found
            await self._see(session, replace(session.facts, metrics=_readable(ledger)))
            await self._move(session, state, ledger)
            LOOKS.labels("read").inc()
            if session.state is not state:
                return True  # it did not fit into the status
            LOOK_LATENESS.observe(max(0.0, self._clock() - at - delay))
        return False

    async def _move(self, session: Session, state: RolloutState, ledger: Book | None = None) -> None:
        """Take over a new state: stored first when it is a transition, else at the next slow tick."""
        before = session.state
        ledger = session.ledger if ledger is None else ledger
        if state is before:
            return
        if state.campaign != before.campaign or state.decision is not None:
            # Once it is decided nothing is counted: a decision finds room in a status that series have filled.
            ledger = Ledger()
        elif state.step != before.step:
            ledger = without_closed_steps(ledger, state.step)
        if not _is_transition(before, state):
            session.state, session.ledger = state, ledger
            return
        await self._store(session, state, ledger)

    async def _store(self, session: Session, state: RolloutState, ledger: Book) -> None:
        """Write the status, and tell what is new in it since it was last written."""
        before = session.stored
        await write_status(self._cluster, session, state, ledger, self._clock())
        STATUS_WRITES.inc()
        for story in stories(before, session.stored):
            await self._tell(session, signed(session.policy.asked, before, session.stored, story))

    async def _keep(self, session: Session) -> None:
        """Store what the visit has left unsaid: conditions that changed, or looks when the slow tick comes."""
        now, policies = self._clock(), self._policies()
        if saying_is_due(unsaid(session), session, policies, now) or store_is_due(session, policies, now):
            await self._store(session, session.state, session.ledger)

    async def _see(self, session: Session, facts: Facts) -> None:
        before, session.facts = session.facts, facts
        for story in fact_stories(before, facts):
            await self._tell(session, story)

    async def _tell(self, session: Session, story: Story) -> None:
        level = logging.WARNING if story.warning else logging.INFO
        log.log(level, "%s: %s", story.reason, story.message, extra=session.log_fields)
        await self._events.tell(session.policy.reference(), story, self._clock())

    def _delay(self, session: Session) -> float:
        if session.state.phase == Phase.PENDING:
            return 0.0
        source = self._reader.known().get(session.plan.spec.metrics.source_ref.name)
        return float(source.evaluation_delay_seconds) if source is not None else 0.0

    def _policies(self) -> int:
        return len(self._sessions())


def _is_done(phase: Phase, standing: Standing) -> bool:
    """Whether what was decided is carried out. A gateway that misroutes gets no candidate, as a rollback wants."""
    done = (Standing.PROVEN, Standing.UNPROVABLE)
    return standing in done or (phase == Phase.ROLLING_BACK and standing == Standing.MISROUTED)


def _readable(ledger: Book) -> Sight:
    message = "Counts can be read."
    if restarts_can_hide(ledger):
        message += (
            " Some of their processes export no process_start_time_seconds, so a restart after which a counter grows "
            "beyond its old value within one scrape is not seen, and its requests are not counted."
        )
    return Sight(Truth.TRUE, "Readable", message)


def _lost(failure: MetricsFailure) -> Sight:
    return Sight(Truth.FALSE, failure.kind.value, f"Counts cannot be used: {failure.message}. Nothing is decided.")


def _is_transition(before: RolloutState, after: RolloutState) -> bool:
    """Whether people or a restarted operator must know at once; single looks can be read again."""
    return _milestone(before) != _milestone(after)


def _milestone(state: RolloutState) -> tuple[object, ...]:
    standing = tuple((each.certified_at, each.dropped) for each in state.comparisons)
    return state.phase, state.step, state.campaign, state.decision, state.metrics_lost_at is None, standing
