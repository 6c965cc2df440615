"""One reconciliation of one policy: check it, follow what is requested, look, act, and say when it is due again.

Decisions come from `rollout`; this file only orders what is read and written. A decision is stored before anything acts
on it. `traffic.phase_actions` states in which order route and verdict are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from math import inf

import aiohttp

from earlystop.controller.cluster import Cluster
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.load import look_for_load
from earlystop.controller.counts.look_request import evaluation_delay
from earlystop.controller.counts.take_look import take_look_due
from earlystop.controller.events import EventRecorder
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.reconcile.acceptance import check
from earlystop.controller.reconcile.answers import after_gates, after_people
from earlystop.controller.reconcile.certificate import after_certificate, is_lapsed
from earlystop.controller.reconcile.competition import leave_if_deleted
from earlystop.controller.reconcile.new_campaign import NewCampaigns
from earlystop.controller.reconcile.recorder import Recorder
from earlystop.controller.reconcile.requests import REQUESTED, after_deletion
from earlystop.controller.reconcile.timing import acceptance_is_due, next_reconcile
from earlystop.controller.store.recall import is_to_be_recalled, recall_looks
from earlystop.controller.store.status_writer import refresh
from earlystop.controller.traffic.act import TrafficActor
from earlystop.rollout.hooks.outbox import following_hooks
from earlystop.rollout.transitions import expire
from earlystop.rollout.waiting.approval import GivenApproval

CHANGES_AT_ONCE = 512
# A check holds all objects that its policy refers to, and the operator checks a whole fleet when it starts.
CHECKS_AT_ONCE = 50
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
        self._given = given
        self._recorder = Recorder(cluster, events, clock)
        self._actor = TrafficActor(cluster, http, reader, self._policies, clock, campaigns.tokens)
        self._checks = FairTurns(CHECKS_AT_ONCE)
        self._judging = FairTurns(1)
        self._counted_at, self._by_namespace = -inf, Counter[str]()

    async def reconcile(self, tracked: TrackedPolicy) -> float:
        """Do all that is due for one policy. Returns when it is due again, in Unix seconds.

        Raises StatusConflict when another writer changed the policy meanwhile, Gone when the policy was deleted,
        ClusterError when the Kubernetes API fails.
        """
        if tracked.status.outdated:
            await refresh(self._cluster, tracked, self._clock())
        if is_to_be_recalled(tracked):
            await recall_looks(self._cluster, tracked, self._judging, self._clock())
        if acceptance_is_due(tracked, self._clock(), self._in_namespace(tracked.namespace)):
            async with self._checks.of():
                leaving = await check(self._cluster, tracked, self._reader.known(), self._tracked(), self._clock())
            for each in leaving:
                each.acceptance.require_check()
                self._wake(each.key)
        await self._follow_hooks(tracked)
        await look_for_load(self._reader, tracked, self._clock())
        await self._follow_requests(tracked)
        leave_if_deleted(tracked)
        delay = evaluation_delay(tracked, self._reader.known())
        for _ in range(CHANGES_AT_ONCE):
            progress = await self._progress(tracked, delay)
            if progress is None:
                break
            if not await self._recorder.keep(tracked, progress) and progress.ledger is None:
                break  # not even without new counts does it fit into the status
            leave_if_deleted(tracked)
        await self._follow_certificate(tracked)
        # What alternates may be due to be shown now, and an error of the operator's own is over.
        tracked.observe(replace(tracked.observations, error=None), self._clock())
        await self._recorder.flush(tracked, self._policies())
        tracked.traffic.gathered.drop()
        now, in_namespace = self._clock(), self._in_namespace(tracked.namespace)
        return next_reconcile(tracked, delay, self._policies(), now, in_namespace)

    def _policies(self) -> int:
        return len(self._tracked())

    def _in_namespace(self, namespace: str) -> int:
        """How many policies of a namespace the operator tracks, or did a few seconds ago."""
        now = self._clock()
        if not 0 <= now - self._counted_at < COUNTED_EVERY_SECONDS:
            self._counted_at, self._by_namespace = now, Counter(each.namespace for each in self._tracked())
        return self._by_namespace[namespace]

    async def report_error(self, tracked: TrackedPolicy) -> None:
        """Say on the policy that its reconciliation met an error of the operator's own. The next that succeeds takes it
        back.

        Raises as `reconcile`.
        """
        await self._recorder.report_error(tracked)

    async def _follow_certificate(self, tracked: TrackedPolicy) -> bool:
        """Read what the policy's certificate depends on, and keep what follows. Returns whether anything that has
        lapsed was read just now."""
        followed = await after_certificate(self._cluster, self._reader, tracked, self._clock())
        if followed is None:
            return False
        return await self._recorder.keep(tracked, Progress(followed.state)) and followed.lapse_read

    async def _follow_requests(self, tracked: TrackedPolicy) -> None:
        """Abort, start a campaign, pause or resume it, promote: as spec and annotations now say."""
        if tracked.policy.held_by:
            await self._recorder.keep(tracked, Progress(after_deletion(tracked, int(self._clock()))))
            return
        lapse_read = is_lapsed(tracked) and await self._follow_certificate(tracked)
        new = await self._campaigns.next_of(tracked, int(self._clock()), lapse_read=lapse_read)  # at most one begins
        for requested in REQUESTED:
            await self._recorder.keep(tracked, Progress(requested(tracked, int(self._clock()), new)))

    async def _follow_hooks(self, tracked: TrackedPolicy) -> None:
        """Store what hooks were told since, and begin or cease to keep what there is to tell, as the spec says now."""
        settled = tuple(tracked.hooks.settled)  # more may come while this is stored
        outbox = following_hooks(tracked.state.outbox, tracked.spec.hooks or (), settled)
        after = replace(tracked.state, outbox=outbox) if outbox is not tracked.state.outbox else tracked.state
        if await self._recorder.keep(tracked, Progress(after)):
            tracked.hooks.forget_settled(settled)
        troubles = tracked.hooks.troubles(tracked.spec.hooks)
        if troubles != tracked.observations.hooks:
            tracked.observe(replace(tracked.observations, hooks=troubles), self._clock())

    async def _progress(self, tracked: TrackedPolicy, delay: float) -> Progress | None:
        """The next thing that is due, in this order: evidence that waits to be read, the end of the rollout's time,
        what people have answered, and what follows once traffic is as the state says. None when nothing is due.

        delay: seconds from a look's moment until its counts are complete.
        """
        look = await take_look_due(self._cluster, self._reader, tracked, delay, self._clock, self._judging)
        if look is not None:
            return look
        ended = expire(tracked.times, tracked.state, int(self._clock()))
        if ended is not tracked.state:
            return Progress(ended)
        given = () if tracked.state.awaiting is None else await self._given(tracked.key)
        asked = after_gates(tracked, int(self._clock()))
        if asked is not tracked.state:
            return Progress(asked)
        answered = after_people(tracked, given, int(self._clock()))
        if answered is not tracked.state:
            return Progress(answered)
        return await self._actor.act(tracked, delay)
