"""Candidates with names, shadowed and served, read in one look from a real Prometheus that scraped real servers."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from earlystop.demo.recordings import Recording
from earlystop.metrics.convention.ledger import Ledger, merge, pack, totals, unpack
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.client import ExactPrometheus
from tests.cluster.network import NODE_ADDRESS, enter_private_network
from tests.cluster.processes import Child, wait_until
from tests.cluster.prometheus import Prometheus
from tests.unit.demo.recorded import recordings
from tests.unit.demo.server_counts import tally_of
from tests.unit.demo.server_shadows import SHADOW, WINDOWS, shadow_of
from tests.unit.demo.serving import chat, told

PORT = 9170
URL = f"http://{NODE_ADDRESS}:{PORT}"
SHADOWED, COMPARED = "llm/shadowed", "llm/compared"
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 30.0
REQUESTS = (CountRequest(SHADOWED, "r1", 300, tuple(WINDOWS)), CountRequest(COMPARED, "r1", 300, ("w5", "w2")))


def serve(directory: Path) -> Child:
    """The reference server as a process, ready."""
    words = (sys.executable, "-m", "earlystop.demo.server", "--host", NODE_ADDRESS, "--port", str(PORT))
    child = Child("reference", words, directory, environment={"PYTHONPATH": str(ROOT / "operator")})
    child.wait_ready(lambda: asyncio.run(answers()), DEADLINE_SECONDS)
    return child


async def answers() -> bool:
    """Whether the server is ready."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{URL}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def ask_all(asked: Sequence[Recording], headers: dict[str, str]) -> None:
    """Asks each question once, some at a time."""
    async with aiohttp.ClientSession(URL, connector=aiohttp.TCPConnector(limit=8)) as session:

        async def ask(recording: Recording) -> int:
            async with session.post("/v1/chat/completions", json=chat(recording.question), headers=headers) as response:
                return response.status

        assert set(await asyncio.gather(*map(ask, asked))) == {200}


def ask_both_policies(shadowed: Sequence[Recording], compared: Sequence[Recording]) -> None:
    """Live traffic of a shadow and of an A/B test, and requests under labels that no campaign has."""
    forged = SHADOW | {"x-early-stop-shadow": "forged;window=3, w2x;window=2"}
    runs = [
        (shadowed, told("baseline", 40, "r1", 0, SHADOWED) | SHADOW),
        (compared, told("baseline", 40, "r1", 0, COMPARED)),
        (compared, told("w5", 5, "r1", 0, COMPARED)),
        (compared[:30], told("w2", 2, "r1", 0, COMPARED)),
        (compared[:7], told("forged", 1, "r1", 0, COMPARED)),
        (compared[:3], told("candidate", 1, "r1", 0, SHADOWED)),
        (compared[:4], told("baseline", 40, "r1", 1, SHADOWED) | forged),
    ]
    for asked, headers in runs:
        asyncio.run(ask_all(asked, headers))


def look(prometheus: Prometheus, ledger: Ledger) -> dict[str, Ledger]:
    """Both policies' ledgers after one look, packed and read back as a status is."""
    readings = read_counts(ExactPrometheus(prometheus.url), REQUESTS, int(time.time()))
    return {
        policy: unpack(pack(merge(ledger, reading.observed if isinstance(reading, Reading) else {})))
        for policy, reading in readings.items()
    }


def until_scraped(prometheus: Prometheus, last: int) -> dict[str, Ledger]:
    """The ledgers of the first look that shows `last` requests of step 1, the ones that are asked last."""
    found: dict[str, Ledger] = {}

    def seen() -> bool:
        found.update(look(prometheus, Ledger()))
        return totals(found[SHADOWED], 1)["baseline"].completed == last

    wait_until(seen, DEADLINE_SECONDS, "the last counts to be scraped")
    return found


def test_every_named_candidate_is_read_exactly_in_one_look_although_the_server_was_killed() -> None:
    directory = enter_private_network()
    recorded = list(recordings())
    halves = ((recorded[:120], recorded[120:180]), (recorded[100:220], recorded[180:260]))
    with Prometheus(directory) as prometheus:
        for number, (shadowed, compared) in enumerate(halves):
            server = serve(directory)
            try:
                if not number:
                    prometheus.start({"qa": [f"{NODE_ADDRESS}:{PORT}"]}, "1s")
                ask_both_policies(shadowed, compared)
                ledgers = until_scraped(prometheus, 4 * (number + 1))
            finally:
                server.stop(patience_seconds=0.0)
    shadowed, compared = (halves[0][place] + halves[1][place] for place in (0, 1))
    shadow = totals(ledgers[SHADOWED], 0, variants=("baseline", *WINDOWS))
    assert shadow.pop("baseline") == tally_of(shadowed, 40)
    assert shadow == {name: shadow_of(shadowed, window) for name, window in WINDOWS.items()}
    served = [*halves[0][1][:30], *halves[1][1][:30]]
    assert totals(ledgers[COMPARED], 0, variants=("baseline", "w5", "w2")) == {
        "baseline": tally_of(compared, 40),
        "w5": tally_of(compared, 5),
        "w2": tally_of(served, 2),
    }
    assert {key.variant for key in ledgers[SHADOWED].rows} == {"baseline", *WINDOWS}
    assert {key.variant for key in ledgers[COMPARED].rows} == {"baseline", "w5", "w2"}
