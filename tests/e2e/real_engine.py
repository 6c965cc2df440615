"""llama.cpp's server with a real language model, as a process."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.engine_build import engine_binary
from tests.cluster.engine_model import engine_model
from tests.cluster.processes import Child
from tests.e2e.stage import status_of

SLOTS = 8
"""Requests that are answered at a time; others wait."""
TOKENS_A_SLOT = 512
TEMPLATE = Path(__file__).with_name("prompt-alone.jinja")
"""The model was never taught to chat: it gets the text of the messages, and goes on with it."""
READY_SECONDS = 60.0


def start_engine(directory: Path, host: str, port: int, threads: int = 1) -> Child:
    """Start it, ready to answer; the caller stops it. Answers are greedy: the same prompt is answered alike.

    directory: where its log is kept. threads: more than one wait for each other, busily, where cores are shared. Raises
    ClusterError where it cannot be built, or does not become ready.
    """
    settings = {
        "model": engine_model(),
        "alias": "gemma",
        "host": host,
        "port": port,
        "ctx-size": SLOTS * TOKENS_A_SLOT,
        "parallel": SLOTS,
        "threads": threads,
        "temp": 0,
        "chat-template-file": TEMPLATE,
    }
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    engine = Child("engine", [engine_binary(), *words, "--metrics"], directory)
    try:
        engine.wait_ready(lambda: status_of(f"http://{host}:{port}/health") == 200, READY_SECONDS)
    except BaseException:
        engine.stop(patience_seconds=0.0)
        raise
    return engine
