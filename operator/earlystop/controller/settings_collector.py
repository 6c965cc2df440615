"""Taking the settings of deleted policies out of users' objects: garbage collection removes whole objects only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import chain, zip_longest
from math import inf

from earlystop.api.delivery import Delivery
from earlystop.api.wire import SETTINGS_ALLOWED, SETTINGS_LABEL
from earlystop.controller.cluster import BY_KIND, FORBIDDEN, REFUSED, Cluster, ClusterError, NotFound
from earlystop.delivery.modes import mode_of
from earlystop.delivery.orphans import field_manager
from earlystop.delivery.settings_mode import SETTINGS_GRACE_SECONDS, SettingsMode

# Of one pass: whoever deletes many policies at once must not keep the operator from its other work.
MOST_AT_ONCE = 100
# Attempts that failed, half a minute or more apart, before an entry is left as it is.
MOST_FAILURES = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftSettings:
    """What a policy that is gone has left. uid: of the policy. mode: how it was written. name: of the object."""

    uid: str
    namespace: str
    mode: SettingsMode
    name: str


@dataclass(frozen=True, slots=True)
class Progress:
    """since: since when the entry has no candidate, in Unix seconds; before that -inf, so that it is due.
    failures: attempts that failed one after another."""

    since: float = -inf
    failures: int = 0


class SettingsCollector:
    """Gives all requests the baseline at once, and lets the entry go after SETTINGS_GRACE_SECONDS: servers that find no
    entry keep the last settings for a while, and these must not hold a candidate.

    It knows of the policies whose end this operator has seen: to look for what others have left it would have to read
    every ConfigMap of the cluster. In one pass it deals with MOST_AT_ONCE entries, of all namespaces in turn.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._left: dict[LeftSettings, Progress] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether an entry that a deleted policy left is still to be removed."""
        return bool(self._left)

    def policy_gone(self, uid: str, namespace: str, deliveries: Iterable[Delivery]) -> None:
        """A policy is gone, as far as this operator knows. deliveries: by which it may have written, none where it
        never had a campaign."""
        for delivery in deliveries:
            mode = mode_of(delivery) if delivery.traits.built else None
            if isinstance(mode, SettingsMode) and delivery.by_servers is not None:
                self._left.setdefault(LeftSettings(uid, namespace, mode, delivery.by_servers.name), Progress())

    async def collect(self, living: Collection[str]) -> None:
        """Makes one pass that takes the settings of deleted policies out of users' objects. living: UIDs of all
        policies."""
        self._left = {left: known for left, known in self._left.items() if left.uid not in living}
        now = self._clock()
        due = [each for each, known in self._left.items() if now - known.since >= SETTINGS_GRACE_SECONDS]
        for left in _in_turn(due)[:MOST_AT_ONCE]:
            after = await self._attempt(left, self._left.pop(left))
            if after is not None:
                self._left[left] = after  # behind the others of its namespace

    async def _attempt(self, left: LeftSettings, before: Progress) -> Progress | None:
        """How far the end of an entry has got, None once nothing is left to be done."""
        try:
            since = await self._collect(left, before.since)
            return None if since is None else Progress(since)
        except NotFound:
            return None
        except ClusterError as error:
            after = Progress(before.since, before.failures + 1)
            if error.status in REFUSED or after.failures >= MOST_FAILURES:
                log.warning("settings of a deleted policy stay in %s/%s: %s", left.namespace, left.name, error)
                return None
            return after

    async def _collect(self, left: LeftSettings, since: float) -> float | None:
        """Since when the entry has no candidate, None where nothing of the policy is there after the grace."""
        resource, manager = BY_KIND[left.mode.kind], field_manager(left.uid)
        metadata = {"name": left.name, "namespace": left.namespace}
        found = await self._cluster.get(resource, left.namespace, left.name)
        if found is None:
            return None
        if (found["metadata"].get("labels") or {}).get(SETTINGS_LABEL) != SETTINGS_ALLOWED:
            raise ClusterError(FORBIDDEN, f"it does not have the label {SETTINGS_LABEL}")
        fields = left.mode.without_candidates(found, left.uid)
        if fields is not None:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
            await self._cluster.apply(resource, left.namespace, {"metadata": metadata, **fields}, manager)
            return self._clock()
        if since == -inf:
            return self._clock()  # a write of the policy may still be under way
        if left.mode.is_in(found, left.uid):
            await self._cluster.apply(resource, left.namespace, {"metadata": metadata}, manager)
            log.info("settings of a deleted policy are taken out of %s/%s", left.namespace, left.name)
        return None


def _in_turn(left: Iterable[LeftSettings]) -> list[LeftSettings]:
    """One of each namespace, then the next one of each, and so on."""
    by_namespace: dict[str, list[LeftSettings]] = {}
    for each in left:
        by_namespace.setdefault(each.namespace, []).append(each)
    return [each for each in chain.from_iterable(zip_longest(*by_namespace.values())) if each is not None]
