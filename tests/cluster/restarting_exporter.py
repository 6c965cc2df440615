"""An exporter before a server's counters, which outlive it: `python -m` with its own address and the server's page.

It shows the server's counters and, as any client library does, the start time of its own process.
"""

from __future__ import annotations

import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import typer

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
START = "process_start_time_seconds"


def main(host: str, port: int, page: str) -> None:
    """Serve the counters of `page` until killed."""
    began = time.time()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with _direct.open(page, timeout=5) as answer:
                lines = answer.read().decode().splitlines()
            shown = [line for line in lines if not line.startswith(START)]
            body = "\n".join([*shown, f"{START} {began:.2f}", ""]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    ThreadingHTTPServer((host, port), Handler).serve_forever()


if __name__ == "__main__":
    typer.run(main)
