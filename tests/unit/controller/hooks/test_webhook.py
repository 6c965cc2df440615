"""One attempt to tell a receiver: what counts as told, what does not, and that no answer leads anywhere else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from earlystop.api.hook_target import HookTargetSpec
from earlystop.controller.hooks.channel import Channel, HookProblem
from earlystop.controller.hooks.webhook import exchange, post
from earlystop.rollout.hooks.occurrence import occurrence_id
from tests.unit.closed_port import closed_port
from tests.unit.controller.hooks.receiver import KEY, Receiver, receiving, target
from tests.unit.metrics.source.certificates import Authority
from tests.unit.rollout.hooks.occurred import POLICY, occurred
from tests.unit.rollout.policies import NOW, UID


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def channel(url: str, allowed: tuple[str, ...] = ("127.0.0.0/8",), **changes: Any) -> Channel:
    spec = HookTargetSpec.model_validate(target(None, **changes)["spec"])
    networks = tuple(map(ipaddress.ip_network, allowed))
    return Channel("receiver", spec, url, (KEY.encode(),), networks, ssl.create_default_context())


async def problem(made: Channel) -> str:
    with pytest.raises(HookProblem) as found:
        await post(made, POLICY, occurred(number=1), NOW, ())
    return found.value.message


async def test_a_receiver_gets_the_event_signed_over_id_time_and_body(receiver: Receiver) -> None:
    await post(channel(receiver.url), POLICY, occurred(number=1), NOW + 7, ())
    (headers,) = receiver.headers
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert headers["webhook-id"] == receiver.bodies[0]["id"] == occurrence_id(UID, occurred(number=1))
    content = f"{headers['webhook-id']}.{NOW + 7}.{headers['raw']}".encode()
    digest = base64.b64encode(hmac.new(KEY.encode(), content, hashlib.sha256).digest()).decode()
    assert (headers["webhook-timestamp"], headers["webhook-signature"]) == (str(NOW + 7), f"v1,{digest}")


@pytest.mark.parametrize(("template", "field"), [("Slack", "blocks"), ("Teams", "attachments")])
async def test_a_chat_gets_its_own_shape(receiver: Receiver, template: str, field: str) -> None:
    await post(channel(receiver.url, template=template), POLICY, occurred(number=1), NOW, ())
    assert field in receiver.bodies[0] and receiver.headers[0]["content-type"].startswith("application/json")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
async def test_an_answer_other_than_2xx_is_no_delivery(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: web.Response(status=status, text="secret words")
    said = await problem(channel(receiver.url))
    assert str(status) in said and "secret" not in said and receiver.url not in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    elsewhere = f"{receiver.url}elsewhere"
    receiver.answer = lambda _: web.Response(status=status, headers={"location": elsewhere})
    assert "redirect" in await problem(channel(receiver.url))
    assert len(receiver.bodies) == 1


async def test_a_slow_receiver_is_waited_for_as_long_as_its_target_says(receiver: Receiver) -> None:
    receiver.answer = lambda _: 5.0
    made = channel(receiver.url)
    hasty = Channel(**{**_fields(made), "spec": made.spec.model_copy(update={"timeout_seconds": 0.1})})
    assert "does not answer" in await problem(hasty)


async def test_an_endless_answer_is_not_read(receiver: Receiver) -> None:
    class Endless(web.StreamResponse):
        async def prepare(self, request: web.BaseRequest) -> Any:
            writer = await super().prepare(request)
            for _ in range(64):
                await self.write(b"x" * 2**20)
            return writer

    receiver.answer = lambda _: Endless(status=200)
    await post(channel(receiver.url), POLICY, occurred(number=1), NOW, ())


async def test_a_receiver_that_is_down_is_told_so_without_its_address() -> None:
    with closed_port() as port:
        said = await problem(channel(f"http://127.0.0.1:{port}/token"))
    assert "cannot be reached" in said and str(port) not in said and "token" not in said


@asynccontextmanager
async def answering(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a receiver that answers every request with these bytes, and then closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello",
        b"HTTP/1.1 99 odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        b"HTTP/1.1 302 x\r\nlocation: http://[token\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 500 \x1b]0;token\x07\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 401 x\r\nwww-authenticate: Basic realm=token\r\ncontent-length: 0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_an_odd_answer_is_no_delivery_and_nothing_of_it_or_of_the_address_is_told(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with answering(answer) as port:
        said = await problem(channel(f"http://127.0.0.1:{port}/services/token?key=token"))
    assert "token" not in said and said.isprintable() and "token" not in caplog.text


TAKEN = {
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\nok",
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunks with a trailer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;a=b\r\n1\r\n0\r\nx: 1\r\n\r\n",
    "an early hint before": b"HTTP/1.1 103 x\r\nlink: </a>\r\n\r\nHTTP/1.1 202 x\r\ncontent-length: 0\r\n\r\n",
    "a length that is never met": b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nok",
    "a coding that is none": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
    "no words after the status": b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n",
    "a body where there is none": b"HTTP/1.1 204 x\r\n\r\ngone",
    "one with a length": b"HTTP/1.1 204 x\r\ncontent-length: 4\r\n\r\ngone",
    "one in chunks": b"HTTP/1.1 204 x\r\ntransfer-encoding: chunked\r\n\r\n4\r\ngone\r\n0\r\n\r\n",
    "more than its length": b"HTTP/1.1 202 x\r\ncontent-length: 2\r\n\r\nokay\r\n\r\n",
    "an answer after the answer": b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\nHTTP/1.1 500 x\r\n\r\n",
    "chunks that are none": b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
}
"""Answers of servers, proxies and functions of clouds as they are found."""


@pytest.mark.parametrize("template", ["CloudEvents", "Slack", "Teams"])
@pytest.mark.parametrize("answer", TAKEN.values(), ids=TAKEN)
async def test_success_in_any_way_that_http_knows_is_a_delivery(answer: bytes, template: str) -> None:
    async with answering(answer) as port:
        made = channel(f"http://127.0.0.1:{port}/", template=template, timeoutSeconds=1)
        await post(made, POLICY, occurred(number=1), NOW, ())


async def test_an_answer_whose_body_decides_is_none_where_more_follows_it() -> None:
    opened = b'{"gate": "Open"}'
    answer = b"HTTP/1.1 200 x\r\ncontent-length: %d\r\n\r\n%s" % (len(opened), opened)
    async with answering(answer) as port:
        found = await exchange(channel(f"http://127.0.0.1:{port}/"), POLICY, occurred(number=1), NOW, (), 4096)
        assert found.body == opened
    async with answering(answer + b'{"gate": "Closed"}') as port:
        with pytest.raises(HookProblem, match="broke the connection off"):
            await exchange(channel(f"http://127.0.0.1:{port}/"), POLICY, occurred(number=1), NOW, (), 4096)


async def test_what_follows_a_failure_does_not_hide_its_status_and_how_long_to_wait() -> None:
    async with answering(b"HTTP/1.1 429 x\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\nslow down") as port:
        with pytest.raises(HookProblem, match=r"answers 429$") as found:
            await post(channel(f"http://127.0.0.1:{port}/"), POLICY, occurred(number=1), NOW, ())
    assert found.value.wait_seconds == 30


@asynccontextmanager
async def dripping(begin: bytes) -> AsyncIterator[int]:
    """The port of a receiver that begins to answer so, and then sends a byte now and then without end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(begin)
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_headers_that_drip_are_waited_for_no_longer_than_the_target_says() -> None:
    async with dripping(b"HTTP/1.1 200 OK\r\nx: ") as port:
        said = await problem(channel(f"http://127.0.0.1:{port}/", timeoutSeconds=1))
    assert "does not answer within 1 s" in said


