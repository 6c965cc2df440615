"""An API server that holds one policy and tells of its changes, as a script has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from earlystop.controller.cluster import Manifest
from tests.unit.cli.api_server import answering, refused
from tests.unit.metrics.source.faulty_server import Handler

Event = tuple[str, Manifest]


def version(policy: Manifest, number: int) -> Manifest:
    """The policy as the cluster has it after so many changes."""
    made = deepcopy(policy)
    made["metadata"]["resourceVersion"] = str(number)
    return made


@dataclass
class WatchedApi:
    """found: what a GET gives, one after the other; the last one ever after, None for a policy that is gone. watches:
    the events of each watch, one after the other, after which the server ends it; None for one that breaks off in the
    middle of a line. refusals: HTTP statuses with which the first watches are refused. events: of core/v1. asked: paths
    with queries, in order."""

    found: list[Manifest | None]
    watches: list[Sequence[Event] | None] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    events: Sequence[Manifest] = ()
    asked: list[str] = field(default_factory=list)

    def answer(self, handler: Handler) -> None:
        """Answer one request."""
        self.asked.append(handler.path)
        parts = urlsplit(handler.path)
        query = parse_qs(parts.query)
        if parts.path.endswith("/events"):
            handler.reply(200, json.dumps({"items": list(self.events), "metadata": {}}).encode())
        elif "watch" in query:
            self._watch(handler)
        else:
            self._get(handler)

    def _get(self, handler: Handler) -> None:
        policy = self.found[0] if len(self.found) == 1 else self.found.pop(0)
        if policy is None:
            refused(handler, 404, "not found")
        else:
            handler.reply(200, json.dumps(policy).encode())

    def _watch(self, handler: Handler) -> None:
        if self.refusals:
            refused(handler, self.refusals.pop(0), 'User "eve" cannot watch resource "earlystoppolicies"')
            return
        events = self.watches.pop(0) if self.watches else ()
        if events is None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"type": "MODI')
            handler.close_connection = True
            return
        lines = [json.dumps({"type": type_, "object": each}) for type_, each in events]
        handler.reply(200, "".join(f"{line}\n" for line in lines).encode())

    @contextmanager
    def serving(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedApi]:
        """KUBECONFIG leads to it."""
        with answering(self.answer, folder, monkeypatch):
            yield self


def event(reason: str, note: str, uid: str, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    """An event as the operator posts it."""
    involved = {"kind": "EarlyStopPolicy", "name": "qa", "uid": uid}
    return {
        "metadata": {"name": reason},
        "involvedObject": involved,
        "reason": reason,
        "message": note,
        "lastTimestamp": at,
    }
