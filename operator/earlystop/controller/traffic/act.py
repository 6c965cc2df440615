"""Bringing the cluster to what a policy's stored state says, in the order that `phase_actions` states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil

import aiohttp

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import Cluster, ClusterError
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.verdict_store import ensure_verdict_stored
from earlystop.controller.traffic.apply import WriteRefused
from earlystop.controller.traffic.phase_actions import ACTIONS, RISES, Acted, Next, PhaseActions, When
from earlystop.controller.traffic.proof_by_servers import proven_by_servers
from earlystop.controller.traffic.put_in_force import correction_note, detach_while_frozen, put_in_force
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.controller.traffic.turns import TrafficTurns
from earlystop.controller.traffic.unseen_requests import with_unseen
from earlystop.controller.traffic.watch import watch
from earlystop.controller.traffic.watch_candidates import watch_candidates
from earlystop.controller.traffic.watch_counts import watch_counts
from earlystop.delivery.decisions import LEADS, SplitStatus
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_conditions import write_refused
from earlystop.rollout.observations import Observation


class TrafficActor:
    """Puts the split of a policy in force, and stores the verdict of its decision before or after that."""

    def __init__(
        self,
        cluster: Cluster,
        http: aiohttp.ClientSession,
        reader: CountBatcher,
        clock: Callable[[], float],
        tokens: CampaignTokens,
    ) -> None:
        self._cluster = cluster
        self._tokens = tokens
        self._http = http
        self._reader = reader
        self._turns = TrafficTurns()
        self._clock = clock

    async def act(self, tracked: TrackedPolicy, delay: float, policies: int) -> Acted | None:
        """Do what the phase asks for about traffic and verdict. Returns what has come of it, None where the split was
        left as it is.

        delay: seconds until counts are complete. policies: how many the operator tracks.

        Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
        """
        split, actions = tracked.split, ACTIONS[tracked.state.watch_phase]
        if split is None or actions.when is When.NEVER:
            return None
        split = self._tokens.with_token(split, tracked.label, tracked.uid, tracked.state.entropy)
        if actions.order == RISES and not await ensure_verdict_stored(self._cluster, tracked, self._clock()):
            tracked.traffic.note_attempt(succeeded=False)
            await self._keep_users_safe(tracked, split, delay, policies)
            return None
        if actions.when in (When.ON_RECHECK, When.TO_DETACH):
            await watch(self._http, self._reader, tracked, split, policies, self._clock, delay, self._turns)
            if not tracked.traffic.recheck:
                return None
        return await self._put_in_force(tracked, split, actions, delay)

    async def _put_in_force(
        self, tracked: TrackedPolicy, split: TrafficSplit, actions: PhaseActions, delay: float
    ) -> Acted | None:
        """Write the split and prove it, and store the verdict where that comes after the route. Returns what has come
        of it, None where weights are frozen and nothing had to be taken off."""
        tracked.traffic.begin_check()  # a change that is noticed from here on must not be overlooked
        try:
            written = await self._carry_out(tracked, split, only_to_detach=actions.when is When.TO_DETACH)
        except BaseException:
            tracked.traffic.require_recheck()  # nor one that could not be followed
            raise
        if written is None:
            return None
        by_counts = actions.after[written.status] is Next.PROVE_BY_METRICS
        asked_at = int(self._clock()) - ceil(delay)
        traffic = await proven_by_servers(self._reader, tracked, split, written, counts=by_counts, at=asked_at)
        interrupted = tracked.traffic.note_led(split, changed=bool(written.changed), led=traffic.status in LEADS)
        if actions.after[traffic.status] in (Next.STORE_VERDICT, Next.FINISH):
            await ensure_verdict_stored(self._cluster, tracked, self._clock())
        _note(tracked, traffic, self._clock())
        return Acted(traffic.status, bool(traffic.changed), interrupted)

    async def _keep_users_safe(self, tracked: TrackedPolicy, split: TrafficSplit, delay: float, policies: int) -> None:
        """A decision waits for its verdict, and users are led as before it: no less carefully."""
        await watch_counts(self._reader, tracked, split, policies, self._clock(), delay)
        traffic = await self._carry_out(tracked, split, only_to_detach=True)
        await watch_candidates(self._http, tracked, split, policies, self._clock(), self._turns)
        if traffic is not None:
            _note(tracked, traffic, self._clock())

    async def _carry_out(
        self, tracked: TrackedPolicy, split: TrafficSplit, *, only_to_detach: bool
    ) -> SplitResult | None:
        """How far the split has got now; None where weights are frozen and nothing had to be taken off."""
        turns = self._turns
        try:
            async with turns.carrying_out.of():
                if only_to_detach:
                    return await detach_while_frozen(self._cluster, self._http, tracked, split, self._clock(), turns)
                traffic = await put_in_force(self._cluster, self._http, tracked, split, self._clock(), turns)
        except WriteRefused as error:
            said = write_refused(error.without(split.token).message)
            return SplitResult(SplitStatus.NOT_WRITTEN, Observation(said.status, said.reason, said.message))
        except ClusterError as error:
            raise error.without(split.token) from None
        # What was taken off for another policy had not been edited by anybody.
        return replace(traffic, changed=()) if tracked.traffic.handover.note_return() else traffic


def _note(tracked: TrackedPolicy, traffic: SplitResult, now: float) -> None:
    """Remember how far the split has got, and what there is to say about it."""
    if traffic.unfinished or traffic.status in (SplitStatus.NOT_WRITTEN, SplitStatus.MISROUTED, SplitStatus.OVERDUE):
        tracked.traffic.require_recheck()
    if (
        ACTIONS[tracked.state.watch_phase].when is When.ON_RECHECK
        and traffic.observation.status is not ConditionStatus.FALSE
    ):
        for name in traffic.changed:
            tracked.announce(correction_note(name, traffic.followed))
    done = traffic.status == SplitStatus.PROVEN and not traffic.unfinished and tracked.observations.storage is None
    tracked.traffic.note_attempt(succeeded=done)
    said = with_unseen(tracked, traffic.observation)
    tracked.observe(replace(tracked.observations, traffic=said), now)
