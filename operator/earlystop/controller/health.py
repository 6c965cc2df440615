"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from earlystop.controller.policy_metrics.packed_text import PackedText
from earlystop.controller.policy_metrics.served import MetricsPage, named
from earlystop.controller.telemetry import registry
from earlystop.exporter.listening import runner_of

# The scheduler runs its loop every 5 s at least; a loop that is late by this much hangs.
STALE_SECONDS = 30.0
# Any Pod may connect. One that sends half a request, or none, would hold its connection and some memory for ever.
LONGEST_SECONDS = 30.0
MOST_CONNECTIONS = 256
SWEEP_SECONDS = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Health:
    """What /healthz and /readyz report.

    clock: Unix seconds. beat: Unix time at which the scheduler last ran its loop.
    missing_watches: kinds whose watch has died. second_to: which other release serves the same, in a sentence, or None.
    ready: all watches have listed their objects.
    """

    clock: Callable[[], float]
    beat: Callable[[], float]
    missing_watches: Callable[[], list[str]]
    second_to: Callable[[], str | None] = lambda: None
    ready: bool = False

    def problem(self) -> str | None:
        """Why the process should be restarted, or None."""
        late = self.clock() - self.beat()
        if late > STALE_SECONDS:
            return f"the scheduler last ran its loop {late:.0f} s ago"
        missing = self.missing_watches() if self.ready else []
        if missing:
            return f"no watch of {', '.join(missing)} is running"
        return None


async def serve(health: Health, host: str, port: int, more: Sequence[web.RouteDef] = ()) -> web.AppRunner:
    """Serve the probes, and what else there is, until the returned runner is cleaned up."""

    async def healthz(_: web.Request) -> web.Response:
        problem = health.problem()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    async def readyz(_: web.Request) -> web.Response:
        problem = health.problem() or health.second_to()
        problem = problem or (None if health.ready else "the first lists have not arrived")
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    page = MetricsPage(registry)

    async def metrics(request: web.Request) -> web.Response:
        names = request.query.getall("name[]", [])
        if names:
            return web.Response(body=named(registry, names), headers={"Content-Type": CONTENT_TYPE_LATEST})
        text = await page.text()
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Content-Length": str(len(text))}
        return web.Response(body=_parts_of(text), headers=headers)

    answering: set[Any] = set()

    @web.middleware
    async def note_answering(request: web.Request, handler: Handler) -> web.StreamResponse:
        answering.add(request.protocol)
        try:
            return await handler(request)
        finally:
            answering.discard(request.protocol)

    app = web.Application(middlewares=[note_answering])
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics), *more])
    runner = runner_of(app)

    async def close_connections(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_close_connections(runner, answering))
        yield
        task.cancel()

    app.cleanup_ctx.append(close_connections)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def _parts_of(text: PackedText) -> AsyncIterator[bytes]:
    """A page part by part, each unpacked when the one before it was sent: no connection holds the whole."""
    for part in text:
        yield part


async def _close_connections(runner: web.AppRunner, answering: set[Any]) -> None:
    """Close connections that are older than LONGEST_SECONDS, and the oldest of those beyond MOST_CONNECTIONS, unless a
    request of theirs is being answered."""
    opened: dict[Any, float] = {}
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = time.monotonic()
        connections = runner.server.connections if runner.server is not None else []
        opened = {each: opened.get(each, now) for each in connections}
        oldest_first = sorted(opened, key=lambda each: opened[each])
        surplus = set(oldest_first[: max(0, len(oldest_first) - MOST_CONNECTIONS)])
        for each in oldest_first:
            if each not in answering and (each in surplus or now - opened[each] >= LONGEST_SECONDS):
                each.force_close()
