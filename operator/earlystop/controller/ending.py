"""The process ends when it should: Kopf may hang at its own end, and nobody restarts an operator that is half alive."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

CHECK_SECONDS = 2.5
# Kopf starts the watch of a kind anew when its CRD is edited; that takes a moment.
DEAD_SECONDS = 10.0
CHECK_SERVED_SECONDS = 20.0
ENDING_SECONDS = 15.0

log = logging.getLogger(__name__)


class WatchDiedError(Exception):
    """A kind that the operator needs has not been watched for too long."""


async def fail_without_watches(
    missing_watches: Callable[[], list[str]],
    ready: asyncio.Event,
    *,
    check_seconds: float = CHECK_SECONDS,
    dead_seconds: float = DEAD_SECONDS,
) -> None:
    """Wait until a watch has been missing for `dead_seconds`, once all of them ran or had listed their objects.

    Kopf ends by itself after such a death, but its end may wait for ever: a request that it repeats while it ends asks
    for a new login, and nobody is left who logs in.
    missing_watches: the kinds whose watch does not run. ready: set when all have listed. Raises WatchDiedError.
    """
    armed, checks_missed = False, 0
    while checks_missed * check_seconds < dead_seconds:
        await asyncio.sleep(check_seconds)
        missing = missing_watches()
        armed = armed or ready.is_set() or not missing
        checks_missed = checks_missed + 1 if armed and missing else 0
    raise WatchDiedError(
        f"no watch of {', '.join(missing_watches())} has run for {dead_seconds:.0f} s, and Kopf has not ended"
    )


async def fail_without_served_watches(
    unwatched: Callable[[], list[str]],
    is_served: Callable[[str], Awaitable[bool]],
    ready: asyncio.Event,
    *,
    check_seconds: float = CHECK_SERVED_SECONDS,
) -> None:
    """Wait until a kind that a cluster may lack has no watch at two checks in a row although the API server serves it.

    Kopf asks which kinds there are while a CRD is being installed, may get an answer that lacks the kind, and asks no
    more; and it never asks again where only some namespaces are watched. Then the kind's objects would be edited
    unseen until the operator is started anew.
    unwatched: such kinds without a watch. is_served: whether the API server lists one. ready: set when all others have
    listed. Raises WatchDiedError.
    """
    await ready.wait()
    before: set[str] = set()
    while True:
        await asyncio.sleep(check_seconds)
        now = {kind for kind in unwatched() if await is_served(kind)}
        if found := sorted(before & now & set(unwatched())):
            raise WatchDiedError(
                f"the API server serves {', '.join(found)}, which nothing has watched for {check_seconds:.0f} s"
            )
        before = now


def end_by_force_later(seconds: float = ENDING_SECONDS) -> None:
    """End this process `seconds` from now, whatever still runs in its event loop then."""
    asyncio.get_running_loop().call_later(seconds, _end, seconds)


def _end(seconds: float) -> None:
    log.error("the operator did not end within %.0f s and is ended by force; Kubernetes restarts it", seconds)
    logging.shutdown()
    os._exit(1)
