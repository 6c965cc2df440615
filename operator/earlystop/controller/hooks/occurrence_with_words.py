"""The words of an occurrence at the moment at which it is told, where a restart has left only its outline."""

from __future__ import annotations

from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError
from earlystop.controller.hooks.channel import NOT_DELIVERED, HookProblem
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.hooks.occurrence import Occurrence
from earlystop.rollout.hooks.words import name_of_record, worded, worded_by_record


async def with_words(cluster: Cluster, tracked: TrackedPolicy, occurrence: Occurrence) -> Occurrence:
    """The occurrence with its sentence and its verdict. Raises HookProblem while the record cannot be read."""
    known = worded(tracked.identity, tracked.status.stored, occurrence)
    if known is not None:
        return known
    name = name_of_record(tracked.identity, occurrence)
    try:
        found = await cluster.get(VERDICTS, tracked.namespace, name)
    except ClusterError as error:
        raise HookProblem(NOT_DELIVERED, f"EarlyStopVerdict {name} cannot be read: {error.message[:160]}") from None
    return worded_by_record(name, None if found is None else found["spec"], occurrence)
