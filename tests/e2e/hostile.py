"""A client that means ill: requests with headers that only the operator's overlay should set."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER
from earlystop.demo.recordings import BUILTIN, load_recordings

AT_ONCE = 16
PATH = "/v1/chat/completions"
Headers = Mapping[str, str]


def answered(url: str, headers: Sequence[Headers], requests: int, data: str = BUILTIN) -> Counter[str]:
    """How often each variant is named by the answers to so many questions, with each of these headers in turn.

    An answer that is no success counts under its status. data: recordings that the server answers from.
    """
    question = load_recordings(data)[0].question
    body = {"model": "any", "messages": [{"role": "user", "content": question}]}

    async def ask(session: aiohttp.ClientSession, number: int) -> str:
        async with session.post(url + PATH, json=body, headers=headers[number % len(headers)]) as response:
            await response.read()
            return response.headers["x-early-stop-variant"] if response.status == 200 else str(response.status)

    return Counter(asyncio.run(_each(ask, requests)))


def echoed(url: str, headers: Sequence[Headers], requests: int) -> set[str]:
    """What a server says to probes, each with one of these headers in turn, without their nonce."""

    async def probe(session: aiohttp.ClientSession, number: int) -> str:
        async with session.post(url + PATH, data=b"{}", headers=headers[number % len(headers)]) as response:
            return response.headers[ECHO_HEADER].partition(";")[2]

    return set(asyncio.run(_each(probe, requests)))


def forged_headers(policy: str, revision: str, step: int, variant: str, **more: str) -> dict[str, str]:
    """All that a client can know of a campaign, from metrics and answers. more: other headers of the convention."""
    known = {"policy": policy, "revision": revision, "step": str(step), "variant": variant, "param-window": "1"}
    return {f"x-early-stop-{name.replace('_', '-')}": value for name, value in {**known, **more}.items()}


def lies(policy: str, revision: str, step: int, variants: Sequence[str], *tokens: str) -> list[dict[str, str]]:
    """Headers of a client that knows everything but the token, for each variant with each of these tokens and with
    none."""
    more: list[dict[str, str]] = [{}, *({"token": token} for token in tokens)]
    return [forged_headers(policy, revision, step, variant, **each) for variant in variants for each in more]


def probing(headers: Headers, nonce: str) -> dict[str, str]:
    """The headers with a probe's nonce."""
    return {**headers, PROBE_HEADER: nonce}


async def _each(send: Any, requests: int) -> list[str]:
    """The answers to so many requests, a few at a time."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        found: list[str] = await asyncio.gather(*(send(session, number) for number in range(requests)))
        return found