@pytest.mark.parametrize("template", ["CloudEvents", "Slack"])
async def test_a_body_that_drips_after_success_is_a_delivery_and_not_sent_again(template: str) -> None:
    async with dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n") as port:
        made = channel(f"http://127.0.0.1:{port}/", template=template, timeoutSeconds=1)
        await post(made, POLICY, occurred(number=1), NOW, ())


TEAMS_REFUSES = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId token."
)


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("Slack", '{"ok":false,"error":"channel_not_found token"}'),
        ("Slack", f'{{"ok":false,"response_metadata":{{"messages":["{"token" * 400}"]}}}}'),
        ("Teams", TEAMS_REFUSES),
        ("Teams", '{"ok": false}'),
    ],
)
async def test_a_chat_that_says_in_its_body_that_it_failed_took_no_message(
    receiver: Receiver, template: str, body: str
) -> None:
    receiver.answer = lambda _: web.Response(text=body)
    said = await problem(channel(receiver.url, template=template))
    assert "answers 200, and in its body that the message was not taken" in said and "token" not in said


@pytest.mark.parametrize("body", ["ok", "1", '{"ok":true}', "[]", "false", "\x00\xff", "x" * 100_000, "[" * 2_000])
async def test_a_chat_that_says_anything_else_took_it(receiver: Receiver, body: str) -> None:
    receiver.answer = lambda _: web.Response(text=body)
    for template in ("Slack", "Teams"):
        await post(channel(receiver.url, template=template), POLICY, occurred(number=1), NOW, ())


