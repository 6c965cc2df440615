"""A real reference server in the process, and what its `/metrics` says, as tallies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from earlystop.api.counts import Tally
from earlystop.api.wire import MARKS, SELECTED, Selected
from earlystop.demo.app import ReferenceServer, ServerSettings
from earlystop.demo.recordings import Recording
from earlystop.demo.replay import Replay
from tests.unit.demo.recorded import recordings

Client: TypeAlias = TestClient[web.Request, web.Application]
POLICY = "llm/qa"
REVISION = "5f3a9c"
NOBODY = ("unassigned", "unassigned", "unassigned")


@asynccontextmanager
async def serving(
    settings: ServerSettings | None = None, recorded: Sequence[Recording] | None = None
) -> AsyncIterator[tuple[Client, ReferenceServer]]:
    """A client of a server that runs while the block does, and names variants unless the settings say otherwise."""
    settings = settings or ServerSettings(names_variants=True)
    server = ReferenceServer(Replay(recordings() if recorded is None else recorded), settings)
    async with TestClient(TestServer(server.application())) as client:
        yield client, server


def told(
    variant: str = "candidate", window: object = 5, revision: str = REVISION, step: object = 0, policy: str = POLICY
) -> dict[str, str]:
    """The headers that a gateway sets."""
    return {
        "x-early-stop-policy": policy,
        "x-early-stop-revision": revision,
        "x-early-stop-step": str(step),
        "x-early-stop-variant": variant,
        "x-early-stop-param-window": str(window),
    }


def without(name: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers without one of them."""
    return {key: value for key, value in headers.items() if key != f"x-early-stop-{name}"}


def chat(question: str) -> dict[str, Any]:
    """A chat request."""
    return {"model": "any", "messages": [{"role": "user", "content": question}]}


async def ask(client: Client, question: str, headers: dict[str, str] | None = None) -> ClientResponse:
    """One question; the body of the response is read."""
    async with client.post("/v1/chat/completions", json=chat(question), headers=headers) as response:
        await response.read()
        return response


async def scrape(client: Client) -> list[Sample]:
    """Every sample of `/metrics`."""
    async with client.get("/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


async def tallies(client: Client) -> dict[tuple[str, str, str], Tally]:
    """The counts of each (revision, step, variant), all-zero ones included."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for sample in await scrape(client):
        labels = sample.labels
        field = SELECTED.get(Selected(sample.name, *(labels.get(mark, "") for mark in MARKS)))
        if field is not None:
            key = labels["revision"], labels["step"], labels["variant"]
            found.setdefault(key, {})[field] = int(sample.value)
    return {key: Tally(**counts) for key, counts in found.items()}


async def settings_in_force(client: Client) -> set[tuple[str, str, str]]:
    """(revision, variant, value) of every window that is told."""
    return {
        (sample.labels["revision"], sample.labels["variant"], sample.labels["value"])
        for sample in await scrape(client)
        if sample.name == "earlystop_setting_info" and sample.labels["parameter"] == "window"
    }
