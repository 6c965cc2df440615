"""Handing objects of deleted policies, and aliases that have to be made anew, to Kubernetes' garbage collection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress

from earlystop.api.conditions import Refusal
from earlystop.api.modes import watched_kinds
from earlystop.controller.cluster import BY_KIND, POLICIES, Cluster, Conflict, Manifest, NotFound
from earlystop.controller.fairness.rate import Rate
from earlystop.controller.resources import Key
from earlystop.controller.settings_collector import SettingsCollector
from earlystop.delivery.alias_service import OUTDATED, can_never_mirror, mirrored
from earlystop.delivery.inputs import SELECTOR
from earlystop.delivery.orphans import (
    NOBODY,
    led_to,
    let_go,
    made_by_operator,
    orphaned_overlays,
    policy_of,
    unserved,
    unused_aliases,
)

# Longer than any gateway takes to hear that a route is gone.
GRACE_SECONDS = 30.0
# Garbage collection has taken an overlay by then.
SECONDS_OF_AN_END = 5.0
# A sweep lists all policies, and whoever may delete a policy has one begun.
SWEEPS_AT_ONCE = 5
SECONDS_BETWEEN_SWEEPS = 10.0

log = logging.getLogger(__name__)


class OrphanCollector:
    """Hands orphans to garbage collection by changing their owners; the operator has no right to delete any. It
    takes out of users' objects what it wrote there.

    Overlays go at once, since they move requests. An alias Service, an injector and a candidate's Deployment go
    GRACE_SECONDS after the last overlay led to them. So does an alias Service of a policy that lives, where it can
    never mirror its Service again.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float], namespaces: Sequence[str | None]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespaces = namespaces
        self.settings = SettingsCollector(cluster, clock)
        self._unused_since: dict[tuple[str, str], float] = {}
        self._overlays_end = False
        self._requested = asyncio.Event()
        self._held_by_aliases: set[Key] = set()
        self._rate = Rate(SWEEPS_AT_ONCE, SECONDS_BETWEEN_SWEEPS)

    def request_sweep(self) -> None:
        """A policy was deleted: the next sweep is due now."""
        self._requested.set()

    def note_refusal(self, key: Key, refusal: Refusal | None) -> None:
        """A policy was checked, with this outcome: where it waits for an alias to go, the next sweep is due now."""
        if refusal is None or refusal.reason != OUTDATED:
            self._held_by_aliases.discard(key)
        elif key not in self._held_by_aliases:
            self._held_by_aliases.add(key)
            self._requested.set()

    async def wait(self, seconds: float) -> None:
        """Wait until the next sweep is due: at once on request, soon while an alias Service waits for its end. When
        sweeps are requested without end, there is one every 10 s."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds_until_next(seconds)):
                await self._requested.wait()
        now = self._clock()
        allowed_at = self._rate.earliest("", now)
        self._rate.note("", allowed_at)
        await asyncio.sleep(allowed_at - now)
        self._requested.clear()

    def _seconds_until_next(self, seconds: float) -> float:
        """What an overlay leads to is unused once that is gone, in a moment; what is unused waits for its end."""
        if self._overlays_end:
            return SECONDS_OF_AN_END
        return GRACE_SECONDS + 1 if self._unused_since or self.settings.is_waiting else seconds

    async def sweep(self) -> None:
        """Hands what deleted policies left to garbage collection, in one pass over all namespaces. Raises ClusterError
        when the API fails."""
        overlays = [each for each in await self._managed("HTTPRoute") if made_by_operator(each)]
        services = await self._managed("Service")
        deployments = await self._managed("Deployment")
        of_gateways = await self._of_gateways()
        waits = self.settings.is_waiting
        living = await self._living() if overlays or services or deployments or of_gateways or waits else set()
        orphaned = orphaned_overlays(overlays, living)
        self._overlays_end = bool(orphaned)
        for overlay in orphaned:
            await self._hand_over("HTTPRoute", overlay)
        now = self._clock()
        left = {
            "Service": unused_aliases(services, overlays, living),
            "Deployment": unserved(deployments, overlays, living),
            **{
                kind: unserved(unused_aliases(found, overlays, living), overlays, living)
                for kind, found in of_gateways.items()
            },
        }
        outdated = await self._outdated(services, overlays, living)
        left["Service"] += outdated
        replaced = {str(each["metadata"]["uid"]) for each in outdated}
        unused = {(kind, str(each["metadata"]["uid"])): each for kind, found in left.items() for each in found}
        self._unused_since = {key: self._unused_since.get(key, now) for key in unused}
        for key, since in list(self._unused_since.items()):
            if now - since >= GRACE_SECONDS:
                await self._hand_over(key[0], unused[key], NOBODY if key[1] in replaced else "")
                del self._unused_since[key]
        await self.settings.collect(living)

    async def _outdated(
        self, services: Iterable[Manifest], overlays: Iterable[Manifest], living: Collection[str]
    ) -> list[Manifest]:
        """Alias Services of policies that live, to which no request is led, and which can never mirror the user's
        Service again; of namespaces in which a policy waits for that. Raises ClusterError when the API fails."""
        led, found = led_to(overlays), []
        for place in {namespace for namespace, _ in self._held_by_aliases}:
            aliases = [
                each
                for each in services
                if each["metadata"]["namespace"] == place
                and policy_of(each) in living
                and (place, each["metadata"]["name"]) not in led
            ]
            of_users = await self._cluster.list(BY_KIND["Service"], place) if aliases else []
            found += [
                each for each in aliases if any(can_never_mirror(each, users) for users in mirrored(each, of_users))
            ]
        return found

    async def _managed(self, kind: str) -> list[Manifest]:
        found = [await self._cluster.list(BY_KIND[kind], namespace, SELECTOR) for namespace in self._namespaces]
        return [manifest for manifests in found for manifest in manifests]

    async def _of_gateways(self) -> dict[str, list[Manifest]]:
        """What the operator made for gateways, by kind; none of a kind that the cluster does not know."""
        kinds = set(watched_kinds(of_gateways=self._cluster.writes_gateway_objects)) - set(watched_kinds())
        found = {}
        for kind in sorted(kinds):
            with suppress(NotFound):
                found[kind] = await self._managed(kind)
        return {kind: manifests for kind, manifests in found.items() if manifests}

    async def _living(self) -> set[str]:
        """UIDs of all policies, from the API itself: a policy whose spec this operator cannot read lives as well."""
        return {
            str(manifest["metadata"]["uid"])
            for namespace in self._namespaces
            async for page in self._cluster.pages(POLICIES, namespace)
            for manifest in page
        }

    async def _hand_over(self, kind: str, manifest: Manifest, owner_uid: str = "") -> None:
        """owner_uid: as for `let_go`."""
        resource = BY_KIND[kind]
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        try:
            whole = {"apiVersion": resource.api_version, "kind": kind, **let_go(manifest, owner_uid)}
            await self._cluster.replace(resource, namespace, whole)
            whose = "that can never mirror its Service again" if owner_uid else "of a deleted policy"
            log.info("%s %s/%s %s is handed to garbage collection", kind, namespace, name, whose)
        except (Conflict, NotFound):
            pass  # another policy owns it now, or it is gone
        except Exception:
            # What one object provokes, whoever wrote it, must not keep the others.
            log.exception("%s %s/%s was not handed to garbage collection", kind, namespace, name)
