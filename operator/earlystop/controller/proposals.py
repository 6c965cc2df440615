"""EarlyStopProposals as watches have shown them, by the policy that each names, and what each is told became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from earlystop.api.proposal import ACCEPTED, TRIED, ProposalSpec
from earlystop.api.values import canonical_setting
from earlystop.controller.cluster import PROPOSALS, Cluster, ClusterError, Conflict, Manifest
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import (
    OVER,
    REFUSED,
    Fate,
    FateReason,
    Offer,
    SearchView,
    fates,
    refused_by_all,
    waiting_in,
)

TICK_SECONDS = 10.0
WRITES_AT_ONCE = 100
"""Of one pass, after which it is worked out anew what is due."""
AGAIN_SECONDS = 10.0
SECONDS_TO_SHOW = 1.0
"""Until the watch has brought what another writer was faster with."""

log = logging.getLogger(__name__)
Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A proposal as it was shown last. policy: its namespace, and the policy's name. told: status and reason of its
    stored conditions, by type."""

    policy: Key
    offer: Offer
    told: Mapping[str, tuple[str, str]]


class Proposals:
    """Keeps what watches show of proposals, wakes the policies that they name, and writes their conditions.

    cluster: for the conditions. view: of a policy, what decides about offers to it; a sentence where it takes none.
    wake: has a policy reconciled. clock: Unix seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        view: Callable[[Key], SearchView | str],
        wake: Callable[[Key], None],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._view = view
        self._wake = wake
        self._clock = clock
        self._known: dict[Key, dict[str, _Known]] = {}
        self._not_before: dict[Key, float] = {}
        self._changed = asyncio.Event()

    def shown(self, manifest: Manifest) -> None:
        """A watch shows a proposal. One that the API server could not have admitted is passed over."""
        found = _read(manifest)
        if found is None:
            return
        known = self._known.setdefault(found.policy, {})
        before = known.get(found.offer.name)
        known[found.offer.name] = found
        if before is None or before.offer != found.offer:
            self._wake(found.policy)
            self._changed.set()

    def deleted(self, manifest: Manifest) -> None:
        """A watch shows that a proposal was deleted: it is tried no more, if it was not yet."""
        found = _read(manifest)
        known = {} if found is None else self._known.get(found.policy, {})
        if found is None or known.pop(found.offer.name, None) is None:
            return
        self._not_before.pop((found.policy[0], found.offer.name), None)
        if not known:
            del self._known[found.policy]
        self._changed.set()

    def waiting_for(self, policy: Key) -> tuple[WaitingOffer, ...]:
        """What waits for a trial of a policy's search, in the order of arrival."""
        return waiting_in(self._fates(policy)) if policy in self._known else ()

    async def run(self) -> None:
        """Write conditions until cancelled."""
        while True:
            self._changed.clear()
            left = await self.write_due()
            if not left:
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._changed.wait()

    async def write_due(self) -> bool:
        """Write conditions that have changed; whether more of them are due at once than were written."""
        due = list(self._due())
        for policy, fate in due[:WRITES_AT_ONCE]:
            key = policy[0], fate.offer.name
            try:
                await self._write(policy, fate)
            except Conflict:
                self._not_before[key] = self._clock() + SECONDS_TO_SHOW
            except ClusterError as error:
                log.warning("the status of EarlyStopProposal %s/%s was not written: %s", *key, error)
                self._not_before[key] = self._clock() + AGAIN_SECONDS
            except Exception:
                # A fault that one proposal provokes must not stop the others.
                log.exception("the status of EarlyStopProposal %s/%s was not written", *key)
                self._not_before[key] = self._clock() + AGAIN_SECONDS
        return len(due) > WRITES_AT_ONCE

    def _due(self) -> Iterable[tuple[Key, Fate]]:
        now = self._clock()
        for policy, known in self._known.items():
            for fate in self._fates(policy):
                name = fate.offer.name
                if known[name].told != told_by(fate) and now >= self._not_before.get((policy[0], name), 0.0):
                    yield policy, fate

    def _fates(self, policy: Key) -> tuple[Fate, ...]:
        offers, view = [each.offer for each in self._known.get(policy, {}).values()], self._view(policy)
        return refused_by_all(offers, view) if isinstance(view, str) else fates(offers, view)

    async def _write(self, policy: Key, fate: Fate) -> None:
        key = policy[0], fate.offer.name
        manifest = await self._cluster.get(PROPOSALS, *key)
        known = None if manifest is None else _read(manifest)
        if manifest is None or known is None or known.offer != fate.offer:
            self._not_before[key] = self._clock() + AGAIN_SECONDS  # the watch is about to tell of it
            return
        status = {**manifest.get("status", {}), "conditions": conditions(manifest, fate, int(self._clock()))}
        written = await self._cluster.replace(PROPOSALS, key[0], {**manifest, "status": status}, "status")
        if fate.offer.name in self._known.get(policy, {}):
            self._known[policy][fate.offer.name] = _read(written) or known
        log.info("EarlyStopProposal %s/%s: %s: %s", *key, fate.reason.value, fate.message)


def told_by(fate: Fate) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition that says what became of an offer."""
    accepted = "False" if fate.reason in REFUSED else "True"
    told = {ACCEPTED: (accepted, fate.reason.value)}
    if fate.reason in OVER:
        told[TRIED] = ("True", fate.reason.value)
    if fate.reason is FateReason.UNDER_TRIAL:
        told[TRIED] = ("Unknown", fate.reason.value)
    return told


def conditions(manifest: Manifest, fate: Fate, now: int) -> list[dict[str, Any]]:
    """The conditions of a proposal after this fate. now: Unix seconds."""
    before = {each["type"]: each for each in manifest.get("status", {}).get("conditions", [])}
    return [
        {
            "type": kind,
            "status": status,
            "observedGeneration": manifest["metadata"].get("generation", 1),
            "lastTransitionTime": before[kind]["lastTransitionTime"]
            if before.get(kind, {}).get("status") == status
            else rfc3339(now),
            "reason": reason,
            "message": fate.message[:2048],
        }
        for kind, (status, reason) in told_by(fate).items()
    ]


def _read(manifest: Manifest) -> _Known | None:
    try:
        spec = ProposalSpec.model_validate(manifest["spec"])
    except ValidationError:
        return None
    values = tuple(sorted((each.name, canonical_setting(each.value)) for each in spec.values))
    metadata, stored = manifest["metadata"], manifest.get("status", {}).get("conditions", [])
    offer = Offer(str(metadata.get("creationTimestamp", "")), metadata["name"], spec.proposer, values)
    told = {each["type"]: (each["status"], each["reason"]) for each in stored}
    return _Known((metadata["namespace"], spec.policy_ref.name), offer, told)
