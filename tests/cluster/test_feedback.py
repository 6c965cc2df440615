"""Votes and labels through real processes: an answer's receipt, the endpoint, a crash, and what Prometheus reads."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import aiohttp

from earlystop.api.counts import Tally
from earlystop.api.wire import RESPONSE_HEADER
from earlystop.metrics.convention.ledger import Ledger, merge, totals
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.client import ExactPrometheus
from tests.cluster.network import NODE_ADDRESS, enter_private_network
from tests.cluster.processes import Child, wait_until
from tests.cluster.prometheus import Prometheus
from tests.unit.demo.recorded import recordings
from tests.unit.demo.serving import chat, told

ROOT = Path(__file__).resolve().parents[2]
SERVER, ENDPOINT = f"http://{NODE_ADDRESS}:9171", f"http://{NODE_ADDRESS}:9172"
METRICS_PORT = 9173
POLICY, REVISION = "llm/qa", "r1"
LABEL_KEY = "fedcba9876543210" * 2
DEADLINE_SECONDS = 30.0
LABEL_SECONDS = 20
"""Long enough for the endpoint to be killed while a label waits."""


def process(directory: Path, module: str, words: list[str], ready: str) -> Child:
    """One of our processes, ready."""
    command = (sys.executable, "-m", module, "--host", NODE_ADDRESS, "--policy", POLICY, *words)
    child = Child(module.rpartition(".")[2], command, directory, environment={"PYTHONPATH": str(ROOT / "operator")})
    child.wait_ready(lambda: asyncio.run(answers(ready)), DEADLINE_SECONDS)
    return child


async def answers(url: str) -> bool:
    """Whether this page is served."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def endpoint(directory: Path) -> Child:
    """The feedback endpoint with its file of votes."""
    words = ["--receipt-key-file", "receipts", "--label-key-file", "labels", "--state", "votes.db"]
    words += ["--label-seconds", str(LABEL_SECONDS), "--port", "9172", "--metrics-port", str(METRICS_PORT)]
    return process(directory, "earlystop.evaluator.feedback", words, f"{ENDPOINT}/healthz")


async def receipt_of(variant: str, step: int) -> str:
    """The receipt of one answer of the reference server."""
    headers = told(variant, 5, REVISION, step, POLICY)
    async with aiohttp.ClientSession(SERVER) as session:
        question = chat(recordings()[0].question)
        async with session.post("/v1/chat/completions", json=question, headers=headers) as response:
            return response.headers[RESPONSE_HEADER]


async def send(body: dict[str, object]) -> int:
    """The status with which the endpoint answers."""
    labeller = {"Authorization": f"Bearer {LABEL_KEY}"}
    async with (
        aiohttp.ClientSession(ENDPOINT, headers=labeller) as session,
        session.post("/v1/feedback", json=body) as response,
    ):
        return response.status


def read(prometheus: Prometheus) -> dict[tuple[int, str], Tally]:
    """What the operator reads, by step and variant."""
    request = CountRequest(POLICY, REVISION, 300)
    reading = read_counts(ExactPrometheus(prometheus.url), [request], int(time.time()))[POLICY]
    ledger = merge(Ledger(), reading.observed if isinstance(reading, Reading) else {})
    return {(step, variant): tally for step in (0, 1) for variant, tally in totals(ledger, step).items()}


def test_late_labels_and_thumbs_count_once_in_the_step_of_their_request_although_the_endpoint_was_killed() -> None:
    directory = enter_private_network()
    (directory / "receipts").write_text("0123456789abcdef" * 2)
    (directory / "labels").write_text(LABEL_KEY)
    words = ["--port", "9171", "--receipt-key-file", "receipts", "--late-labels", "--drain-seconds", "0"]
    children = [endpoint(directory), process(directory, "earlystop.demo.server", words, f"{SERVER}/readyz")]
    try:
        with Prometheus(directory) as prometheus:
            prometheus.start({"qa": [f"{NODE_ADDRESS}:9171", f"{NODE_ADDRESS}:{METRICS_PORT}"]}, "1s")
            first, second = (asyncio.run(receipt_of("candidate", step)) for step in (0, 1))
            assert asyncio.run(send({"responseId": first, "match": True})) == 202
            assert asyncio.run(send({"responseId": second, "sentiment": "down"})) == 200
            wait_until(
                lambda: read(prometheus)[1, "candidate"].feedback_down == 1, DEADLINE_SECONDS, "the thumb to be scraped"
            )
            children[0].stop(patience_seconds=0.0)
            children[0] = endpoint(directory)
            assert asyncio.run(send({"responseId": first, "match": False})) == 409
            assert asyncio.run(send({"responseId": second, "sentiment": "down"})) == 409
            wait_until(lambda: read(prometheus)[0, "candidate"].match == 1, DEADLINE_SECONDS, "the label to be scraped")
            found = read(prometheus)
    finally:
        for child in children:
            child.stop(patience_seconds=0.0)
    old, new = found[0, "candidate"], found[1, "candidate"]
    assert (old.started, old.completed, old.match, old.tried, old.feedback_down) == (1, 1, 1, 1, 0)
    assert (new.started, new.completed, new.tried, new.feedback_down) == (1, 1, 0, 1)
    assert found[0, "baseline"].tried == found[1, "baseline"].tried == 0
