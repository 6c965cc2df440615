"""A receiver of webhooks that answers in turn as a test says, on the network of the tests."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebhookReceiver:
    """Use as a context manager. answers: statuses, one for each request; 0 answers after `slow_seconds`. After the last
    of them each request is answered 204."""

    answers: list[int]
    slow_seconds: float = 3.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/events"

    def __enter__(self) -> WebhookReceiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path != "/events":
                    receiver.elsewhere.append(self.path)
                    self.send_response(204)
                    self.end_headers()
                    return
                status = receiver.answers.pop(0) if receiver.answers else 204
                receiver.bodies.append(json.loads(body))
                if status == 0:
                    time.sleep(receiver.slow_seconds)
                    return
                if status == 204:
                    receiver.taken.append(receiver.bodies[-1]["id"])
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
