"""A real HTTP server on this machine that answers as badly as it is told to."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "SECRET-BODY"  # stands in every answer and must stand in no message
JSON = "application/json"
DRIP_SECONDS = 0.02
MAX_DRIPS = 200

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Records the request and lets the server's `answer` do the rest."""

    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.requests.append((self.path, dict(self.headers), body.decode()))
        with suppress(OSError):  # the client may hang up first: that is what is being tested
            self.server.answer(self)

    do_GET = do_POST  # noqa: N815 - the name that http.server calls

    def reply(self, status: int, body: bytes, content_type: str = JSON, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, piece: bytes) -> None:
        """Write piece after piece until the test is over or the client hangs up, but not for ever."""
        for _ in range(MAX_DRIPS):
            if self.server.over.wait(DRIP_SECONDS):
                return
            self.wfile.write(piece)
            self.wfile.flush()
        self.server.dripped_to_the_end = True
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


class FaultyServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None, at: tuple[str, int]) -> None:
        self.answer = answer
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.over = threading.Event()
        self.dripped_to_the_end = False  # the client waited for all of it
        super().__init__(at, Handler)
        self.scheme = "http"
        if tls is not None:
            self.scheme, self.socket = "https", tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return self.url_of("127.0.0.1")

    def url_of(self, host: str) -> str:
        """The server's address under another name."""
        return f"{self.scheme}://{host}:{self.server_port}"


@contextmanager
def serving(
    answer: Answer, tls: ssl.SSLContext | None = None, at: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[FaultyServer]:
    """The server in a thread of its own, gone when the block ends. at: address and port, 0 for any free one."""
    server = FaultyServer(answer, tls, at)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw_server(write: Callable[[socketserver.StreamRequestHandler, threading.Event], None]) -> Iterator[int]:
    """A TCP server that speaks no HTTP; yields its port."""
    over = threading.Event()

    class Raw(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                write(self, over)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Raw)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def vector(*rows: tuple[dict[str, str], str], at: float = 0, **extra: object) -> bytes:
    """A Prometheus answer with these rows for Unix time `at`."""
    result = [{"metric": labels, "value": [at, value]} for labels, value in rows]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}, **extra}).encode()


def count_row(value: str, **labels: str) -> tuple[dict[str, str], str]:
    """A row of started requests, by default baseline's of policy llm/qa, revision r1, step 0."""
    base = {"__name__": "earlystop_requests_started_total", "policy": "llm/qa", "revision": "r1", "step": "0"}
    return {**base, "variant": "baseline", "query_class": "default", "process": "p1", **labels}, value
