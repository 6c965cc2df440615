"""Long lists of the Kubernetes API, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import urlencode

from earlystop.controller.api_answers import page_in
from earlystop.controller.cluster_errors import Expired
from earlystop.controller.resources import Manifest


async def pages_of(
    ask: Callable[[str], Awaitable[Manifest]], path: str, query: Mapping[str, object]
) -> AsyncIterator[list[Manifest]]:
    """The pages of a list to its end. ask: gives the answer to a path. query: limits and selectors.

    Where the API has forgotten the revision of the first page, as after a compaction of its store, the rest is as it is
    now: what is listed twice or not at all was changed meanwhile. Raises Expired where the API offers no rest, another
    ClusterError when it fails.
    """
    token = ""
    while True:
        continued = {**query, "continue": token} if token else query
        try:
            items, after = page_in(await ask(f"{path}?{urlencode(continued)}"))
        except Expired as expired:
            if expired.rest in ("", token):
                raise
            token = expired.rest
            continue
        yield items
        if not after:
            return
        token = after
