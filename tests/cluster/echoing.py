"""A server that says what it was sent: path and headers of a request as JSON, and the convention's echo to probes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER

PATH = ":path"
"""Under which the path of a request, with its query, stands beside its headers."""


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        # A body that is left unread would be taken for the beginning of the connection's next request.
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer()

    do_GET = do_POST  # noqa: N815 - the name that http.server calls

    def _answer(self) -> None:
        seen = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        nonce = seen.get(PROBE_HEADER)
        body = b"" if nonce else json.dumps({**seen, PATH: self.path}).encode()
        self.send_response(204 if nonce else 200)
        if nonce:
            told = (seen.get(f"x-early-stop-{name}", "") for name in ("revision", "variant"))
            self.send_header(ECHO_HEADER, ";".join([nonce, *told]))
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: thousands of requests are of no interest."""


@contextmanager
def echoing(address: str, port: int) -> Iterator[None]:
    """Serve at this address until the end of the context."""
    server = ThreadingHTTPServer((address, port), _Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
