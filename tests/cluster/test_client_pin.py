"""What the pinned Kubernetes client sends: an upgrade that sends something else must not go unnoticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes import client

from earlystop.controller.cluster import POLICIES

JSON_PATCH = [{"op": "replace", "path": "/spec/suspend", "value": True}]


class Recorder:
    """A server on loopback that keeps the content type of every PATCH and answers with an empty object."""

    def __init__(self) -> None:
        self.content_types: list[str | None] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_PATCH(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                recorder.content_types.append(self.headers.get("Content-Type"))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    thread = threading.Thread(target=recorder.server.serve_forever)
    thread.start()
    yield recorder
    recorder.server.shutdown()
    recorder.server.server_close()
    thread.join()


def patch(recorder: Recorder, **options: Any) -> None:
    configuration = client.Configuration(host=recorder.url)
    configuration.no_proxy = "127.0.0.1"
    with client.ApiClient(configuration) as api:
        client.CustomObjectsApi(api).patch_namespaced_custom_object(
            POLICIES.group, POLICIES.version, "llm", POLICIES.plural, "qa", JSON_PATCH, **options
        )


def test_a_list_goes_out_as_a_merge_patch_unless_its_content_type_is_named(recorder: Recorder) -> None:
    """A merge patch whose body is a list would replace the whole object: the API server refuses it, and no caller
    may rely on the client to guess."""
    patch(recorder)
    patch(recorder, _content_type="application/json-patch+json")
    assert recorder.content_types == ["application/merge-patch+json", "application/json-patch+json"]
