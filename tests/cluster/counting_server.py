"""A server that counts made-up requests as fast as it is told, to be scraped and killed: `python -m` with options.

Each request is written to a log before it is counted, so the log is never behind the metrics page, even after kill -9.
"""

from __future__ import annotations

import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import typer
from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest

from earlystop.api.counts import Variant
from earlystop.exporter.export import Assignment, Exporter

POLICY, REVISION = "llm/qa", "r1"
FOREIGN = "engine_requests"


def count(log: Path, seed: int, rate: float, registry: CollectorRegistry) -> None:
    """Counts for ever: in our convention, and in counters of an engine that knows of no revision nor process."""
    rng = random.Random(seed)
    exporter = Exporter(registry)
    exporter.register(POLICY, REVISION, step=0)
    engine = Counter(FOREIGN, "Requests as an engine counts them.", ("variant",), registry=registry)
    answers = Counter(f"{FOREIGN}_answers", "Answers by result.", ("variant", "result"), registry=registry)
    lengths = Counter(f"{FOREIGN}_tokens", "Tokens.", ("variant",), registry=registry)
    squares = Counter(f"{FOREIGN}_tokens_squared", "Squares of tokens.", ("variant",), registry=registry)
    with log.open("ab", buffering=0) as stream:
        while True:
            variant = Variant.CANDIDATE if rng.random() < 0.2 else Variant.BASELINE
            longest = 900 if variant is Variant.BASELINE else 450
            tokens, result = rng.randint(1, longest), "match" if rng.random() < 0.8 else "mismatch"
            stream.write(f"{variant} {tokens} {result} {time.time():.3f}\n".encode())
            assignment = Assignment(POLICY, REVISION, 0, variant)
            exporter.started(assignment)
            exporter.completed(assignment, tokens, result)
            engine.labels(variant.value).inc()
            answers.labels(variant.value, result).inc()
            lengths.labels(variant.value).inc(tokens)
            squares.labels(variant.value).inc(tokens * tokens)
            time.sleep(rng.expovariate(rate))


def main(host: str, port: int, log: Path, seed: int, rate: float = 40.0) -> None:
    """Serve /metrics and count until killed."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = generate_latest(registry)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=count, args=(log, seed, rate, registry), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    typer.run(main)
