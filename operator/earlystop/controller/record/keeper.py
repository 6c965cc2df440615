"""Publishes a digest over all verdicts now and then, and removes those that retention lets go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from earlystop.api.checkpoint import CheckpointSpec
from earlystop.api.wire import DIGEST_ANNOTATION
from earlystop.controller.cluster import CHECKPOINTS, VERDICTS, Cluster, ClusterError, Conflict, Manifest, NotFound
from earlystop.controller.counts.secrets import own_namespace
from earlystop.controller.record.lease import PublishedRecord
from earlystop.controller.record.remover import VerdictRemover
from earlystop.controller.telemetry import RECORD_BROKEN, RECORD_VERDICTS
from earlystop.rollout.record.checkpoint import record_in
from earlystop.rollout.record.publication import EVERYWHERE, Publication, Stored, next_publication
from earlystop.rollout.record.retention import Retention

PASS_SECONDS = 300.0
LISTED_AT_ONCE = 500
"""Metadata of one answer, of a kilobyte each."""
DEFAULT_LEASE = "earlystop-record"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What the admin says of the record. lease: name, "" to publish nothing. retention: what is kept."""

    lease: str = DEFAULT_LEASE
    retention: Retention = field(default_factory=Retention)


DEFAULT_RECORD = RecordSettings()


class RecordKeeper:
    """Goes over the metadata of all verdicts every five minutes. A verdict without the digest in its metadata, as of an
    earlier release, is read once."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Callable[[], float],
        namespaces: Sequence[str],
        settings: RecordSettings = DEFAULT_RECORD,
        namespace: str = "",
        note_listed: Callable[[Collection[tuple[str, str]]], None] = lambda _: None,
    ) -> None:
        """namespaces: that the operator watches, none for all. namespace: of the Lease, "" for the operator's own.
        note_listed: is told the namespace and name of every verdict that a pass has found."""
        self._cluster = cluster
        self._clock = clock
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._scope = ",".join(sorted(set(namespaces))) or EVERYWHERE
        self._settings = settings
        self._lease_namespace = namespace or own_namespace()
        self._note_listed = note_listed
        self._remover = VerdictRemover(cluster, clock, settings.retention)
        self._digests: dict[str, str] = {}
        self._told = ""

    async def run(self) -> None:
        """Keep the record until cancelled. Nothing that happens here ends the operator."""
        while True:
            try:
                await self.keep()
            except ClusterError as error:
                log.warning("the record of verdicts could not be read; this is tried again: %s", error)
            except Exception:
                # An object that anybody may have written must not end the operator for everybody.
                log.exception("the record of verdicts could not be read; this is tried again")
            await asyncio.sleep(PASS_SECONDS)

    async def keep(self) -> None:
        """Makes one pass over the record: publishes its digest, then removes old verdicts. Raises ClusterError when the
        API fails."""
        begun = self._clock()
        listed = await self._listed()
        self._note_listed({(each["namespace"], each["name"]) for each in listed})
        checkpoints = await self._checkpoints()
        stored = [await self._stored(each) for each in listed]
        stored += [
            Stored(one.created, namespace, one.name, one.digest)
            for namespace, record in checkpoints
            for one in record.removed
        ]
        await self._publish(stored, begun)
        await self._remover.remove_old(listed, checkpoints)

    async def _listed(self) -> list[Manifest]:
        """Metadata of all verdicts."""
        return [
            each["metadata"]
            for namespace in self._namespaces
            async for page in self._cluster.pages(VERDICTS, namespace, at_once=LISTED_AT_ONCE, metadata_only=True)
            for each in page
        ]

    async def _checkpoints(self) -> list[tuple[str, CheckpointSpec]]:
        found = []
        for namespace in self._namespaces:
            for each in await self._listed_checkpoints(namespace):
                try:
                    found.append((str(each["metadata"]["namespace"]), record_in(each)))
                except ValueError as error:
                    log.warning("a checkpoint tells of nothing: %s", error)
        return found

    async def _listed_checkpoints(self, namespace: str | None) -> list[Manifest]:
        try:
            return await self._cluster.list(CHECKPOINTS, namespace)
        except NotFound:
            return []  # the definition of the kind is of an earlier release

    async def _stored(self, metadata: Manifest) -> Stored:
        digest = (metadata.get("annotations") or {}).get(DIGEST_ANNOTATION) or self._digests.get(metadata["uid"])
        namespace, name = metadata["namespace"], metadata["name"]
        if digest is None:
            verdict = await self._cluster.get(VERDICTS, namespace, name)
            digest = self._digests[metadata["uid"]] = "" if verdict is None else str(verdict["spec"]["digest"])
        return Stored(metadata["creationTimestamp"], namespace, name, digest)

    async def _publish(self, stored: Sequence[Stored], begun: float) -> None:
        RECORD_VERDICTS.set(len(stored))
        if not self._settings.lease:
            return
        try:
            published = await PublishedRecord.read(self._cluster, self._lease_namespace, self._settings.lease)
            following = next_publication(published.publication, stored, begun, self._scope)
            RECORD_BROKEN.set(bool(following.broken))
            if following != published.publication:
                await published.write(self._cluster, following)
                self._log_publication(following, published.publication)
        except Conflict:
            return  # somebody else was faster, and the next pass sees what is there then
        except ClusterError as error:
            if error.message != self._told:
                log.warning("the record is published in no Lease, only in the log: %s", error)
            self._told = error.message

    def _log_publication(self, now: Publication, before: Publication | None) -> None:
        fields = {"digest": now.digest, "verdicts": now.verdicts, "before": now.before}
        log.info("the record is published: %s verdicts have the digest %s", now.verdicts, now.digest, extra=fields)
        if now.broken and (before is None or now.broken != before.broken):
            log.error("the record is broken: %s", now.broken)
