"""One attempt to tell a receiver: what counts as told, what does not, and that no answer leads anywhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from earlystop.api.hook_target import HookTargetSpec
from earlystop.controller.hooks.channel import Channel, HookProblem
from earlystop.controller.hooks.webhook import post
from earlystop.rollout.hooks.occurrence import occurrence_id
from tests.unit.controller.hooks.receiver import KEY, Receiver, receiving, target
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = await problem(channel(f"http://127.0.0.1:{port}/token"))
    assert "cannot be reached" in said and str(port) not in said and "token" not in said


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


def _fields(made: Channel) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Channel.__slots__}
