"""All policies that the operator tracks: watch events wake them, and the scheduler has them reconciled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import aiohttp

from earlystop.api.addresses import Network
from earlystop.api.source import SourceSpec
from earlystop.api.wire import API_VERSION
from earlystop.controller.apart import each_of
from earlystop.controller.api_login import ApiLogin
from earlystop.controller.approvals import Approvals
from earlystop.controller.campaign_tokens import DEFAULT_SECRET, CampaignTokens
from earlystop.controller.cluster import POLICIES, SOURCES, Cluster, ClusterError, Manifest
from earlystop.controller.counts.connections import Connections
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.secrets import SecretReader, own_namespace
from earlystop.controller.counts.source_status import SourceStatusWriter, source_spec
from earlystop.controller.events import EventRecorder
from earlystop.controller.hooks.ask_gate import GateAsker
from earlystop.controller.hooks.deliverer import HookDeliverer
from earlystop.controller.hooks.gatekeeper import GateKeeper
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.object_follower import ObjectFollower
from earlystop.controller.orphan_collector import OrphanCollector
from earlystop.controller.policy_metrics.samples import PolicyView
from earlystop.controller.proposals import Proposals
from earlystop.controller.reconcile.answers import asked_of
from earlystop.controller.reconcile.new_campaign import NewCampaigns
from earlystop.controller.reconcile.reconciler import Reconciler
from earlystop.controller.resources import Key
from earlystop.controller.scheduler import Scheduler
from earlystop.controller.store.load_policy import ATTEMPTS, load_new_policy, unreadable
from earlystop.controller.store.recall import note_missing
from earlystop.controller.store.status_writer import Gone, StatusConflict
from earlystop.controller.telemetry import AWAITING_APPROVAL, LAST_BEAT, RECONCILIATIONS
from earlystop.controller.telemetry import POLICIES as POLICY_GAUGE
from earlystop.controller.token_key import TokenKey
from earlystop.rollout.savings.price import price_of
from earlystop.rollout.search.offers import SearchView
from earlystop.rollout.state import Phase
from earlystop.rollout.trials.view import no_such_policy, search_view
from earlystop.rollout.waiting.approval import Asked
from earlystop.rollout.waiting.condition import awaits_people
from earlystop.rollout.words.event_notes import EventNote

LONGEST_BACKOFF = 15.0
OUTAGE_SECONDS = 2.0
# After another writer was faster: its write is in the next answer of the API, and its watch event on the way.
CONFLICT_SECONDS = 0.2

log = logging.getLogger(__name__)


class Runtime:
    """Holds every TrackedPolicy and connects watches, scheduler and reconciler.

    A watch event of a policy only says that it has changed; the reconciliation that follows reads it.
    """

    def __init__(
        self,
        cluster: Cluster,
        http: aiohttp.ClientSession,
        clock: Callable[[], float],
        instance: str,
        namespaces: Sequence[str] = (),
        token_key: str = DEFAULT_SECRET,
        refused_networks: Sequence[Network] = (),
        signature: Callable[[], str | None] = lambda: "",
    ) -> None:
        """token_key: name of the Secret, in the operator's own namespace, that keeps the key of campaigns' tokens.
        refused_networks: of the cluster itself, to which no webhook is sent. signature: see `ReleaseLease`."""
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._cluster = cluster
        self._clock = clock
        secrets = SecretReader(cluster, own_namespace())
        self.reader = CountBatcher(Connections(secrets), clock)
        self.source_watch = SourceStatusWriter(cluster, self.reader, clock, signature)
        self.orphan_collector = OrphanCollector(cluster, clock, self._namespaces)
        self._events = EventRecorder(cluster, instance)
        self._tracked: dict[Key, TrackedPolicy] = {}
        self._failures: dict[Key, int] = {}
        self._waiting_for_api: set[Key] = set()
        self._answered_at = clock()
        self.scheduler = Scheduler(self._reconcile, clock, note_beat=LAST_BEAT.set)
        self.follower = ObjectFollower(cluster, self._tracked, self.scheduler.wake, clock, self._namespaces)
        self.proposals = Proposals(cluster, self._search_view, self.scheduler.wake, clock)
        tokens = CampaignTokens()
        self.token_key = TokenKey(cluster, tokens, token_key, clock, self._namespaces)
        seal = tokens.seal_of
        self.hooks = HookDeliverer(cluster, secrets, self._tracked, self.scheduler.wake, clock, refused_networks, seal)
        self.approvals = Approvals(cluster, self._asks, self.scheduler.wake, clock)
        asker = GateAsker(cluster, secrets, refused_networks, seal)
        self.gates = GateKeeper(asker, self._tracked, self.scheduler.wake, clock)
        self._reconciler = Reconciler(
            cluster,
            http,
            self.reader,
            self._events,
            self.tracked_policies,
            clock,
            NewCampaigns(cluster, tokens, self.proposals.waiting_for, self.reader.sources),
            wake=self.scheduler.wake,
            given=self.approvals.confirmed,
        )
        for phase in Phase:  # counted at each scrape, not at each reconciliation
            POLICY_GAUGE.labels(phase.value).set_function(partial(self._in_phase, phase))
        AWAITING_APPROVAL.set_function(self._awaiting)

    @property
    def login(self) -> ApiLogin | None:
        """How the operator's requests say who they are; None where nobody asks."""
        return self._cluster.login

    def tracked_policies(self) -> Collection[TrackedPolicy]:
        """Every policy that the operator tracks."""
        return self._tracked.values()

    async def policy_changed(self, manifest: Manifest, attempts: int = ATTEMPTS) -> None:
        """A watch reports that a policy was listed, created or changed. attempts: see `load_new_policy`."""
        manifest = {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", **manifest}
        key = _key(manifest)
        known = self._tracked.get(key)
        if known is not None and known.uid == manifest["metadata"]["uid"]:
            if known.policy.version == manifest["metadata"]["resourceVersion"]:
                return  # the event reports the operator's own last write
            known.status.require_refresh(manifest["metadata"]["resourceVersion"])
            if known.status.writing:
                return  # it may report that write: the reconciliation under way sees whether it did
        elif not await self._adopt(key, manifest, attempts):
            return
        self.scheduler.wake(key)

    async def _adopt(self, key: Key, manifest: Manifest, attempts: int) -> bool:
        """Start to track a policy. Returns whether the operator can read it; one that it cannot read gets an event."""
        self._tracked.pop(key, None)  # one that had the name before is gone
        try:
            loaded = await load_new_policy(self._cluster, manifest, self._clock, attempts=attempts)
        except (ValueError, ClusterError) as error:
            message = unreadable(error)
            log.error(message, extra={"policy": "/".join(key)})
            await self._events.record(manifest, EventNote("Unreadable", "Read", message, warning=True), self._clock())
            return False
        if key not in self._tracked:  # another call may have adopted it, or one that took its name, meanwhile
            self._tracked[key] = loaded
            self.follower.adopted(loaded)
        return True

    def policy_deleted(self, manifest: Manifest) -> None:
        """A watch reports that a policy was deleted; another may have been created under its name before the report."""
        if self._knows(manifest):
            self._forget(_key(manifest), self._tracked[_key(manifest)])

    def source_changed(self, manifest: Manifest) -> None:
        """A watch reports that a MetricSource was listed, created or changed."""
        self._learn_source(manifest["metadata"]["name"], source_spec(manifest))
        self.source_watch.note_source(manifest)

    def source_deleted(self, manifest: Manifest) -> None:
        """A watch reports that a MetricSource was deleted."""
        self._learn_source(manifest["metadata"]["name"], None)
        self.source_watch.forget(manifest["metadata"]["name"])

    def _learn_source(self, name: str, spec: SourceSpec | None) -> None:
        """Take over a MetricSource; the policies that read it are checked again."""
        if spec == self.reader.sources.get(name):
            return
        self.reader.learn_source(name, spec)
        for key, tracked in self._tracked.items():
            if tracked.spec.metrics.source_ref.name == name:
                tracked.acceptance.require_check()
                self.scheduler.wake(key)

    async def learn_sources(self) -> None:
        """Read all MetricSources before any policy is reconciled: one whose source is unknown is refused."""
        for manifest in await self._cluster.list(SOURCES):
            self.source_changed(manifest)

    def verdicts_listed(self, there: Collection[Key]) -> None:
        """All verdicts that there are now, by namespace and name: one that a guarded status rests on is made again."""
        note_missing(self.tracked_policies(), there, self.scheduler.wake)

    async def compare_with_lists(self) -> None:
        """Find out what no watch event reported: of policies, of the objects that they are decided on, and of those by
        which people propose and approve."""
        await each_of(
            {
                "policies": self.compare_with_list,
                "objects that policies are decided on": self.follower.compare_with_lists,
                "proposals": partial(self.proposals.compare_with_list, self._namespaces),
                "approvals": partial(self.approvals.compare_with_list, self._namespaces),
            }
        )

    async def compare_with_list(self) -> None:
        """Forget policies whose deletion no watch event reported, and track those whose creation none reported."""
        before = dict(self._tracked)
        listed: dict[Key, str] = {}
        missed: list[Manifest] = []
        for namespace in self._namespaces:
            async for page in self._cluster.pages(POLICIES, namespace):
                listed |= {_key(manifest): manifest["metadata"]["uid"] for manifest in page}
                missed += [manifest for manifest in page if not self._knows(manifest)]
        for key, tracked in before.items():
            if listed.get(key) != tracked.uid:
                self._forget(key, tracked)
        new = {_key(manifest): manifest for manifest in missed if _key(manifest) not in self._tracked}
        await each_of({"/".join(key): partial(self.policy_changed, found, attempts=1) for key, found in new.items()})

    def _knows(self, manifest: Manifest) -> bool:
        tracked = self._tracked.get(_key(manifest))
        return tracked is not None and tracked.uid == manifest["metadata"]["uid"]

    async def _reconcile(self, key: Key) -> float | None:
        tracked = self._tracked.get(key)
        if tracked is None:
            return None
        try:
            due = await self._reconciler.reconcile(tracked)
        except StatusConflict:
            RECONCILIATIONS.labels("conflict").inc()
            return self._clock() + CONFLICT_SECONDS
        except Gone:
            RECONCILIATIONS.labels("gone").inc()
            self._forget(key, tracked)
            return None
        except ClusterError as error:
            RECONCILIATIONS.labels("api_error").inc()
            silent = self._clock() - self._answered_at > OUTAGE_SECONDS
            if silent and (error.status == 0 or error.status >= 500):
                self._waiting_for_api.add(key)
            return self._retry_at(key, tracked, str(error))
        except Exception:
            # A fault that one policy provokes must not stop the others.
            RECONCILIATIONS.labels("failed").inc()
            log.exception("the reconciliation failed", extra=tracked.log_fields)
            await self._report_internal_error(tracked)
            return self._retry_at(key, tracked, "internal error")
        finally:
            self.hooks.look_at(tracked)
            self.gates.look_at(tracked)
            if tracked.status.outdated and self._tracked.get(key) is tracked:
                self.scheduler.wake(key)  # an event that came during a write was no report of that write
        self.orphan_collector.note_refusal(key, tracked.observations.refusal)
        RECONCILIATIONS.labels("done").inc()
        self._failures.pop(key, None)
        self._api_answers()
        return due

    def _api_answers(self) -> None:
        """The Kubernetes API has answered: policies that failed for its silence are due at once.

        So a harmful candidate does not outlive an outage for long. A policy that fails while others succeed keeps its
        own backoff.
        """
        self._answered_at = self._clock()
        waiting, self._waiting_for_api = self._waiting_for_api, set()
        for key in waiting & self._tracked.keys():
            self.scheduler.wake(key)

    async def _report_internal_error(self, tracked: TrackedPolicy) -> None:
        """The policy says so itself: else nobody but a reader of the log would know that nothing goes on."""
        try:
            await self._reconciler.report_error(tracked)
        except (StatusConflict, Gone, ClusterError) as error:
            log.warning("the error is not on the policy yet: %s", error, extra=tracked.log_fields)
        except Exception:
            log.exception("the error could not be written on the policy", extra=tracked.log_fields)

    def _retry_at(self, key: Key, tracked: TrackedPolicy, why: str) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait = min(LONGEST_BACKOFF, 0.5 * 2.0 ** min(failures, 10))
        log.warning("the reconciliation is repeated in %.0f s: %s", wait, why, extra=tracked.log_fields)
        return self._clock() + wait

    def _forget(self, key: Key, tracked: TrackedPolicy) -> None:
        if self._tracked.get(key) is not tracked:
            return  # another policy of the same name has come
        del self._tracked[key]
        self._failures.pop(key, None)
        self.follower.forgotten(key)
        self.scheduler.forget(key)
        self.orphan_collector.note_refusal(key, None)
        wrote = tracked.deliveries if tracked.state.plan is not None else ()
        self.orphan_collector.settings.policy_gone(tracked.uid, tracked.namespace, wrote)
        self.orphan_collector.request_sweep()

    def _search_view(self, key: Key) -> SearchView | str:
        tracked = self._tracked.get(key)
        if tracked is None:
            return no_such_policy(key)
        return search_view(tracked.spec, tracked.state, tracked.retry_token, int(self._clock()))

    def _asks(self, key: Key) -> Asked | None:
        tracked = self._tracked.get(key)
        return None if tracked is None else asked_of(tracked)

    def _awaiting(self) -> float:
        tracked = tuple(self._tracked.values())  # asked by the thread that makes the page of metrics
        return float(sum(1 for each in tracked if awaits_people(each.state)))

    def policy_views(self) -> Iterator[PolicyView]:
        """Every tracked policy as /metrics is made from it."""
        for tracked in tuple(self._tracked.values()):
            source = self.reader.sources.get(tracked.spec.metrics.source_ref.name)
            price = price_of(tracked.spec, source)
            yield PolicyView(
                tracked.namespace, tracked.name, tracked.spec, tracked.state, tracked.policy.conditions, price
            )

    def _in_phase(self, phase: Phase) -> float:
        # Asked by the thread that makes the page of metrics, while watches add and remove policies.
        return float(sum(1 for tracked in tuple(self._tracked.values()) if tracked.state.phase == phase))


def _key(manifest: Manifest) -> Key:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]
