"""A second release that would serve the same namespaces is told, and waits: two operators would move the same traffic.

Each release has a Lease of its own, which its chart makes empty and its operator renews. Who finds another live one
that is older and serves a namespace of its own reconciles nothing until that is gone. Tenants may make Leases too, so
one counts only where a ClusterRole, which none but an admin can make, names it.

Of releases side by side the oldest that is alive writes the status of what belongs to the cluster, as of MetricSources:
what each of them finds there may differ, and they would overwrite each other for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from earlystop.api.wire import GROUP
from earlystop.controller.cluster import LEASES, Cluster, ClusterError, Conflict, Manifest, Resource

CLUSTER_ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles")
RELEASE_LEASE = "earlystop"
SELECTOR = "app.kubernetes.io/part-of=earlystop"
WATCHES = f"{GROUP}/watches"
"""Annotation of a Lease: the namespaces that are served, with commas between them; empty for all."""
NAMES_LEASE = f"{GROUP}/lease"
"""Annotation of a release's ClusterRole: NAMESPACE/NAME of its Lease."""
DURATION_SECONDS = 40
RENEW_SECONDS = 10.0
RETRY_SECONDS = 1.0
# A release that is free looks for others this often: whoever comes later finds its Lease, and waits by itself.
LOOK_SECONDS = 60.0
# Without these rights, or without the Lease, an operator of an older installation goes on as before.
_NOT_TO_BE_HAD = frozenset({403, 404})
ANOTHER_PROCESS = "another process of this release renews its Lease: see that one Pod of it runs"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """A release that holds its Lease.

    namespace, name: of the Lease. serves: namespaces, empty for all. acquired, renewed: Unix seconds.
    seconds: for how long after `renewed` it is held.
    """

    namespace: str
    name: str
    serves: frozenset[str]
    acquired: float
    renewed: float
    seconds: int

    def meets(self, other: Holder) -> bool:
        """Whether there is a namespace that both operators serve; one without a list serves all."""
        return not self.serves or not other.serves or not self.serves.isdisjoint(other.serves)

    @property
    def age_order(self) -> tuple[float, str, str]:
        """Sort key: the oldest first, and by name those that began in the same moment."""
        return self.acquired, self.namespace, self.name


def alive(holders: Iterable[Holder], now: float) -> list[Holder]:
    """The holders whose Lease is still held."""
    return [each for each in holders if now <= each.renewed + each.seconds]


def elder(own: Holder, others: Iterable[Holder], now: float) -> Holder | None:
    """The oldest other release that serves a namespace of this one, if it is alive and older than this."""
    before = [each for each in alive(others, now) if each.meets(own) and each.age_order < own.age_order]
    return min(before, key=lambda each: each.age_order, default=None)


def signature(own: Holder, others: Iterable[Holder], now: float) -> str | None:
    """How this release signs what it says of objects of the whole cluster: by NAMESPACE/NAME of its Lease, or by ""
    where no other release is alive. None: an older one says it, and this one says nothing."""
    found = alive(others, now)
    if any(each.age_order < own.age_order for each in found):
        return None
    return f"{own.namespace}/{own.name}" if found else ""


