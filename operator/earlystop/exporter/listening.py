"""Listening for requests while a block runs, for servers that count with this library and are made with aiohttp."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

SERVER_LOG = logging.getLogger("earlystop.http")


def _holds_no_request(record: logging.LogRecord) -> bool:
    """A request that cannot be read is answered with 400, and its error quotes the line: perhaps one with a key."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


SERVER_LOG.addFilter(_holds_no_request)


WITHOUT_REQUESTS: Mapping[str, Any] = MappingProxyType({"access_log": None, "logger": SERVER_LOG})
"""Options of a server of aiohttp: no log of requests, and no byte of them in the log of errors."""


def runner_of(app: web.Application, **options: Any) -> web.AppRunner:
    """What serves an application, without a log of requests and without any byte of them in the log of errors.
    options: as `web.AppRunner` has them."""
    return web.AppRunner(app, **WITHOUT_REQUESTS, **options)


def listening(runner: web.BaseRunner, host: str, port: int) -> AbstractAsyncContextManager[str]:
    """Listens while the block runs, and then finishes running requests; gives the URL, with the real port where `port`
    is 0.

    Raises OSError when the address cannot be bound.
    """
    return _served(runner, lambda: [web.TCPSite(runner, host, port)])


def listening_on(
    runner: web.BaseRunner, sockets: Sequence[socket.socket], backlog: int
) -> AbstractAsyncContextManager[str]:
    """As `listening`, on sockets that are bound already, and are closed with the block. backlog: connections that may
    wait."""
    return _served(runner, lambda: [web.SockSite(runner, each, backlog=backlog) for each in sockets])


@asynccontextmanager
async def _served(runner: web.BaseRunner, sites: Callable[[], Sequence[web.BaseSite]]) -> AsyncIterator[str]:
    """sites: makes them once the runner is set up, as aiohttp wants it."""
    try:
        await runner.setup()
        for site in sites():
            await site.start()
        yield _url_of(runner)
    finally:
        await runner.cleanup()


def _url_of(runner: web.BaseRunner) -> str:
    host, port = runner.addresses[0][:2]
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{port}"
