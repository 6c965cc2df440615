"""Taking the settings of deleted policies out of users' objects: garbage collection removes whole objects only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from earlystop.api.delivery import Delivery
from earlystop.controller.cluster import BY_KIND, Cluster, ClusterError, Conflict, NotFound
from earlystop.delivery.modes import mode_of
from earlystop.delivery.orphans import field_manager
from earlystop.delivery.settings_mode import SettingsMode

# As long as the kubelet takes to bring a changed ConfigMap into every Pod.
SETTINGS_GRACE_SECONDS = 180.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftSettings:
    """What a policy that is gone has left. uid: of the policy. mode: how it was written. name: of the object."""

    uid: str
    namespace: str
    mode: SettingsMode
    name: str


class SettingsCollector:
    """Gives all requests the baseline at once, and lets the entry go after SETTINGS_GRACE_SECONDS: servers that find no
    entry keep the last settings for a while, and these must not hold a candidate.

    It knows of the policies whose end this operator has seen: to look for what others have left it would have to read
    every ConfigMap of the cluster.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._left: dict[LeftSettings, float | None] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether an entry waits for its end."""
        return bool(self._left)

    def policy_gone(self, uid: str, namespace: str, deliveries: Iterable[Delivery]) -> None:
        """A policy is gone, as far as this operator knows. deliveries: by which it may have written."""
        for delivery in deliveries:
            mode = mode_of(delivery) if delivery.traits.built else None
            if isinstance(mode, SettingsMode) and delivery.by_servers is not None:
                self._left.setdefault(LeftSettings(uid, namespace, mode, delivery.by_servers.name), None)

    async def collect(self, living: Collection[str]) -> None:
        """One pass. living: UIDs of all policies."""
        for left, since in list(self._left.items()):
            if left.uid in living:
                del self._left[left]
                continue
            try:
                self._left[left] = await self._collect(left, since)
            except Conflict:
                continue  # it was edited just now: the next pass finds out
            except NotFound:
                self._left[left] = None
            except ClusterError as error:
                log.warning("settings of a deleted policy stay in %s/%s: %s", left.namespace, left.name, error)
                continue
            if self._left[left] is None:
                del self._left[left]

    async def _collect(self, left: LeftSettings, since: float | None) -> float | None:
        """Since when the entry has no candidate, None once it is gone."""
        resource, manager = BY_KIND[left.mode.kind], field_manager(left.uid)
        metadata = {"name": left.name, "namespace": left.namespace}
        if since is not None and self._clock() - since >= SETTINGS_GRACE_SECONDS:
            await self._cluster.apply(resource, left.namespace, {"metadata": metadata}, manager)
            log.info("settings of a deleted policy are taken out of %s/%s", left.namespace, left.name)
            return None
        found = await self._cluster.get(resource, left.namespace, left.name)
        if found is None:
            return None
        fields = left.mode.without_candidates(found, left.uid)
        if fields is not None:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
            await self._cluster.apply(resource, left.namespace, {"metadata": metadata, **fields}, manager)
        return self._clock() if since is None else since
