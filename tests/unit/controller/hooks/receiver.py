"""A receiver of webhooks that answers as a test says, and the objects by which the operator finds it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from earlystop.controller.cluster import Manifest
from earlystop.controller.counts.secrets import SECRETS
from earlystop.controller.hooks.channel import HOOK_TARGETS
from tests.unit.controller.memory import Memory

NAMESPACE = "earlystop-system"
KEY = "a signing key of these tests"
LOOPBACK = {"allowHttp": True, "allowNetworks": ["127.0.0.0/8"]}


def signing_secret(value: str = KEY) -> Manifest:
    """The Secret that targets of the tests refer to."""
    data = {"key": base64.b64encode(value.encode()).decode()}
    return {"metadata": {"name": "hook", "namespace": NAMESPACE}, "data": data}


def target(url: Any, **changes: Any) -> Manifest:
    """A HookTarget called `receiver`; a change to None takes a field out."""
    written = {"url": url, "signingRef": {"name": "hook", "key": "key"}, **LOOPBACK, **changes}
    spec = {name: value for name, value in written.items() if value is not None}
    return {"metadata": {"name": "receiver"}, "spec": spec}


def serve_hooks(api: Memory, made: Manifest) -> None:
    """Let an API in memory have a HookTarget and its Secret."""
    for resource in (HOOK_TARGETS, SECRETS):
        api.serve(resource)
    api.put(HOOK_TARGETS, made)
    api.put(SECRETS, signing_secret())


@dataclass
class Receiver:
    """What came, in order. answer: of each request, by how many came before."""

    url: str = ""
    bodies: list[Manifest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[int], web.StreamResponse | float] = lambda _: web.Response(status=204)

    @property
    def ids(self) -> list[str]:
        return [each["webhook-id"] for each in self.headers]

    def says(self, *answers: str) -> None:
        """Each answer in turn, the last one for ever."""
        self.answer = lambda number: web.Response(text=answers[min(number, len(answers) - 1)])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        number = len(self.bodies)
        raw = await request.read()
        self.bodies.append(json.loads(raw))
        self.headers.append({**{name.lower(): value for name, value in request.headers.items()}, "raw": raw.decode()})
        answer = self.answer(number)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return web.Response()
        return answer


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield receiver
    finally:
        await runner.cleanup()
