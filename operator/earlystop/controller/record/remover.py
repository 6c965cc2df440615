"""Removes the verdicts that retention lets go, each after a checkpoint that tells of it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence

from earlystop.api.checkpoint import MOST_REMOVED, CheckpointSpec
from earlystop.api.wire import POLICY_LABEL
from earlystop.controller.cluster import CHECKPOINTS, POLICIES, VERDICTS, Cluster, Conflict, Manifest, NotFound
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.record.checkpoint import checkpoint_object, links_in
from earlystop.rollout.record.retention import DAY, Retention, StoredVerdict, batch, removable

READ_AT_ONCE = 4
"""Verdicts of one answer: each may have a megabyte."""

log = logging.getLogger(__name__)
Group = tuple[str, str]
"""Namespace, and the label with the policy's name."""


class VerdictRemover:
    """Removes old verdicts of one policy's name after the other, at most one checkpoint of each at a time.

    To know what may go it reads a policy's verdicts whole, so it does that again only when another one was stored or
    removed, or a day later.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float], retention: Retention) -> None:
        self._cluster = cluster
        self._clock = clock
        self._retention = retention
        self._looked_at: dict[Group, tuple[int, str, int]] = {}

    async def remove_old(self, listed: Sequence[Manifest], checkpoints: Sequence[tuple[str, CheckpointSpec]]) -> None:
        """Makes one pass that removes old verdicts. listed: metadata of all verdicts. checkpoints: all there are, with
        their namespaces.

        Raises ClusterError when the API fails.
        """
        if not self._retention.removes:
            return
        for group, created in self._over(listed).items():
            stands = (len(created), max(created), int(self._clock()) // DAY)
            if self._looked_at.get(group) != stands:
                await self._remove(group, [record for namespace, record in checkpoints if namespace == group[0]])
                self._looked_at[group] = stands

    def _over(self, listed: Sequence[Manifest]) -> dict[Group, list[str]]:
        """Policies that may have verdicts to remove, by number and age alone, with the moments of all of theirs. What
        has no label with the name, as of an earlier release, stays."""
        oldest = rfc3339(int(self._clock()) - self._retention.days * DAY)
        groups: dict[Group, list[str]] = defaultdict(list)
        for each in listed:
            label = (each.get("labels") or {}).get(POLICY_LABEL)
            if label:
                groups[each["namespace"], label].append(each["creationTimestamp"])
        return {
            group: created
            for group, created in groups.items()
            if 0 < self._retention.verdicts < len(created) or (self._retention.days > 0 and min(created) < oldest)
        }

    async def _remove(self, group: Group, checkpoints: Sequence[CheckpointSpec]) -> None:
        namespace, label = group
        by_policy: dict[str, list[StoredVerdict]] = defaultdict(list)
        pages = self._cluster.pages(VERDICTS, namespace, f"{POLICY_LABEL}={label}", at_once=READ_AT_ONCE)
        async for page in pages:
            for each in page:
                try:
                    found = await asyncio.to_thread(StoredVerdict.of, each)
                except (ValueError, KeyError, TypeError) as error:
                    log.warning("nothing of %s/%s is removed, since a verdict cannot be read: %s", *group, error)
                    return
                by_policy[each["spec"]["policy"]].append(found)
        for policy, verdicts in by_policy.items():
            links = [link for each in checkpoints if each.policy == policy for link in links_in(each)]
            decided = await self._decided(namespace, policy)
            chosen = batch(removable(verdicts, links, self._retention, self._clock(), decided), MOST_REMOVED)
            if chosen:
                await self._remove_chosen(policy, namespace, chosen, {each.digest for each in links})

    async def _decided(self, namespace: str, policy: str) -> str:
        """Digest of the decision in a policy's status, "" where there is no policy or no decision."""
        found = await self._cluster.get(POLICIES, namespace, policy)
        return str(((found or {}).get("status", {}).get("decision") or {}).get("digest", ""))

    async def _remove_chosen(
        self, policy: str, namespace: str, chosen: Sequence[StoredVerdict], told: set[str]
    ) -> None:
        """The checkpoint is stored before anything is removed: after a crash the rest follows without another one."""
        untold = [each.removed for each in chosen if each.removed.digest not in told]
        if untold and not await self._checkpoint_is_stored(checkpoint_object(policy, namespace, untold)):
            return
        for each in chosen:
            try:
                await self._cluster.delete(VERDICTS, namespace, each.removed.name, each.uid)
            except (NotFound, Conflict):
                continue  # it is gone, or another one has its name
            fields = {"policy": f"{namespace}/{policy}", "verdict": each.removed.name, "digest": each.removed.digest}
            log.info("retention removed the verdict %s", each.removed.name, extra=fields)

    async def _checkpoint_is_stored(self, checkpoint: Manifest) -> bool:
        """Store a checkpoint. Returns whether it is there as it was made; one of the name may be of another hand."""
        namespace, name = checkpoint["metadata"]["namespace"], checkpoint["metadata"]["name"]
        try:
            await self._cluster.create(CHECKPOINTS, namespace, checkpoint)
        except Conflict:
            found = await self._cluster.get(CHECKPOINTS, namespace, name)
            if found is None or found["spec"] != checkpoint["spec"]:
                log.warning("nothing is removed: EarlyStopCheckpoint %s/%s has other contents", namespace, name)
                return False
        return True
