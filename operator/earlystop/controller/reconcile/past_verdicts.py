"""What a search starts from that is asked to start from history: verdicts of its namespace, and of those that share."""

from __future__ import annotations

import asyncio

from earlystop.api.wire import HISTORY_LABEL
from earlystop.controller.cluster import FORBIDDEN, NAMESPACES, VERDICTS, Cluster, ClusterError
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.rollout.next_campaign import begins_search
from earlystop.rollout.search.history import HistoryReader, Subject
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.warm_start import WarmStart, warm_start


async def history_for(cluster: Cluster, tracked: TrackedPolicy, now: int) -> WarmStart | None:
    """What verdicts make likely of the settings of a search that begins now; None where none does, or it asks for none.

    Raises ClusterError when the API fails.
    """
    spec = tracked.spec
    if spec.search is None or spec.search.warm_start != "History" or tracked.observations.refusal is not None:
        return None
    if not begins_search(spec, tracked.retry_token, tracked.state, now):
        return None
    namespaces = await _learned_from(cluster, tracked.namespace)
    reader = HistoryReader(Subject.of(spec), namespaces)
    for namespace in namespaces:
        async for page in cluster.pages(VERDICTS, namespace):
            for each in page:
                reader.add(each)
    # Replays take a second or two; other policies go on meanwhile.
    return warm_start(spec, settings_of(spec), await asyncio.to_thread(reader.history))


async def _learned_from(cluster: Cluster, own: str) -> tuple[str, ...]:
    """The namespaces whose verdicts count: the own one, and those to which an admin gave the same label. Without the
    right to read namespaces, which the chart gives only where it is asked for, the own one alone."""
    try:
        found = await cluster.get(NAMESPACES, None, own)
        group = ((found or {}).get("metadata", {}).get("labels") or {}).get(HISTORY_LABEL, "")
        others = await cluster.names(NAMESPACES, f"{HISTORY_LABEL}={group}") if group else []
    except ClusterError as error:
        if error.status != FORBIDDEN:
            raise
        others = []
    return tuple(dict.fromkeys((own, *sorted(others))))
