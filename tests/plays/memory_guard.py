"""An injector under a real limit of memory gets bursts of long bodies: its parent ends the worker before the kernel
would end anything, and serves on. As root; the groups of version 1, too, are shown in the words of version 2.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.processes import running_injectors
from tests.processes.environment import started
from tests.unit.injector.through import CHAT, HEADERS

MIB = 1 << 20
VERSION_1 = Path("/sys/fs/cgroup/memory")
GROUP = (VERSION_1 if VERSION_1.is_dir() else Path("/sys/fs/cgroup")) / "earlystop-memory-guard"
IN_THE_GROUP = """
import os, sys
from pathlib import Path
from earlystop.injector.memory import Memory
from earlystop.injector.parent import Parent
Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
sys.exit(Parent(sys.argv[3:], Memory(sys.argv[2])).run())
"""
SENDING = """
import socket, sys, threading
port, clients, size = map(int, sys.argv[1:4])
body = b'{"messages":[{"role":"user","content":"' + b"x" * (size << 20) + b'"}]}'
head = sys.argv[4].encode() + f"Content-Length: {len(body)}\\r\\n\\r\\n".encode()
def send():
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(head + body)
            connection.recv(100)
    except OSError:
        pass
threads = [threading.Thread(target=send) for _ in range(clients)]
[each.start() for each in threads]
[each.join() for each in threads]
"""


@dataclass(frozen=True, slots=True)
class Group:
    """A control group with a limit, and a directory in which its files have the names of version 2."""

    shown: Path

    def kills(self) -> int:
        """How many processes the kernel has ended in it for want of memory."""
        lines = (GROUP / ("memory.oom_control" if VERSION_1.is_dir() else "memory.events")).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


@pytest.fixture
def group(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Group]:
    GROUP.mkdir(exist_ok=True)
    names = {"max": "limit_in_bytes", "current": "usage_in_bytes"} if VERSION_1.is_dir() else {}
    (GROUP / f"memory.{names.get('max', 'max')}").write_text(str(request.param * MIB))
    for name in ("max", "current", "stat"):
        (tmp_path / f"memory.{name}").symlink_to(GROUP / f"memory.{names.get(name, name)}")
    (tmp_path / "memory.oom.group").write_text("1")
    yield Group(tmp_path)
    end = time.monotonic() + 10
    while GROUP.exists() and time.monotonic() < end:
        with suppress(OSError):  # what ended a moment ago is still in it
            GROUP.rmdir()
        time.sleep(0.1)


@asynccontextmanager
async def engine() -> AsyncIterator[str]:
    """Takes a body in, thinks for two seconds, and answers."""

    async def serve(request: web.Request) -> web.Response:
        async for _ in request.content.iter_chunked(MIB):
            pass
        await asyncio.sleep(2)
        return web.json_response({"choices": [], "usage": {"completion_tokens": 1}})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("group", "clients", "size"),
    [(512, 30, 16), (512, 10, 60), (256, 10, 30), (128, 30, 4), (128, 100, 1)],
    indirect=["group"],
)
async def test_a_burst_of_long_bodies_costs_a_worker_and_not_the_parent(group: Group, clients: int, size: int) -> None:
    before = group.kills()
    async with engine() as url:
        options = ("--engine=VLLM", f"--upstream={url}", "--parameter=cap=AnswerCap", "--drain-seconds=0")
        places = ("--host=127.0.0.1", "--port=0", "--admin-port=0")
        worker = (sys.executable, "-m", "earlystop.injector", *options, *places)
        async with started(sys.executable, "-c", IN_THE_GROUP, str(GROUP), str(group.shown), *worker) as process:
            served = await running_injectors.running(process)
            lines = [f"POST {CHAT} HTTP/1.1", "Host: qa", "Content-Type: application/json"]
            head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in HEADERS.items()), ""])
            port = served.url.rpartition(":")[2]
            words = (sys.executable, "-c", SENDING, port, str(clients), str(size), head)
            sending = await asyncio.create_subprocess_exec(*words)
            await sending.wait()
            async with aiohttp.ClientSession(served.url) as session:
                async with session.post(CHAT, json={"messages": []}, headers=HEADERS) as answer:
                    assert answer.status == 200
                await served.scrape(session)
        assert group.kills() == before
    assert served.total("earlystop_injector_restarts_total") >= 1
