"""Events on the policy: one object for each note, whose count rises when the same note is recorded again."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from datetime import UTC, datetime

from earlystop.api.values import bounded
from earlystop.api.visible import visible
from earlystop.api.wire import GROUP
from earlystop.controller.cluster import EVENTS, Cluster, ClusterError, Conflict, Manifest, NotFound
from earlystop.controller.fairness.rate import Rate
from earlystop.controller.telemetry import EVENTS_HELD_BACK
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.words.event_notes import EventNote

CONTROLLER = f"{GROUP}/operator"
NOTE_LIMIT = 1024  # bytes
REMEMBERED = 4096
# Of one policy. Whoever may edit it can bring about an event by each edit, and events fill the API server's store.
NOTES_AT_ONCE = 50
SECONDS_BETWEEN_NOTES = 10.0

log = logging.getLogger(__name__)


class EventRecorder:
    """Records notes about policies as events, in the form that `kubectl describe` puts in order. A failure is logged,
    and nothing waits for it.

    The order there is by a time in whole seconds: notes of one policy get times that differ, in the order in which they
    are recorded. Of one policy 50 notes are posted at once, and then one every 10 s. The others are in the log alone.
    """

    def __init__(self, cluster: Cluster, instance: str) -> None:
        self._cluster = cluster
        self._instance = instance[:128]
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._latest: OrderedDict[str, int] = OrderedDict()
        self._rate = Rate(NOTES_AT_ONCE, SECONDS_BETWEEN_NOTES)

    async def record(self, policy: Manifest, note: EventNote, now: float, campaign: int = 0) -> None:
        """Post a note about a policy at Unix time `now`, or raise the count of the event that holds the same note.

        campaign: the number of the campaign that it is about, 0 for none; what is said of two is two events.
        """
        if not self._rate.is_allowed(policy["metadata"]["uid"], now):
            EVENTS_HELD_BACK.inc()
            return
        name = _event_name(policy, note, campaign)
        count = self._counts.get(name, 0) + 1
        _remember(self._counts, name, count)
        uid = policy["metadata"]["uid"]
        second = max(int(now), self._latest.get(uid, 0) + 1)
        _remember(self._latest, uid, second)
        try:
            if count > 1:
                await self._count_up(policy, name, count, now, second)
            else:
                await self._post(policy, name, note, now, second)
        except ClusterError as error:
            log.warning("event %s was not posted: %s", note.reason, error)

    async def _post(self, policy: Manifest, name: str, note: EventNote, now: float, second: int) -> None:
        event = _event(policy, name, note, self._instance, now, second)
        try:
            await self._cluster.create(EVENTS, policy["metadata"]["namespace"], event)
        except Conflict:
            # The operator recorded it before it was restarted.
            self._counts[name] = 2
            await self._count_up(policy, name, 2, now, second)

    async def _count_up(self, policy: Manifest, name: str, count: int, now: float, second: int) -> None:
        series = {"count": count, "lastObservedTime": _micro(now)}
        changes = {"series": series, "count": count, "lastTimestamp": rfc3339(second)}
        try:
            await self._cluster.merge(EVENTS, policy["metadata"]["namespace"], name, changes)
        except NotFound:
            # Events live for an hour; the next note of this kind starts a new one.
            self._counts.pop(name, None)


def _remember(memory: OrderedDict[str, int], name: str, value: int) -> None:
    memory[name] = value
    memory.move_to_end(name)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _event_name(policy: Manifest, note: EventNote, campaign: int) -> str:
    identity = f"{policy['metadata']['uid']}/{campaign}/{note.reason}/{note.message}"
    return f"{bounded(policy['metadata']['name'], 200)}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _event(policy: Manifest, name: str, note: EventNote, instance: str, now: float, second: int) -> Manifest:
    """The event in its core form: the newer API takes none of the times that `kubectl describe` sorts by."""
    metadata = policy["metadata"]
    return {
        "apiVersion": EVENTS.api_version,
        "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "eventTime": _micro(now),
        "firstTimestamp": rfc3339(second),
        "lastTimestamp": rfc3339(second),
        "count": 1,
        "source": {"component": CONTROLLER},
        "reportingComponent": CONTROLLER,
        "reportingInstance": instance,
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "action": note.action,
        "message": visible(note.message.encode()[:NOTE_LIMIT].decode(errors="ignore")),
        "involvedObject": {
            "apiVersion": policy["apiVersion"],
            "kind": policy["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }


def _micro(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
