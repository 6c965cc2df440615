"""The recorded answers, asked of a real server that real Prometheus servers scrape, are read as the file has them."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.demo.recordings import Recording, load_recordings
from earlystop.metrics.convention.ledger import Ledger, merge, totals
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import MetricsFailure
from tests.cluster.network import NODE_ADDRESS, enter_private_network
from tests.cluster.processes import Child
from tests.cluster.prometheus import Prometheus
from tests.unit.demo.independent import counts_at, rows_of
from tests.unit.demo.recorded import expected
from tests.unit.demo.serving import POLICY, REVISION, chat, told

PORT = 8085
CANDIDATES = (20, 10, 5, 2, 1)
BASELINE = 40
ROOT = Path(__file__).parents[2]


@pytest.fixture
def pair() -> Iterator[tuple[Prometheus, Prometheus]]:
    """Prometheus 3.x and 2.42, not yet started."""
    directory = enter_private_network()
    with Prometheus(directory, port=9193) as newer, Prometheus(directory, port=9194, older=True) as older:
        yield newer, older


@pytest.fixture
def server() -> Iterator[Child]:
    """The reference server, answering from the recordings."""
    directory = Path(tempfile.mkdtemp(prefix="recorded-", dir=enter_private_network()))
    options = (f"--host={NODE_ADDRESS}", f"--port={PORT}", f"--data={expected().source}")
    words = [sys.executable, "-m", "earlystop.demo.server", *options]
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT / "operator"), str(ROOT)])}
    child = Child("server", words, directory, environment=environment)
    yield child
    child.stop(patience_seconds=0.0)


async def ask_all(recorded: tuple[Recording, ...]) -> None:
    """Every question of each candidate's window and, as often, of the baseline's. Each window is a step."""
    async with aiohttp.ClientSession(f"http://{NODE_ADDRESS}:{PORT}", trust_env=False) as session:
        open_at_once = asyncio.Semaphore(16)

        async def ask(question: str, headers: dict[str, str]) -> int:
            async with open_at_once, session.post("/v1/chat/completions", json=chat(question), headers=headers) as got:
                await got.read()
                return got.status

        for step, window in enumerate(CANDIDATES):
            arms = (told("baseline", BASELINE, step=step), told("candidate", window, step=step))
            asked = [ask(recording.question, headers) for recording in recorded for headers in arms]
            assert set(await asyncio.gather(*asked)) == {200}


async def test_recorded_answers_read_from_prometheus_3_and_2_42_equal_the_file_to_the_last_token(
    pair: tuple[Prometheus, Prometheus], server: Child
) -> None:
    for prometheus in pair:
        prometheus.start({"qa": [f"{NODE_ADDRESS}:{PORT}"]}, "500ms")
    await ask_all(load_recordings(expected().source))
    asked = time.time()
    for prometheus in pair:
        prometheus.wait_scraped(asked)
    at = math.ceil(time.time())
    rows = rows_of(expected().source)
    for prometheus in pair:
        reading = read_counts(ExactPrometheus(prometheus.url), [CountRequest(POLICY, REVISION, 300)], at)[POLICY]
        assert not isinstance(reading, MetricsFailure), reading
        ledger = merge(Ledger(), reading.observed)
        for step, window in enumerate(CANDIDATES):
            by_file = {Variant.BASELINE: counts_at(rows, BASELINE), Variant.CANDIDATE: counts_at(rows, window)}
            assert totals(ledger, step) == {variant: Tally(**counts) for variant, counts in by_file.items()}