async def test_what_a_receiver_of_events_writes_beside_success_is_its_own_affair(receiver: Receiver) -> None:
    receiver.answer = lambda _: web.Response(text='{"ok":false}')
    await post(channel(receiver.url), POLICY, occurred(number=1), NOW, ())


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120),
        (503, " 7 ", 7),
        (429, "Thu, 09 Oct 2025 08:54:20 GMT", 60),
        (429, "Thursday, 09-Oct-25 08:54:20 GMT", 60),
        (429, "Thu, 09 Oct 2025 08:00:00 GMT", 0),
        (503, "99999999999999999999", 900),
        (429, "Fri, 31 Dec 9999 23:59:59 GMT", 900),
        (500, "120", 0),
        *((429, odd, 0) for odd in ("", "-5", "1.5", "soon", "nan", "١٢٠", "Thu, 99 Oct 2025 08:54:20 GMT")),
    ],
)
async def test_a_receiver_that_asks_to_wait_is_left_alone_for_as_long_within_bounds(
    receiver: Receiver, status: int, header: str, seconds: float
) -> None:
    headers = {"retry-after": header} if header.isascii() else {}
    receiver.answer = lambda _: web.Response(status=status, headers=headers)
    with pytest.raises(HookProblem, match=f"answers {status}$") as found:
        await post(channel(receiver.url), POLICY, occurred(number=1), NOW, ())
    assert found.value.wait_seconds == seconds


@pytest.mark.parametrize(
    ("is_old", "name", "said"),
    [
        (True, "IP:127.0.0.1", "has expired; have it renewed there"),
        (False, "DNS:token.example", "is not for this address"),
        (False, "", "is not for this address"),
    ],
)
async def test_a_certificate_that_is_not_taken_is_told_with_what_is_wrong_with_it(
    is_old: bool, name: str, said: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    issue = authority.issue_expired if is_old else authority.issue
    shown = issue("receiver", *([name] if name else []))
    made = replace(channel("", caRef=None), tls=ssl.create_default_context(cadata=authority.certificate.decode()))
    async with answering(b"HTTP/1.1 204 x\r\n\r\n", shown.serving()) as port:
        found = await problem(replace(made, url=f"https://127.0.0.1:{port}/token"))
    assert said in found and "token" not in found and "caRef" not in found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"])
async def test_an_address_of_the_cluster_is_not_connected_to_however_it_is_written(
    receiver: Receiver, host: str
) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    said = await problem(channel(url, allowed=()))
    assert "public address" in said or "cannot be" in said
    assert receiver.bodies == []


async def test_a_name_that_resolves_into_the_cluster_is_not_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(receiver.url.rsplit(":", 1)[1].strip("/"))
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    assert "public address" in await problem(channel(f"http://receiver.example:{port}/", allowed=()))
    assert receiver.bodies == []


@pytest.mark.parametrize("beside", [(), ("127.0.0.2",)])
async def test_a_name_that_is_rebound_after_it_was_let_in_leads_to_no_other_address(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, beside: tuple[str, ...]
) -> None:
    """beside: further addresses of the name's second answer, which a client tries one after the other."""
    port = int(receiver.url.rsplit(":", 1)[1].strip("/"))
    told = iter([("127.0.0.1",), ("127.0.0.3", *beside)])

    def found(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(told)]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    named = channel(f"http://receiver.example:{port}/", allowed=("127.0.0.1/32",))
    await post(named, POLICY, occurred(number=1), NOW, ())
    assert len(receiver.bodies) == 1
    assert "public address" in await problem(named)
    assert len(receiver.bodies) == 1 and next(told, None) is None, "what is checked is the answer that is connected to"


def _fields(made: Channel) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Channel.__slots__}
