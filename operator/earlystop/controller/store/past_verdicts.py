"""What a search starts from that is asked to start from history: verdicts of its namespace, and of those that share."""

from __future__ import annotations

import asyncio

from earlystop.api.wire import HISTORY_LABEL
from earlystop.controller.cluster import CHECKPOINTS, FORBIDDEN, NAMESPACES, VERDICTS, Cluster, ClusterError
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.next_campaign import begins_search
from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.search.history import History, HistoryReader, Subject
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.verdict_chain import Link
from earlystop.rollout.search.warm_start import WarmStart, warm_start

MISSING = 404
READ_AT_ONCE = 4
"""Verdicts of one answer: while it is parsed, it takes 27 MiB at most."""


class PastVerdicts:
    """Reads the verdicts that searches start from, for one search at a time and never more than a few of them at once:
    many may have a megabyte each, and replaying their looks takes seconds of one core, in a thread of its own so that
    other policies go on."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._reading = FairTurns(1)

    async def history_for(self, tracked: TrackedPolicy, now: int) -> WarmStart | None:
        """What verdicts make likely of the settings of a search that begins now; None where none does, it asks for
        none, or its strategy tries what others propose and has no use for it.

        Raises ClusterError when the API fails.
        """
        spec = tracked.spec
        if spec.search is None or spec.search.warm_start != "History" or tracked.observations.refusal is not None:
            return None
        if spec.search.traits.takes_proposals or not begins_search(spec, tracked.retry_token, tracked.state, now):
            return None
        async with self._reading.of():
            return warm_start(spec, settings_of(spec), await self._read(tracked))

    async def _read(self, tracked: TrackedPolicy) -> History:
        namespaces = await _learned_from(self._cluster, tracked.namespace)
        reader = HistoryReader(Subject.of(tracked.spec), namespaces)
        for namespace in namespaces:
            async for page in self._cluster.pages(VERDICTS, namespace, at_once=READ_AT_ONCE):
                for each in page:
                    await asyncio.to_thread(reader.add, each)
            reader.add_removed(await removed_links(self._cluster, namespace))
        chosen = await asyncio.to_thread(reader.chosen)
        for name in chosen:
            verdict = await self._cluster.get(VERDICTS, *name)
            await asyncio.to_thread(reader.replay, name, verdict)
        return reader.history()


async def removed_links(cluster: Cluster, namespace: str) -> tuple[Link, ...]:
    """Links of the verdicts of a namespace that retention has removed. Where the kind or the right to list it is of an
    earlier release, none: what follows a removed verdict teaches nothing then. Raises ClusterError when the API fails.
    """
    try:
        return links_of(await cluster.list(CHECKPOINTS, namespace))[0]
    except ClusterError as error:
        if error.status not in (FORBIDDEN, MISSING):
            raise
        return ()


async def _learned_from(cluster: Cluster, own: str) -> tuple[str, ...]:
    """The namespaces whose verdicts count: its own one, and those to which an admin gave the same label. Without the
    right to read namespaces, which the chart gives only where it is asked for, its own one alone."""
    try:
        found = await cluster.get(NAMESPACES, None, own)
        group = ((found or {}).get("metadata", {}).get("labels") or {}).get(HISTORY_LABEL, "")
        pages = cluster.pages(NAMESPACES, None, f"{HISTORY_LABEL}={group}", metadata_only=True)
        others = [each["metadata"]["name"] async for page in pages for each in page] if group else []
    except ClusterError as error:
        if error.status != FORBIDDEN:
            raise
        others = []
    return tuple(dict.fromkeys((own, *sorted(others))))
