"""Whoever connects to the operator's own port and says little holds nothing for long, and keeps nobody out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from earlystop.controller import health
from earlystop.controller.health import Health, serve

HALF_A_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: operator\r\nX-Slow: "


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(health, "SWEEP_SECONDS", 0.02)
    runner = await serve(Health(lambda: 0.0, lambda: 0.0, list, ready=True), "127.0.0.1", 0)
    yield runner.addresses[0][1]
    await runner.cleanup()


async def half_open(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HALF_A_REQUEST)
    await writer.drain()
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> None:
    """The server has closed the connection."""
    async with asyncio.timeout(10):
        await reader.read()


async def test_a_request_that_never_ends_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LONGEST_SECONDS", 0.1)
    reader, writer = await half_open(port)
    await ended(reader)
    writer.close()


async def test_metrics_are_sent_in_parts_that_are_the_whole_page_and_a_head_tells_its_length(port: int) -> None:
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            body, length = await response.read(), response.headers["Content-Length"]
        async with session.head(url) as head:
            assert (head.status, await head.read()) == (200, b"") and int(head.headers["Content-Length"]) > 1000
    assert len(body) == int(length) and "Transfer-Encoding" not in response.headers
    assert body.startswith(b"# HELP") and body.endswith(b"\n") and b"earlystop_operator_looks_total" in body


async def test_of_too_many_connections_the_oldest_are_closed_and_a_new_one_is_answered(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "MOST_CONNECTIONS", 8)
    held = [await half_open(port) for _ in range(40)]
    for reader, _ in held[:32]:
        await ended(reader)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok")
    assert not any(reader.at_eof() for reader, _ in held[-7:])
    for _, writer in held:
        writer.close()
