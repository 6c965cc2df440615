"""What a hostile tenant has: an exporter with huge and forged series, a server that is slow to answer, and floods of
objects and edits."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from earlystop.api.wire import MANAGED_BY_LABEL, MANAGER, POLICY_UID_LABEL, STARTED
from earlystop.controller.cluster import POLICIES
from tests.cluster.access import Access

SERIES, LABEL_BYTES = 120, 40_000
"""Of each policy that it exports: more than an answer may have."""
SLOW_SECONDS = 4.6
"""A probe is waited for 5 s."""
WRITERS = 8
EDITS_A_SECOND = 20.0


class HostileServer:
    """Exports huge series for the policies in `exported` (name and revision), and is slow to answer anything else."""

    def __init__(self, address: str, port: int) -> None:
        self.exported: dict[str, str] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(owner.exposition().encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                time.sleep(SLOW_SECONDS)
                self._answer(b"{}")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the requests are of no interest."""

        self._server = ThreadingHTTPServer((address, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> HostileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def exposition(self) -> str:
        """The text of /metrics."""
        lines = ["# TYPE earlystop_requests_started_total counter"]
        for policy, revision in dict(self.exported).items():
            for number in range(SERIES):
                labels = {
                    "policy": policy,
                    "revision": revision,
                    "step": "0",
                    "query_class": "x",
                    "variant": "candidate",
                }
                labels["process"] = f"{number:0{LABEL_BYTES}d}"
                text = ",".join(f'{name}="{value}"' for name, value in labels.items())
                lines.append(f"{STARTED}{{{text}}} 1000000")
        return "\n".join([*lines, ""])


def create_refused(access: Access, policy: dict[str, Any], many: int) -> list[str]:
    """Create so many policies like this one, of targets that are not there. Returns their names."""
    names = [f"refused-{number:04}" for number in range(many)]

    def create(name: str) -> int:
        made = copy.deepcopy(policy)
        made["metadata"]["name"] = made["spec"]["targetRef"]["name"] = name
        return access.write("POST", POLICIES, made["metadata"]["namespace"], "", made)

    with ThreadPoolExecutor(WRITERS) as pool:
        assert set(pool.map(create, names)) == {201}
    return names


@contextmanager
def editing(access: Access, namespace: str, names: list[str]) -> Iterator[list[int]]:
    """Edit these policies' annotations without end. Yields the statuses of the edits so far."""
    done, statuses = threading.Event(), list[int]()

    def edit() -> None:
        while not done.wait(1 / EDITS_A_SECOND):
            number = len(statuses)
            annotations = {"earlystop.dev/abort": f"no-campaign-{number}"}
            name = names[number % len(names)]
            statuses.append(
                access.write("PATCH", POLICIES, namespace, name, {"metadata": {"annotations": annotations}})
            )

    thread = threading.Thread(target=edit, daemon=True)
    thread.start()
    try:
        yield statuses
    finally:
        done.set()
        thread.join()


def with_hostile_labels(service: dict[str, Any], route: dict[str, Any]) -> list[dict[str, Any]]:
    """A Service and a route that claim to be the operator's and lack one label each, or have an empty one."""
    claims: list[dict[str, str]] = [
        {MANAGED_BY_LABEL: MANAGER, POLICY_UID_LABEL: "x"},
        {MANAGED_BY_LABEL: MANAGER, POLICY_UID_LABEL: "x", "earlystop.dev/policy": ""},
        {MANAGED_BY_LABEL: MANAGER},
    ]
    made = []
    for number, labels in enumerate(claims):
        for each in (service, route):
            copied = copy.deepcopy(each)
            copied["metadata"] = {**each["metadata"], "name": f"claims-{number}", "labels": labels}
            if "hostnames" in copied["spec"]:
                copied["spec"]["hostnames"] = [f"claims-{number}.example.com"]
            made.append(copied)
    return made
