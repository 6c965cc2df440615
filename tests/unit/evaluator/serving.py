"""A route and a server as an evaluator meets them: the real reference server behind a small stand-in for a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from earlystop.demo.app import ReferenceServer
from earlystop.demo.replay import Replay
from earlystop.evaluator.questions import GoldenQuestion
from tests.unit.demo.recorded import recordings

POLICY, REVISION = "llm/qa", "5f3a9c"
PREFIX = "x-early-stop-"


def golden(count: int | None = None) -> tuple[GoldenQuestion, ...]:
    """The recorded questions as golden ones."""
    return tuple(GoldenQuestion(each.question, each.gold) for each in recordings()[:count])


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """Serves while the block runs; gives the base URL of its API."""
    async with TestServer(app) as server:
        yield str(server.make_url("/v1"))


@asynccontextmanager
async def reference() -> AsyncIterator[str]:
    """The reference server without a gateway."""
    async with listening(ReferenceServer(Replay(recordings())).application()) as url:
        yield url


class Route:
    """What an overlay route with golden rules does: the pin chooses the variant, all other headers are set.

    windows: of each variant; step: may be changed while it serves, as a route does.
    """

    def __init__(self, server: str, windows: Mapping[str, int]) -> None:
        self._server = server.removesuffix("/v1")
        self._windows = windows
        self.step = 0
        self.before: Callable[[web.Request], Awaitable[web.Response | None]] | None = None
        """May answer in the server's place, as a failing gateway does."""

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._forward)
        return app

    async def _forward(self, request: web.Request) -> web.Response:
        early = await self.before(request) if self.before is not None else None
        if early is not None:
            return early
        variant = request.headers["x-early-stop-golden"]
        headers = {
            "Content-Type": "application/json",
            "x-early-stop-golden": variant,
            f"{PREFIX}policy": POLICY,
            f"{PREFIX}revision": REVISION,
            f"{PREFIX}step": str(self.step),
            f"{PREFIX}variant": variant,
            f"{PREFIX}param-window": str(self._windows[variant]),
        }
        url = f"{self._server}/v1/chat/completions"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=await request.read(), headers=headers) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-early-stop")}
            return web.Response(
                body=await answer.read(), status=answer.status, headers={**kept, "Content-Type": "application/json"}
            )
