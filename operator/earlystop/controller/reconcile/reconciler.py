"""One reconciliation of one policy: check it, follow what is requested, look, act, and say when it is due again.

Decisions come from `rollout`; this file only orders what is read and written. A decision is stored before anything acts
on it. `traffic.phase_actions` states in which order route and verdict are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from math import ceil, inf

import aiohttp

from earlystop.controller.cluster import Cluster
from earlystop.controller.counts.alarm import after_alarm
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.load import look_for_load
from earlystop.controller.counts.take_look import evaluation_delay, take_look_due
from earlystop.controller.events import EventRecorder
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.reconcile.acceptance import check
from earlystop.controller.reconcile.answers import after_waiting
from earlystop.controller.reconcile.certificate import read_certificate
from earlystop.controller.reconcile.competition import leave_when_over
from earlystop.controller.reconcile.new_campaign import NewCampaigns
from earlystop.controller.reconcile.outbox import follow_hooks
from earlystop.controller.reconcile.recorder import Recorder
from earlystop.controller.reconcile.requests import follow_requests
from earlystop.controller.reconcile.timing import acceptance_is_due, next_reconcile
from earlystop.controller.store.recall import recall_looks
from earlystop.controller.store.status_writer import refresh
from earlystop.controller.traffic.act import TrafficActor
from earlystop.controller.traffic.phase_actions import after_traffic
from earlystop.rollout.waiting.approval import GivenApproval

CHANGES_AT_ONCE = 512
# A check holds all objects that its policy refers to, and the operator checks a whole fleet when it starts.
CHECKS_AT_ONCE = 16
COUNTED_EVERY_SECONDS = 5.0


async def _no_approvals(_: tuple[str, str]) -> tuple[GivenApproval, ...]:
    """The approvals of a policy where none are followed."""
    return ()


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
        campaigns: NewCampaigns,
        wake: Callable[[tuple[str, str]], None] = lambda _: None,
        given: Callable[[tuple[str, str]], Awaitable[tuple[GivenApproval, ...]]] = _no_approvals,
    ) -> None:
        """campaigns: gives what a new campaign begins with. wake: makes the policy of a namespace and name due at once.
        given: approvals that name it."""
        self._cluster = cluster
        self._reader = reader
        self._tracked = tracked_policies
        self._clock = clock
        self._campaigns = campaigns
        self._wake = wake
        self._recorder = Recorder(cluster, events, clock)
        self._given = given
        self._actor = TrafficActor(cluster, http, reader, clock, campaigns.tokens)
        self._checks, self._judging = FairTurns(CHECKS_AT_ONCE), FairTurns(1)
        self._counted_at, self._by_namespace = -inf, Counter[str]()

    async def reconcile(self, tracked: TrackedPolicy) -> float:
        """Do all that is due for one policy, one thing after the other: each is kept before the next is thought of.
        Returns when the policy is due again, in Unix seconds.

        Raises StatusConflict when another writer changed the policy meanwhile, Gone when the policy was deleted,
        ClusterError when the Kubernetes API fails.
        """
        try:
            return await self._reconcile_once(tracked)
        finally:  # also where it fails: of a fleet, this would be held for as long as an outage lasts
            tracked.traffic.gathered.drop()
            tracked.read_ahead = None

    async def _reconcile_once(self, tracked: TrackedPolicy) -> float:
        policies, in_namespace = self._counted(tracked.namespace)
        cluster, reader, recorder, clock = self._cluster, self._reader, self._recorder, self._clock
        if tracked.status.outdated:
            await refresh(cluster, tracked, clock())
        if tracked.is_to_be_recalled:
            await recall_looks(cluster, tracked, self._judging, clock())
        if acceptance_is_due(tracked, clock(), in_namespace):
            async with self._checks.of():
                leaving = await check(cluster, tracked, reader.sources, self._tracked(), clock())
            if self._checks.are_waited_for:
                tracked.traffic.gathered.drop()  # a fleet's would be out of date before the traffic's turn comes
            for each in leaving:
                each.acceptance.require_check()
                self._wake(each.key)
        await follow_hooks(recorder, tracked, clock())
        await look_for_load(reader, tracked, clock())
        lapse_read = tracked.is_lapsed and await read_certificate(cluster, reader, recorder, tracked, clock())
        new = await self._campaigns.next_of(tracked, int(clock()), lapse_read=lapse_read)
        await follow_requests(recorder, tracked, new, int(clock()))
        delay = evaluation_delay(tracked, reader.sources)
        for _ in range(CHANGES_AT_ONCE):
            if tracked.policy.held_by:
                leave_when_over(tracked)
            progress = await take_look_due(cluster, reader, tracked, delay, clock, self._judging)
            if progress is not None and (alarm := progress.alarm) is not None:
                progress = await after_alarm(reader, tracked, progress, alarm)
            if progress is None:  # no evidence waits to be read
                after = await after_waiting(tracked, self._given, clock)
                if after is tracked.state and (acted := await self._actor.act(tracked, delay, policies)) is not None:
                    after = after_traffic(tracked, acted, ceil(clock()))
                if after is tracked.state:
                    break
                progress = Progress(after)
            if not await recorder.keep(tracked, progress) and progress.ledger is None:
                break  # not even without new counts does it fit into the status
        await read_certificate(cluster, reader, recorder, tracked, clock())
        # What alternates may be due to be shown now, and an error of the operator's own is over.
        tracked.observe(replace(tracked.observations, error=None), clock())
        await recorder.flush(tracked, policies)
        return next_reconcile(tracked, delay, policies, clock(), in_namespace)

    def _counted(self, namespace: str) -> tuple[int, int]:
        """How many policies the operator tracks, and of these in a namespace, as they were a few seconds ago."""
        now, tracked = self._clock(), self._tracked()
        if not 0 <= now - self._counted_at < COUNTED_EVERY_SECONDS:
            self._counted_at, self._by_namespace = now, Counter(each.namespace for each in tracked)
        return len(tracked), self._by_namespace[namespace]

    async def report_error(self, tracked: TrackedPolicy) -> None:
        """Say on the policy that its reconciliation met an error of the operator's own. The next that succeeds takes it
        back.

        Raises as `reconcile`.
        """
        await self._recorder.report_error(tracked)
