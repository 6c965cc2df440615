"""Several pieces of work of which none stops the others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from earlystop.controller.cluster import ClusterError

log = logging.getLogger(__name__)


async def each_of(work: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Do each piece of work in turn. work: by what it concerns, for the log. What fails, for any cause, is logged, and
    whoever calls does it again later."""
    for what, do in work.items():
        try:
            await do()
        except ClusterError as error:
            log.warning("the comparison of %s with the API's list failed and is repeated: %s", what, error)
        except Exception:
            log.exception("the comparison of %s with the API's list failed and is repeated", what)
