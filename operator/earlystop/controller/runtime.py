"""All policies that the operator tracks: watch events wake them, and the scheduler has them reconciled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial

import aiohttp

from earlystop.api.source import SourceSpec
from earlystop.api.wire import API_VERSION
from earlystop.controller.cluster import POLICIES, SOURCES, Cluster, ClusterError, Manifest
from earlystop.controller.counts.connections import Connections
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.secrets import SecretReader, own_namespace
from earlystop.controller.counts.source_status import SourceStatusWriter, source_spec
from earlystop.controller.events import EventRecorder
from earlystop.controller.orphan_collector import OrphanCollector
from earlystop.controller.reconcile.reconciler import Reconciler
from earlystop.controller.reconcile.status_writer import Gone, StatusConflict
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.scheduler import Scheduler
from earlystop.controller.telemetry import POLICIES as POLICY_GAUGE
from earlystop.controller.telemetry import RECONCILIATIONS
from earlystop.controller.traffic.desired_split import desired_split
from earlystop.controller.traffic.neighbourhood import reader_of
from earlystop.controller.watched_routes import WatchedRoutes
from earlystop.delivery.modes import mode_of
from earlystop.rollout.event_notes import EventNote
from earlystop.rollout.state import Phase

LONGEST_BACKOFF = 15.0
OUTAGE_SECONDS = 2.0

log = logging.getLogger(__name__)
Key = tuple[str, str]


class Runtime:
    """Holds every TrackedPolicy and connects watches, scheduler and reconciler.

    A watch event only says that something changed; the reconciliation that follows reads it.
    """

    def __init__(
        self,
        cluster: Cluster,
        http: aiohttp.ClientSession,
        clock: Callable[[], float],
        instance: str,
        namespaces: Sequence[str] = (),
    ) -> None:
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._cluster = cluster
        self._clock = clock
        self.reader = CountBatcher(Connections(SecretReader(cluster, own_namespace())))
        self.source_watch = SourceStatusWriter(cluster, self.reader, clock)
        self.orphan_collector = OrphanCollector(cluster, clock, self._namespaces)
        self._events = EventRecorder(cluster, instance)
        self._tracked: dict[Key, TrackedPolicy] = {}
        self._failures: dict[Key, int] = {}
        self._waiting_for_api: set[Key] = set()
        self._answered_at = clock()
        self._listed: dict[Key, Manifest] = {}
        self._routes = WatchedRoutes()
        self.scheduler = Scheduler(self._reconcile, clock)
        self._reconciler = Reconciler(cluster, http, self.reader, self._events, self.tracked_policies, clock)
        for phase in Phase:  # counted at each scrape, not at each reconciliation
            POLICY_GAUGE.labels(phase.value).set_function(partial(self._in_phase, phase))

    def tracked_policies(self) -> Collection[TrackedPolicy]:
        """Every policy that the operator tracks."""
        return self._tracked.values()

    async def policy_changed(self, manifest: Manifest) -> None:
        """A watch reports that a policy was listed, created or changed."""
        manifest = {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", **manifest}
        key = _key(manifest)
        known = self._tracked.get(key)
        if known is not None and known.uid == manifest["metadata"]["uid"]:
            if known.policy.version == manifest["metadata"]["resourceVersion"]:
                return  # the event reports the operator's own last write
            known.status.require_refresh()
        elif not await self._adopt(key, manifest):
            return
        self.scheduler.wake(key)

    async def _adopt(self, key: Key, manifest: Manifest) -> bool:
        """Start to track a policy. Returns whether the operator can read it; one that it cannot read gets an event."""
        try:
            self._tracked[key] = TrackedPolicy.load(manifest, self._clock())
        except ValueError as error:
            self._tracked.pop(key, None)
            message = f"This policy's spec or status cannot be read and nothing is done about it: {error}"[:900]
            log.error(message, extra={"policy": "/".join(key)})
            await self._events.record(manifest, EventNote("Unreadable", "Read", message, warning=True), self._clock())
            return False
        self._compare_with_listed(self._tracked[key])
        return True

    def policy_deleted(self, manifest: Manifest) -> None:
        """A watch reports that a policy was deleted; another may have been created under its name before the report."""
        tracked = self._tracked.get(_key(manifest))
        if tracked is not None and tracked.uid == manifest["metadata"]["uid"]:
            self._forget(_key(manifest), tracked)

    def overlay_changed(self, manifest: Manifest) -> None:
        """A watch reports that an overlay was changed or deleted, perhaps by another writer."""
        for owner in manifest["metadata"].get("ownerReferences", []):
            key = (manifest["metadata"]["namespace"], owner["name"])
            tracked = self._tracked.get(key)
            if tracked is not None and tracked.uid == owner["uid"]:
                tracked.traffic.require_recheck()
                self.scheduler.wake(key)

    def overlay_listed(self, manifest: Manifest) -> None:
        """A watch lists an overlay at its start: another writer may have edited it while no operator watched."""
        for owner in manifest["metadata"].get("ownerReferences", []):
            key = (manifest["metadata"]["namespace"], owner["name"])
            self._listed[key] = manifest
            if key in self._tracked:
                self._compare_with_listed(self._tracked[key])

    def _compare_with_listed(self, tracked: TrackedPolicy) -> None:
        listed, split = self._listed.pop(tracked.key, None), desired_split(tracked.state)
        if listed is None or split is None:
            return
        delivery = tracked.plan.spec.delivery
        if not mode_of(delivery).has_split(listed, delivery, split):
            tracked.traffic.require_recheck()

    def route_changed(self, manifest: Manifest, *, listed: bool = False) -> None:
        """A watch reports that a user's route was listed, created or changed."""
        self._require_check_of_overlaid(self._routes.changed(manifest, listed=listed))

    def route_deleted(self, manifest: Manifest) -> None:
        """A watch reports that a user's route was deleted."""
        self._require_check_of_overlaid(self._routes.deleted(manifest))

    def _require_check_of_overlaid(self, routes: Collection[Key]) -> None:
        """Check the policies that overlay one of these routes, or that are written to."""
        if routes:
            reader_of(self._cluster).forget_routes()
        for tracked in self.tracked_policies():
            if any((tracked.namespace, name) in routes for name in tracked.routes):
                self._require_check(tracked)

    async def follow_attached_policies(self) -> None:
        """Check the policies of namespaces in which a policy of a gateway was attached, changed or taken away."""
        namespaces = await reader_of(self._cluster).namespaces_with_changed_policies()
        for tracked in self.tracked_policies():
            if tracked.namespace in namespaces and tracked.routes:
                self._require_check(tracked)

    def _require_check(self, tracked: TrackedPolicy) -> None:
        """Check a policy and its traffic now."""
        tracked.acceptance.require_check()
        tracked.traffic.require_recheck()
        self.scheduler.wake(tracked.key)

    def source_changed(self, manifest: Manifest) -> None:
        """A watch reports that a MetricSource was listed, created or changed."""
        self._learn_source(manifest["metadata"]["name"], source_spec(manifest))
        self.source_watch.seen(manifest)

    def source_deleted(self, manifest: Manifest) -> None:
        """A watch reports that a MetricSource was deleted."""
        self._learn_source(manifest["metadata"]["name"], None)
        self.source_watch.gone(manifest["metadata"]["name"])

    def _learn_source(self, name: str, spec: SourceSpec | None) -> None:
        """Take over a MetricSource; the policies that read it are checked again."""
        if spec == self.reader.known().get(name):
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
        for manifest in missed:
            if _key(manifest) not in self._tracked:
                await self.policy_changed(manifest)

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
            return self._clock() + 0.2
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
            await self._record_internal_error(tracked)
            return self._retry_at(key, tracked, "internal error")
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

    async def _record_internal_error(self, tracked: TrackedPolicy) -> None:
        """The policy gets an event: without one, nobody but a reader of the log would know that nothing goes on."""
        message = (
            "The operator met an error of its own with this policy, and tries again every few seconds; weights stay as "
            "they are meanwhile. Look at the operator's log, and report the error. Other policies go on."
        )
        note = EventNote("InternalError", "Reconcile", message, warning=True)
        await self._events.record(tracked.policy.reference(), note, self._clock())

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
        self.scheduler.forget(key)
        self.orphan_collector.request_sweep()

    def _in_phase(self, phase: Phase) -> float:
        return float(sum(1 for tracked in self._tracked.values() if tracked.state.phase == phase))


def _key(manifest: Manifest) -> Key:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]
