"""Proxies that spoil what passes through them: real HTTP servers, each in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.cluster.access import Access
from tests.cluster.network import NODE_ADDRESS

HOP_BY_HOP = ("transfer-encoding", "content-length", "connection", "content-encoding", "host", "accept-encoding")


class Proxy:
    """Forwards everything to `upstream`; use as a context manager. Subclasses say what is spoiled."""

    def __init__(self, upstream: str, *, verify: ssl.SSLContext | None = None) -> None:
        self.url = ""
        self._upstream = upstream
        self._verify = verify
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.in_loop(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.in_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def in_loop(self, work: Any) -> None:
        """Do something in the proxy's own thread, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        return await self.forward(request)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, and its answer back piece by piece as it comes."""
        async with self.upstream(request, await request.read()) as answer:
            response = web.StreamResponse(status=answer.status, headers=kept(answer.headers))
            response.force_close()
            await response.prepare(request)
            await pass_on(answer.content, response)
            return response

    def upstream(self, request: web.Request, body: bytes) -> Any:
        """The same request to the real server, to be entered as a context."""
        assert self._session is not None
        return self._session.request(
            request.method,
            self._upstream + request.path_qs,
            headers=kept(request.headers),
            data=body or None,
            skip_auto_headers=("Content-Type",),
            ssl=self._verify if self._verify is not None else True,
        )

    async def listen(self) -> None:
        """Accept connections, at the same address as before."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, NODE_ADDRESS, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://{NODE_ADDRESS}:{self._port}"

    async def refuse(self) -> None:
        """Close the port: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(trust_env=False, timeout=timeout, auto_decompress=True)
        await self.listen()

    async def _close(self) -> None:
        await self.refuse()
        assert self._session is not None
        await self._session.close()


def kept(headers: Any) -> dict[str, str]:
    """Headers that may be passed on."""
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


class SpoiledApiServer(Proxy):
    """Stands before the API server, and can end every watch of policies with an error that is no 410."""

    def __init__(self, access: Access) -> None:
        view = json.loads(access.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json"))
        authority = base64.b64decode(view["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        super().__init__(access.url, verify=ssl.create_default_context(cadata=authority))
        self._access = access
        self._broken = asyncio.Event()

    def kubeconfig(self, original: Path) -> Path:
        """The same identity, by way of this proxy."""
        path = original.with_suffix(".proxied")
        path.write_text(original.read_text().replace(self._access.url, self.url))
        return path

    def break_watches(self) -> None:
        """End each watch of policies, now and later."""
        self._loop.call_soon_threadsafe(self._broken.set)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass on, but a watch of policies only until it is to be broken, be it before the server has said anything."""
        if "watch" not in request.query or not request.path.endswith("/earlystoppolicies"):
            return await super().forward(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        passing = asyncio.create_task(self._pass_watch(request, response))
        breaking = asyncio.create_task(self._broken.wait())
        await asyncio.wait((passing, breaking), return_when=asyncio.FIRST_COMPLETED)
        for task in (passing, breaking):
            task.cancel()
        if self._broken.is_set():
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500}
            await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
        return response

    async def _pass_watch(self, request: web.Request, response: web.StreamResponse) -> None:
        async with self.upstream(request, b"") as answer:
            await pass_on(answer.content, response)


async def pass_on(content: aiohttp.StreamReader, response: web.StreamResponse) -> None:
    """Piece by piece, as it comes."""
    async for piece in content.iter_any():
        await response.write(piece)
