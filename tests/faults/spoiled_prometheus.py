"""A proxy before a real Prometheus that answers queries as badly as it is told to, in any of 18 ways."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.faults.proxies import Proxy, kept

Row = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

MANY_SERIES = 4000
HUGE_BYTES = 17 * 1024 * 1024
_PIECE = b" " * 1024 * 1024


class SpoiledPrometheus(Proxy):
    """Answers queries as badly as its mode says: "fine", or one of MODES. queries: how many came in each mode."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.mode = "fine"
        self.queries: Counter[str] = Counter()

    def become(self, mode: str) -> None:
        """From now on be `mode`."""
        self.mode = mode
        self.in_loop(self.refuse() if mode == "refused" else self._listen_if_closed())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one query in the present mode."""
        mode = self.mode
        self.queries[mode] += 1
        if mode in ANSWERS:
            return await ANSWERS[mode](request)
        async with self.upstream(request, await request.read()) as answer:
            body = await answer.read()
            if mode in BODIES:
                body = BODIES[mode](body)
            return closing(web.Response(status=answer.status, headers=kept(answer.headers), body=body))

    async def _listen_if_closed(self) -> None:
        if self._runner is None:
            await self.listen()


def closing(response: web.Response) -> web.Response:
    """The response, after which the connection ends: each query meets the mode of its own moment."""
    response.force_close()
    return response


async def go_down(request: web.Request) -> web.StreamResponse:
    """The connection breaks, as before a server that went away."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(request: web.Request) -> web.StreamResponse:
    """No answer, ever."""
    await asyncio.Event().wait()
    raise AssertionError("nothing sets the event")


async def drip(request: web.Request) -> web.StreamResponse:
    """An answer that is always about to end."""
    response = web.StreamResponse()
    response.force_close()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.1)


async def send_huge(request: web.Request) -> web.StreamResponse:
    """More bytes than anyone should read, and their number is not told beforehand."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.force_close()
    await response.prepare(request)
    for _ in range(HUGE_BYTES // len(_PIECE)):
        await response.write(_PIECE)
    return response


def with_status(status: int) -> Answer:
    """An error with a text that nobody should be shown."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return closing(web.Response(status=status, text="SECRET-BODY"))

    return answer


async def show_login(request: web.Request) -> web.StreamResponse:
    """The page of something that stands before the source."""
    return closing(web.Response(text="<html><body>SECRET-BODY Please log in</body></html>", content_type="text/html"))


def with_rows(change: Callable[[list[Row]], list[Row]], **more: Any) -> Callable[[bytes], bytes]:
    """A change of an answer's rows as a change of its bytes. more: further fields of the answer."""

    def spoil(body: bytes) -> bytes:
        answer = json.loads(body)
        rows = change(answer["data"]["result"])
        return json.dumps({**answer, **more, "data": {**answer["data"], "result": rows}}).encode()

    return spoil


def is_count(row: Row) -> bool:
    """Whether it is a counter's row, and not one of those that say when the answer is of."""
    return "__name__" in row["metric"]


def with_values(value: str) -> Callable[[bytes], bytes]:
    """Every counter has this value."""
    return with_rows(
        lambda rows: [{**row, "value": [row["value"][0], value]} if is_count(row) else row for row in rows]
    )


def crowded(rows: list[Row]) -> list[Row]:
    """The first counter is exported by thousands of processes."""
    first = next((row for row in rows if is_count(row)), None)
    names = [f"process-{number}" for number in range(MANY_SERIES if first is not None else 0)]
    return rows + [{**first, "metric": {**first["metric"], "process": name}} for name in names if first is not None]


ANSWERS: dict[str, Answer] = {
    "down": go_down,
    "hang": hang,
    "slow drip": drip,
    **{str(status): with_status(status) for status in (401, 422, 429, 500, 503)},
    "HTML": show_login,
    "huge body": send_huge,
}
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "cut JSON": lambda body: body[: len(body) // 2],
    "empty": with_rows(lambda rows: []),
    "NaN": with_values("NaN"),
    "Inf": with_values("+Inf"),
    "negative": with_values("-1"),
    "warnings": with_rows(lambda rows: rows[: len(rows) // 2], warnings=["one store did not answer"]),
    "too many series": with_rows(crowded),
}
MODES = ("refused", *ANSWERS, *BODIES)
