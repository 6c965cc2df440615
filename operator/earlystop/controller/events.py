"""Events on the policy: one object for each note, whose count rises when the same note is recorded again."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from datetime import UTC, datetime

from earlystop.api.values import bounded
from earlystop.api.wire import GROUP
from earlystop.controller.cluster import EVENTS, Cluster, ClusterError, Conflict, Manifest, NotFound
from earlystop.controller.fairness.rate import Rate
from earlystop.controller.telemetry import EVENTS_HELD_BACK
from earlystop.rollout.event_notes import EventNote

CONTROLLER = f"{GROUP}/operator"
NOTE_LIMIT = 1024  # bytes
REMEMBERED = 4096
# Of one policy. Whoever may edit it can bring about an event by each edit, and events fill the API server's store.
NOTES_AT_ONCE = 50
SECONDS_BETWEEN_NOTES = 10.0

log = logging.getLogger(__name__)


class EventRecorder:
    """Records notes about policies as events.k8s.io events. A failure is logged, and nothing waits for it.

    Of one policy 50 notes are posted at once, and then one every 10 s. The others are in the log alone.
    """

    def __init__(self, cluster: Cluster, instance: str) -> None:
        self._cluster = cluster
        self._instance = instance[:128]
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._rate = Rate(NOTES_AT_ONCE, SECONDS_BETWEEN_NOTES)

    async def record(self, policy: Manifest, note: EventNote, now: float) -> None:
        """Post a note about a policy at Unix time `now`, or raise the count of the event that holds the same note."""
        if not self._rate.is_allowed(policy["metadata"]["uid"], now):
            EVENTS_HELD_BACK.inc()
            return
        name = _event_name(policy, note)
        count = self._counts.get(name, 0) + 1
        self._counts[name] = count
        self._counts.move_to_end(name)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        try:
            if count > 1:
                await self._count_up(policy, name, count, now)
            else:
                await self._post(policy, name, note, now)
        except ClusterError as error:
            log.warning("event %s was not posted: %s", note.reason, error)

    async def _post(self, policy: Manifest, name: str, note: EventNote, now: float) -> None:
        event = _event(policy, name, note, self._instance, now)
        try:
            await self._cluster.create(EVENTS, policy["metadata"]["namespace"], event)
        except Conflict:
            # The operator recorded it before it was restarted.
            self._counts[name] = 2
            await self._count_up(policy, name, 2, now)

    async def _count_up(self, policy: Manifest, name: str, count: int, now: float) -> None:
        series = {"series": {"count": count, "lastObservedTime": _micro(now)}}
        try:
            await self._cluster.merge(EVENTS, policy["metadata"]["namespace"], name, series)
        except NotFound:
            # Events live for an hour; the next note of this kind starts a new one.
            self._counts.pop(name, None)


def _event_name(policy: Manifest, note: EventNote) -> str:
    identity = f"{policy['metadata']['uid']}/{note.reason}/{note.message}"
    return f"{bounded(policy['metadata']['name'], 200)}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _event(policy: Manifest, name: str, note: EventNote, instance: str, now: float) -> Manifest:
    metadata = policy["metadata"]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "eventTime": _micro(now),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "action": note.action,
        "note": note.message.encode()[:NOTE_LIMIT].decode(errors="ignore"),
        "regarding": {
            "apiVersion": policy["apiVersion"],
            "kind": policy["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }


def _micro(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
