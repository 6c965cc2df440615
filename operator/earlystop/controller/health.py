"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from earlystop.controller.telemetry import registry

# The scheduler runs its loop every 5 s at least; a loop that is late by this much hangs.
STALE_SECONDS = 30.0


@dataclass(slots=True)
class Health:
    """What /healthz and /readyz report.

    clock: Unix seconds. beat: Unix time at which the scheduler last ran its loop.
    missing_watches: kinds whose watch has died. ready: all watches have listed their objects.
    """

    clock: Callable[[], float]
    beat: Callable[[], float]
    missing_watches: Callable[[], list[str]]
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


async def serve(health: Health, host: str, port: int) -> web.AppRunner:
    """Serve the probes until the returned runner is cleaned up."""

    async def healthz(_: web.Request) -> web.Response:
        problem = health.problem()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    async def readyz(_: web.Request) -> web.Response:
        problem = health.problem() or (None if health.ready else "the first lists have not arrived")
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
