"""What Kopf remembers of the objects that it shows: nothing, since the operator has handlers of events alone."""

from __future__ import annotations

from typing import Any

from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory


class NoMemories(ResourceMemories):
    """Makes the memory of an object anew for each of its events.

    Kopf keeps one of a KiB for each object that it has shown, for daemons, timers, indices and handlers that are to be
    repeated: the operator has none of them, and a policy has six objects that are watched. The version of Kopf is
    pinned for this.
    """

    async def recall(self, raw_body: Any, **options: Any) -> ResourceMemory:
        """A new memory, which nobody keeps."""
        return await super().recall(raw_body, **{**options, "ephemeral": True})
