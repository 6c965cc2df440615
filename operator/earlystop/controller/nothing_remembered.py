"""Kopf keeps nothing of an object between its events, since the operator's handlers need nothing of it."""

from __future__ import annotations

from typing import Any

from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory


class NothingRemembered(ResourceMemories):
    """Gives Kopf a memory for each event alone.

    Kopf's own keeps one of each object of every kind that is watched, with containers for daemons, for indices and
    for a memo, until the object is deleted. The operator has handlers of events only: an error of theirs is logged
    and not repeated, and what they know of an object stands in the watch cache or in its TrackedPolicy. The version of
    Kopf is pinned for this.
    """

    async def recall(self, *arguments: Any, **options: Any) -> ResourceMemory:
        """A new memory of the object that an event is about; the arguments are Kopf's."""
        return await super().recall(*arguments, **{**options, "ephemeral": True})
