"""Taking the settings of deleted policies out of users' objects: garbage collection removes whole objects only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from earlystop.api.modes import built_modes
from earlystop.api.wire import SETTINGS_ALLOWED, SETTINGS_LABEL
from earlystop.controller.cluster import BY_KIND, FORBIDDEN, Cluster, ClusterError, Conflict, Manifest, NotFound
from earlystop.delivery.modes import load_mode
from earlystop.delivery.orphans import field_manager, orphaned_managers
from earlystop.delivery.settings_mode import SettingsMode

# As long as the kubelet takes to bring a changed ConfigMap into every Pod.
SETTINGS_GRACE_SECONDS = 180.0
SELECTOR = f"{SETTINGS_LABEL}={SETTINGS_ALLOWED}"
Orphan = tuple[str, str, str, str]
"""Kind, namespace and name of an object, and the field manager that wrote for a policy that is gone."""

log = logging.getLogger(__name__)


class SettingsCollector:
    """Gives all requests the baseline at once, and lets the entry go after SETTINGS_GRACE_SECONDS: servers that find no
    entry keep the last settings for a while, and these must not hold a candidate.

    namespaces: those that are watched, (None,) for all.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float], namespaces: Sequence[str | None]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespaces = namespaces
        self._since: dict[Orphan, float] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether an entry waits for its end."""
        return bool(self._since)

    async def written(self) -> list[tuple[SettingsMode, Manifest]]:
        """The metadata of every object that may hold settings. Raises ClusterError when the API fails."""
        return [
            (mode, metadata)
            for mode in settings_modes()
            for namespace in self._namespaces
            for metadata in await self._labelled(mode.kind, namespace)
        ]

    async def collect(self, written: Iterable[tuple[SettingsMode, Manifest]], living: Collection[str]) -> None:
        """One pass. living: UIDs of all policies."""
        orphans = {
            (mode.kind, metadata["namespace"], metadata["name"], manager): mode
            for mode, metadata in written
            for manager in orphaned_managers(metadata, living)
        }
        now = self._clock()
        self._since = {each: self._since.get(each, now) for each in orphans}
        for orphan, mode in orphans.items():
            try:
                await self._collect(mode, orphan, is_over=now - self._since[orphan] >= SETTINGS_GRACE_SECONDS)
            except (Conflict, NotFound):
                pass  # it was edited just now, or is gone: the next pass finds out
            except ClusterError as error:
                log.warning("the settings of a deleted policy stay in %s %s/%s: %s", *orphan[:3], error)

    async def _collect(self, mode: SettingsMode, orphan: Orphan, *, is_over: bool) -> None:
        kind, namespace, name, manager = orphan
        resource = BY_KIND[kind]
        found = None if is_over else await self._cluster.get(resource, namespace, name)
        metadata = {"name": name, "namespace": namespace}
        if is_over:
            await self._cluster.apply(resource, namespace, {"metadata": metadata}, manager)
            log.info("the settings of a deleted policy are taken out of %s %s/%s", kind, namespace, name)
        elif found is not None:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
            fields = mode.without_candidates(found, manager.removeprefix(field_manager("")))
            if fields is not None:
                await self._cluster.apply(resource, namespace, {"metadata": metadata, **fields}, manager)

    async def _labelled(self, kind: str, namespace: str | None) -> list[Manifest]:
        """None where the API has no such kind, or where the operator was installed without rights on it."""
        try:
            return await self._cluster.metadata(BY_KIND[kind], namespace, SELECTOR)
        except ClusterError as error:
            if error.status not in (404, FORBIDDEN):
                raise
            return []


def settings_modes() -> list[SettingsMode]:
    """The modes that write entries of users' objects."""
    loaded = (load_mode(name) for name in built_modes())
    return [each for each in loaded if isinstance(each, SettingsMode)]
