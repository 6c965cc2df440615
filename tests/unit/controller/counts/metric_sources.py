"""MetricSources over real servers, with their Secrets in an API in memory."""

from __future__ import annotations

import asyncio
import base64
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import Manifest
from earlystop.controller.counts.connections import Connections
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.counts.secrets import SECRETS, SecretReader
from earlystop.metrics.convention.reader import CountRequest
from tests.unit.controller.memory import Memory
from tests.unit.metrics.source.faulty_server import Handler, count_row, vector

NAMESPACE = "earlystop-system"
HOST = "prometheus.example"
AT = 1_700_000_000
REQUEST = CountRequest("llm/qa", "r1", 60)

Names = Callable[[str, int], Sequence[str]]


def here(host: str, port: int) -> Sequence[str]:
    """Every name is this machine's."""
    return ["127.0.0.1"]


def answer_well(handler: Handler) -> None:
    """One count and a fresh sample, for the time that was asked."""
    at = float(parse_qs(handler.server.requests[-1][2])["time"][0])
    fresh = {"policy": "llm/qa", "revision": "r1", "reading": "newest_sample"}
    handler.reply(200, vector(count_row("41"), (fresh, str(at - 1)), at=at))


def authorized_by(*accepted: str) -> Callable[[Handler], None]:
    """Answer well to these Authorization headers, and 401 to any other."""

    def answer(handler: Handler) -> None:
        if handler.headers.get("Authorization") in accepted:
            answer_well(handler)
        else:
            handler.reply(401, b"")

    return answer


class CountingOperator:
    """An API in memory, and the operator's reader with a clock that the test moves. secrets_read: how often one was."""

    def __init__(self, resolve: Names = here) -> None:
        self.api = SecretsCounted()
        self.now = 1000.0
        secrets = SecretReader(self.api, NAMESPACE)
        self.connections = Connections(secrets, clock=lambda: self.now, resolve=resolve)
        self.reader = CountBatcher(self.connections)
        self._at = AT

    def secret(self, name: str, **data: str | bytes) -> None:
        """Create or replace a Secret."""
        encoded = {
            key.replace("_", "."): base64.b64encode(each if isinstance(each, bytes) else each.encode()).decode()
            for key, each in data.items()
        }
        self.api.put(SECRETS, {"metadata": {"name": name, "namespace": NAMESPACE}, "data": encoded})

    def source(self, url: str, **more: Any) -> SourceSpec:
        """Make the MetricSource `default` known."""
        spec = SourceSpec.model_validate({"url": url, "timeoutSeconds": 5, **more})
        self.reader.learn_source("default", spec)
        return spec

    async def read(self) -> Result:
        """One look, each at a moment of its own."""
        self._at += 15
        return await self.reader.read("default", REQUEST, self._at)


class SecretsCounted(Memory):
    """Counts how often a Secret is read."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets_read = 0

    async def get(self, resource: Any, namespace: str | None, name: str) -> Manifest | None:
        self.secrets_read += resource == SECRETS
        return await super().get(resource, namespace, name)


@asynccontextmanager
async def opened(resolve: Names = here) -> AsyncIterator[CountingOperator]:
    """A place whose reader is closed in the end."""
    place = CountingOperator(resolve)
    try:
        yield place
    finally:
        place.reader.close()


def bearer(name: str = "prometheus", key: str = "token") -> Mapping[str, Any]:
    return {"type": "Bearer", "secretRef": {"name": name, "key": key}}


def basic(name: str = "prometheus", key: str = "login") -> Mapping[str, Any]:
    return {"type": "Basic", "secretRef": {"name": name, "key": key}}


def reference(key: str, name: str = "prometheus") -> dict[str, str]:
    return {"name": name, "key": key}


async def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds, 10 s at most."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{what} did not happen within 10 s")


class PrivateFiles:
    """Where private files are written; nothing else is there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory

    def names(self) -> list[str]:
        """What is there now."""
        return sorted(path.name for path in self.directory.iterdir())

    def modes(self) -> dict[str, int]:
        """Permissions of everything there, by name; a directory is called `/`."""
        paths = self.directory.rglob("*")
        return {path.name if path.is_file() else "/": stat.S_IMODE(path.stat().st_mode) for path in paths}