def holder_in(lease: Manifest) -> Holder | None:
    """Who holds a Lease; None for one that was never held, or whose times cannot be read."""
    metadata, spec = lease["metadata"], lease.get("spec") or {}
    try:
        acquired, renewed = (datetime.fromisoformat(spec[key]).timestamp() for key in ("acquireTime", "renewTime"))
        seconds = int(spec["leaseDurationSeconds"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    serves = (metadata.get("annotations") or {}).get(WATCHES, "")
    return Holder(
        metadata["namespace"], metadata["name"], frozenset(filter(None, serves.split(","))), acquired, renewed, seconds
    )


class ReleaseLease:
    """Keeps the Lease of this release, and knows of an older release that serves the same.

    clock: Unix seconds. namespace, name: of the Lease. identity: of this process. serves: namespaces, empty for all.
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Callable[[], float],
        namespace: str,
        name: str,
        *,
        identity: str,
        serves: Iterable[str],
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespace, self._name = namespace, name
        self._identity = identity
        self._serves = frozenset(serves)
        self._is_free = asyncio.Event()
        self._elder: Holder | None = None
        self._signature: str | None = None
        self._written: Manifest | None = None
        self._looked_at = -inf

    def signature(self) -> str | None:
        """How this release signs what it says of objects of the whole cluster, as `signature` of this module does;
        None also while it is not known which other releases there are."""
        return self._signature

    def second_to(self) -> str | None:
        """Which release serves the same already, in a sentence that says what to do; None where there is none."""
        if self._elder is None:
            return None
        return (
            f"the operator of Lease {self._elder.namespace}/{self._elder.name} already serves "
            f"{', '.join(sorted(self._elder.serves)) or 'all namespaces'}; uninstall one of both releases, or give "
            "them watchNamespaces that have none in common"
        )

    async def until_free(self) -> None:
        """Wait until no older release serves the same."""
        await self._is_free.wait()

    async def keep(self) -> None:
        """Renew the Lease for ever."""
        while True:
            is_done = await self.renew_when_due()
            await asyncio.sleep(RENEW_SECONDS if is_done or self._is_free.is_set() else RETRY_SECONDS)

    async def renew_when_due(self) -> bool:
        """Renew the Lease once, and look for an older release where that is due, as `renew` does."""
        return await self.renew(look=self._is_look_due())

    def _is_look_due(self) -> bool:
        """Whether other releases are to be looked for. At each renewal while this one waits for an older one, and where
        its own Lease has run out: then another release may have become the older one."""
        held = None if self._written is None else holder_in(self._written)
        is_held = held is not None and bool(alive([held], self._clock()))
        is_alone = self._is_free.is_set() and self._elder is None and is_held
        return not is_alone or not 0 <= self._clock() - self._looked_at < LOOK_SECONDS

    async def renew(self, *, look: bool = True) -> bool:
        """Renew the Lease once, and look for an older release unless told not to. False where that is to be tried again
        soon."""
        try:
            own = await self._renewed()
            if not look:
                return True
            others = await self._others()
        except Conflict:
            log.warning(ANOTHER_PROCESS)
            return False
        except ClusterError as error:
            if error.status in _NOT_TO_BE_HAD and not self._is_free.is_set():
                log.warning("without Lease %s/%s no second release is told: %s", self._namespace, self._name, error)
                self._is_free.set()
                self._signature = ""
            return False
        now = self._looked_at = self._clock()
        self._signature = signature(own, others, now)
        self._note(elder(own, others, now))
        return True

    async def _renewed(self) -> Holder:
        """Renew the Lease as it was last written. It is read only where nothing is known of it, or where somebody else
        has written it since. Raises Conflict where that happens while it is renewed."""
        known, self._written = self._written, None
        if known is not None:
            try:
                return await self._write(known)
            except Conflict:
                pass
        lease = await self._cluster.get(LEASES, self._namespace, self._name)
        if lease is None:
            raise ClusterError(404, "there is no such Lease")
        if known is not None and (lease.get("spec") or {}).get("holderIdentity") != self._identity:
            log.warning(ANOTHER_PROCESS)
        return await self._write(lease)

    async def _write(self, lease: Manifest) -> Holder:
        now, before = self._clock(), holder_in(lease)
        # A Pod that follows another one of the release within the Lease's time is as old as the release.
        is_continued = before is not None and now <= before.renewed + before.seconds
        acquired = lease["spec"]["acquireTime"] if is_continued else _micro_time(now)
        annotations = {**(lease["metadata"].get("annotations") or {}), WATCHES: ",".join(sorted(self._serves))}
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": acquired,
            "renewTime": _micro_time(now),
        }
        written = {**lease, "metadata": {**lease["metadata"], "annotations": annotations}, "spec": spec}
        self._written = await self._cluster.replace(LEASES, self._namespace, written)
        began = before.acquired if before is not None and is_continued else now
        return Holder(self._namespace, self._name, self._serves, began, now, DURATION_SECONDS)

    async def _others(self) -> list[Holder]:
        roles = await self._cluster.list(CLUSTER_ROLES, labels=SELECTOR)
        named = {(each["metadata"].get("annotations") or {}).get(NAMES_LEASE) for each in roles}
        named.discard(f"{self._namespace}/{self._name}")
        leases = await self._cluster.list(LEASES, labels=SELECTOR)
        return [each for each in map(holder_in, leases) if each and f"{each.namespace}/{each.name}" in named]

    def _note(self, found: Holder | None) -> None:
        was, self._elder = self._elder, found
        if found is None:
            self._is_free.set()
            if was is not None:
                log.info("the older release is gone: this one serves its namespaces")
        elif was is None:
            log.error("this operator is not ready: %s", self.second_to())


def _micro_time(seconds: float) -> str:
    """A moment as Leases have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
