"""The engine's name is looked up over and over, and its last addresses are kept for when nobody answers that.

A gateway follows the engine's Pods by the Kubernetes API. So users' requests may not hang on the cluster's DNS only
because an injector stands between: its Pods move in a drain of nodes as any others do.
"""

from __future__ import annotations

import asyncio
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

PATIENCE_SECONDS = 0.5
"""For how long an answer is waited for where the last one is known."""
Name = tuple[str, int, socket.AddressFamily]


class LastingResolver(AbstractResolver):
    """Asks the system's resolver; where that fails or is silent, the addresses of its last answer are given. Use it in
    one event loop."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver or DefaultResolver()
        self._last: dict[Name, list[ResolveResult]] = {}
        self._lookups: dict[Name, asyncio.Task[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises OSError where there is no answer and has never been one."""
        name = host, port, family
        if name not in self._lookups:  # a resolver that is silent holds a thread for each question: one is enough
            lookup = self._lookups[name] = asyncio.create_task(self._resolver.resolve(host, port, family))
            lookup.add_done_callback(lambda done: self._note(name, done))
        patience = PATIENCE_SECONDS if name in self._last else None
        try:
            return await asyncio.wait_for(asyncio.shield(self._lookups[name]), patience)
        except OSError:  # TimeoutError is one
            if name not in self._last:
                raise
            return self._last[name]

    async def close(self) -> None:
        """Cancel all lookups that are under way, and close the resolver."""
        for lookup in self._lookups.values():
            lookup.cancel()
        await self._resolver.close()

    def _note(self, name: Name, lookup: asyncio.Task[list[ResolveResult]]) -> None:
        del self._lookups[name]
        if not lookup.cancelled() and lookup.exception() is None and lookup.result():
            self._last[name] = lookup.result()
