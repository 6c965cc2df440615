"""An evaluator of a stage, which asks every recorded question as a golden one, by the real route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earlystop.demo.recordings import load_recordings
from tests.cluster.kit import own_address
from tests.cluster.processes import Child
from tests.e2e.stage import Stage

PORT = 9464


def write_questions(stage: Stage, folder: Path) -> Path:
    """A file of golden questions: each that is recorded."""
    golden = folder / "golden.jsonl"
    rows = {each.question: {"question": each.question, "answers": each.gold} for each in load_recordings(stage.data)}
    golden.write_text("\n".join(map(json.dumps, rows.values())))
    return golden


@contextmanager
def evaluating(stage: Stage, policy: str, golden: Path, *options: str, pairs_per_second: int) -> Iterator[Child]:
    """An evaluator of a policy, which is scraped while the block runs."""
    child = stage.python(
        "evaluator",
        "earlystop.evaluator",
        f"--url={stage.gateway.url}/v1",
        f"--host-header={stage.host}",
        f"--golden={golden}",
        f"--policy={stage.namespace}/{policy}",
        "--token-budget=1000000000",
        f"--pairs-per-second={pairs_per_second}",
        "--seed=1",
        "--repeat",  # there are 300 questions, and a verdict about their population would need some 2,450
        f"--port={PORT}",
        *options,
    )
    stage.prometheus.set_targets(
        {"qa": [f"{stage.server_address}:{stage.server_port}"], "evaluator": [f"{own_address()}:{PORT}"]}
    )
    try:
        yield child
    finally:
        child.stop(patience_seconds=10.0)
