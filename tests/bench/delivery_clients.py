"""Clients that ask through the gateway without end, and what each of their requests got, by the time it was sent."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from earlystop.demo.chat import MODEL
from earlystop.demo.recordings import BUILTIN, load_recordings

SEED = 11
PAUSE_SECONDS = 0.005
"""Between two requests: the resolution of what is measured."""


@dataclass
class AnswersByVariant:
    """Every request: the moment at which it was sent (Unix seconds), and its variant, or how it failed."""

    variants: list[tuple[float, str]] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)

    def all_from(self, variant: str, since: float) -> float:
        """The moment at which the first of the requests was sent from which on, all after `since` got this variant.

        Raises ValueError when the last one did not.
        """
        sent = sorted(each for each in self.variants if each[0] >= since)
        last_other = max((moment for moment, got in sent if got != variant), default=since)
        after = [moment for moment, _ in sent if moment > last_other]
        if not after:
            raise ValueError(f"the last request did not get {variant!r}")
        return after[0]


@asynccontextmanager
async def asking(url: str, host: str) -> AsyncIterator[AnswersByVariant]:
    """Ask until the end of the block, then wait for the answers that are still open."""
    answers, stop, chance = AnswersByVariant(), asyncio.Event(), random.Random(SEED)
    questions = [each.question for each in load_recordings(BUILTIN)]
    bodies = [
        json.dumps({"model": MODEL, "messages": [{"role": "user", "content": each}]}).encode() for each in questions
    ]
    connector = aiohttp.TCPConnector(limit=64)
    headers = {"Host": host, "content-type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session, asyncio.TaskGroup() as open_ones:

        async def ask() -> None:
            moment = time.time()
            try:
                async with session.post(f"{url}/v1/chat/completions", data=chance.choice(bodies)) as response:
                    await response.read()
                    variant = response.headers.get("x-early-stop-variant", "")
            except (aiohttp.ClientError, OSError) as error:
                answers.failures.append((moment, type(error).__name__))
                return
            if response.status == 200:
                answers.variants.append((moment, variant))
            else:
                answers.failures.append((moment, str(response.status)))

        async def keep_asking() -> None:
            while not stop.is_set():
                open_ones.create_task(ask())
                await asyncio.sleep(PAUSE_SECONDS)

        open_ones.create_task(keep_asking())
        try:
            yield answers
        finally:
            stop.set()
