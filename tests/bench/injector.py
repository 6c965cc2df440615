"""What the injector costs: CPU of its process a request, latency beside the direct way, memory with a thousand streams.

`make bench-injector`. The engine is a stub in a process of its own, so that all time in the injector is its own; the
ways run in turns in one run: direct, through the injector, and through Envoy, which changes and counts nothing, where
its package is for this machine. CPU is that of the proxy's processes alone (user and system), which a busy machine
moves little; latencies are to be read beside each other only. The injector is started as its container does it, and all
of it is counted, its parent and its worker: of the worker's memory the peak, and of the parent's what it has beside the
files that both map, such as Python's own code, which a container has once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.table import Table

from tests.cluster.envoy import start_envoy
from tests.cluster.errors import ClusterError
from tests.unit.injector.stub_engine import DONE, USAGE_EVENT, chunk, completion
from tests.unit.injector.through import CHAT, HEADERS

ENGINE_PORT, INJECTOR_PORT, ADMIN_PORT, ENVOY_PORT = 18301, 18302, 18303, 18304
CONCURRENCY, REQUESTS, STREAMS, CHUNKS = 32, 3000, 300, 60
MANY_STREAMS = 500
OPEN_STREAMS = 1000
PLAIN_BAR_MS, CHUNK_BAR_MS, MEMORY_BAR_MIB = 0.5, 0.1, 100.0
SMALL = json.dumps({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "x" * 2000}]}).encode()
LARGE = json.dumps({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "x" * 20000}]}).encode()
STREAM = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x" * 2000}]}).encode()
HELD = json.dumps({"model": "m", "stream": True, "hold": True, "messages": []}).encode()


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of each request, and of all of them together."""

    each: list[float]
    together: float

    def quantile(self, share: float) -> float:
        """Milliseconds that so many of the requests took at most."""
        return sorted(self.each)[min(len(self.each) - 1, int(share * len(self.each)))] * 1000


async def _engine() -> None:
    async def chat(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if b'"stream"' not in body:
            return web.Response(body=completion(), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(CHUNKS):
            await response.write(chunk({"content": "word "}))
            await asyncio.sleep(0)
        with contextlib.suppress(ConnectionResetError):  # who holds a stream goes away from it
            while b'"hold"' in body:
                await asyncio.sleep(0.2)
                await response.write(chunk({"content": "word "}))
        await response.write(USAGE_EVENT + DONE)
        return response

    app = web.Application()
    app.router.add_post(CHAT, chat)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", ENGINE_PORT).start()
    await asyncio.Event().wait()


@contextlib.contextmanager
def _injector() -> Iterator[int]:
    """The process id of an injector's parent."""
    own = ("--engine=VLLM", "--parameter=cap=AnswerCap", f"--upstream=http://127.0.0.1:{ENGINE_PORT}")
    addresses = ("--host=127.0.0.1", f"--port={INJECTOR_PORT}", f"--admin-port={ADMIN_PORT}", "--drain-seconds=0")
    process = subprocess.Popen([sys.executable, "-m", "earlystop.injector", *own, *addresses])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _run_engine() -> None:
    asyncio.run(_engine())


def _with_children(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def _cpu_seconds(pid: int) -> float:
    """Of a process and its children."""
    stats = [Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split() for each in _with_children(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def _memory_mib(pid: int) -> list[float]:
    """What a parent has for itself, and the most that each of its children has had."""
    parent, *children = _with_children(pid)
    return [_status_mib(parent, "RssAnon"), *(_status_mib(each, "VmHWM") for each in children)]


def _status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


async def _ask(port: int, body: bytes, count: int, concurrency: int) -> Timed:
    each: list[float] = []
    left = iter(range(count))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, headers=HEADERS) as session:

        async def worker() -> None:
            for _ in left:
                begun = time.perf_counter()
                async with session.post(CHAT, data=body) as answer:
                    assert answer.status == 200, f"port {port}: {answer.status} {await answer.text()}"
                    await answer.read()
                each.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        return Timed(each, time.perf_counter() - begun)


async def _hold_streams(count: int) -> None:
    """Open streams that go on, and read each for some seconds."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{INJECTOR_PORT}", connector=connector, headers=HEADERS
    ) as session:

        async def read() -> None:
            async with session.post(CHAT, data=HELD) as answer:
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    await answer.content.readany()

        await asyncio.gather(*(read() for _ in range(count)))


async def _until_up(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def measure(injector: int, envoy: int | None) -> Table:
    """Run all loads, directly and through each proxy. Returns the table of figures. injector, envoy: their process
    ids, None where there is no Envoy."""
    table = Table("load", "way", "requests/s", "p50 ms", "p99 ms", "the proxy's CPU, ms", "bar")
    loads = (
        ("2 kB body, 32 at once", SMALL, REQUESTS, CONCURRENCY, 1, PLAIN_BAR_MS),
        ("20 kB body, one at a time", LARGE, REQUESTS // 4, 1, 1, PLAIN_BAR_MS),
        (f"stream of {CHUNKS} chunks, 32 at once, a chunk", STREAM, STREAMS, CONCURRENCY, CHUNKS, CHUNK_BAR_MS),
        (f"stream of {CHUNKS} chunks, 500 at once, a chunk", STREAM, MANY_STREAMS, MANY_STREAMS, CHUNKS, CHUNK_BAR_MS),
    )
    ways: list[tuple[str, int, int | None]] = [("direct", ENGINE_PORT, None), ("injector", INJECTOR_PORT, injector)]
    ways += [("Envoy, no edit", ENVOY_PORT, envoy)] if envoy is not None else []
    await asyncio.gather(*(_until_up(port) for _, port, _ in ways))
    for name, body, count, concurrency, parts, bar in loads:
        for way, port, pid in ways:
            await _ask(port, body, min(concurrency * 2, MANY_STREAMS), concurrency)
            before = _cpu_seconds(pid) if pid else 0.0
            timed = await _ask(port, body, count, concurrency)
            cost = (_cpu_seconds(pid) - before) / count / parts * 1000 if pid else 0.0
            figures = (f"{count / timed.together:.0f}", f"{timed.quantile(0.5):.1f}", f"{timed.quantile(0.99):.1f}")
            table.add_row(name, way, *figures, f"{cost:.3f}" if pid else "", f"{bar}" if way == "injector" else "")
    await _hold_streams(OPEN_STREAMS)
    memory = _memory_mib(injector)
    peak = f"{sum(memory):.0f} MiB ({' + '.join(f'{each:.0f}' for each in memory)})"
    table.add_row(
        f"{OPEN_STREAMS} open streams: peak memory", "injector", "", "", "", peak, f"{MEMORY_BAR_MIB:.0f} MiB"
    )
    return table


@contextlib.contextmanager
def _envoy() -> Iterator[int | None]:
    """The process id of an Envoy before the engine, None where there is none for this machine."""
    try:
        process = start_envoy(ENVOY_PORT, ENGINE_PORT)
    except ClusterError as error:
        print(f"without Envoy: {error}", file=sys.stderr)
        yield None
        return
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def main() -> None:
    """Measure and print."""
    context = multiprocessing.get_context("spawn")
    engine = context.Process(target=_run_engine, daemon=True)
    engine.start()
    try:
        with _injector() as injector, _envoy() as envoy:
            Console(width=140).print(asyncio.run(measure(injector, envoy)))
    finally:
        engine.terminate()
        engine.join()


if __name__ == "__main__":
    main()
