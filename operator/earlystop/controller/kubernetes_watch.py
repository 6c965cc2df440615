"""A watch of the Kubernetes API as the events that come over it, however long the objects in them are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import client

from earlystop.api.json_once import read_any_json

WATCH_SECONDS = 300
"""How long a watch is asked for at a time."""
WATCH_SILENT_SECONDS = 150.0
"""A connection on which not even a bookmark comes, as about every minute, may be a dead one."""


def watch_path(path: str, version: str, fields: str = "") -> str:
    """The path of a watch of a collection since a resourceVersion; fields: a selector, "" for all objects."""
    query = {
        "watch": "1",
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(WATCH_SECONDS),
        **({"fieldSelector": fields} if fields else {}),
    }
    return f"{path}?{urlencode(query)}"


async def watch_events(
    api: client.ApiClient, path: str, accept: str, connect_seconds: float
) -> AsyncIterator[dict[str, Any]]:
    """The events of a watch, until the API server ends it. accept: the form of objects that is asked for.

    Raises WatchRefused, aiohttp's errors, TimeoutError and OSError where the connection fails, and ValueError for what
    is no event.
    """
    request = await api.param_serialize("GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"])
    limits = aiohttp.ClientTimeout(sock_connect=connect_seconds, sock_read=WATCH_SILENT_SECONDS)
    response = None
    try:
        response = (await api.call_api(*request[:3], _request_timeout=limits)).response
        if response.status >= 400:
            raise WatchRefused(response.status, await response.read())
        # By lines of its own: the library's are bounded, and one event holds a whole object.
        rest = b""
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield read_any_json(line)
    finally:
        if response is not None:
            response.close()


class WatchRefused(Exception):
    """The API server refused a watch. status: HTTP status. body: its answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
