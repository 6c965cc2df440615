"""Listening for requests while a block runs, for servers that count with this library and are made with aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def listening(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[str]:
    """Listens while the block runs, and then finishes running requests; gives the URL, with the real port where `port`
    is 0.

    Raises OSError when the address cannot be bound.
    """
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        bracketed = f"[{bound_host}]" if ":" in bound_host else bound_host
        yield f"http://{bracketed}:{bound_port}"
    finally:
        await runner.cleanup()
