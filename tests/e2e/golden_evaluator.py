"""An evaluator of a stage, which asks every recorded question as a golden one, by the real route."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from earlystop.demo.recordings import load_recordings
from tests.cluster.kit import own_address
from tests.cluster.processes import Child
from tests.e2e.stage import Stage

PORT = 9464
"""Of the first evaluator of a stage; those beside it have the next ones."""


def write_questions(stage: Stage, folder: Path) -> Path:
    """A file of golden questions: each that is recorded."""
    golden = folder / "golden.jsonl"
    rows = {each.question: {"question": each.question, "answers": each.gold} for each in load_recordings(stage.data)}
    golden.write_text("\n".join(map(json.dumps, rows.values())))
    return golden


@contextmanager
def evaluating(stage: Stage, policy: str, golden: Path, *options: str, pairs_per_second: int) -> Iterator[Child]:
    """An evaluator of a policy, which is scraped while the block runs."""
    with evaluating_each(stage, policy, golden, [options], pairs_per_second=pairs_per_second) as (child,):
        yield child


@contextmanager
def evaluating_each(
    stage: Stage, policy: str, golden: Path, options: Sequence[Sequence[str]], *, pairs_per_second: int
) -> Iterator[list[Child]]:
    """Evaluators of a policy side by side, one for each of these options, which are scraped while the block runs."""
    children = [
        stage.python(
            f"evaluator-{port}",
            "earlystop.evaluator",
            f"--url={stage.gateway.url}/v1",
            f"--host-header={stage.host}",
            f"--golden={golden}",
            f"--policy={stage.namespace}/{policy}",
            "--token-budget=1000000000",
            f"--pairs-per-second={pairs_per_second}",
            "--seed=1",
            "--repeat",  # there are 300 questions, and a verdict about their population would need some 2,450
            f"--port={port}",
            *own,
        )
        for port, own in enumerate(options, PORT)
    ]
    ports = range(PORT, PORT + len(children))
    stage.prometheus.set_targets(
        {
            "qa": [f"{stage.server_address}:{stage.server_port}"],
            "evaluator": [f"{own_address()}:{port}" for port in ports],
        }
    )
    with ExitStack() as ended:
        for child in children:
            ended.callback(child.stop, patience_seconds=10.0)
        yield children
