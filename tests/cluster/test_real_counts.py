"""Counts of real processes that are killed and restarted equal what a real HA pair of Prometheus scraped.

Debian's 2.42, where it is in PATH, and the 3.x of go.mod are the two halves of the pair.
`EARLYSTOP_COUNTS_SECONDS` lengthens the run; a minute is the default.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.client import ExactPrometheus
from earlystop.metrics.failures import FailureKind, MetricsFailure
from earlystop.metrics.foreign import observe, raw_series
from earlystop.metrics.ledger import merge, pack, totals, unpack
from earlystop.metrics.query import window_since
from earlystop.metrics.reader import CountRequest, read_counts
from earlystop.metrics.watermark import WatermarkLedger, is_blind, look, uncertain
from earlystop.metrics.watermark import totals as foreign_totals
from earlystop.metrics.watermark_text import pack as pack_foreign
from earlystop.metrics.watermark_text import unpack as unpack_foreign
from tests.cluster import binaries
from tests.cluster.counting_fleet import Fleet
from tests.cluster.counting_server import FOREIGN, POLICY, REVISION
from tests.cluster.network import enter_private_network
from tests.cluster.processes import wait_until
from tests.cluster.prometheus import Prometheus
from tests.cluster.raw_counts import scrapeable

SECONDS = float(os.environ.get("EARLYSTOP_COUNTS_SECONDS", "60"))
DELAY_SECONDS = 2


def prometheus_binaries() -> tuple[Path, Path]:
    """The newest and the oldest at hand, the same one twice where there is only one."""
    built = binaries._cached("prometheus") or binaries._build("prometheus")
    installed = shutil.which("prometheus")
    return built, Path(installed) if installed else built


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Prometheus, Prometheus]]:
    """Two Prometheus processes of one HA pair, not yet started."""
    directory = enter_private_network()
    with ExitStack() as stack:
        chosen = []
        for port, path in zip((9190, 9191), prometheus_binaries(), strict=True):
            one = stack.enter_context(Prometheus(directory, port=port))
            with monkeypatch.context() as patched:
                patched.setattr("tests.cluster.prometheus.binary", lambda _, path=path: path)
                one.start({}, "1s")
            chosen.append(one)
        yield chosen[0], chosen[1]


@dataclass
class Reader:
    """An operator that reads both replicas, keeps packed text alone, and now and then crashes before its write."""

    pair: tuple[Prometheus, Prometheus]
    rng: random.Random
    began: int
    ledger: str = ""
    last_good_at: int = 0
    foreign: str = field(init=False)
    looks: int = 0

    def __post_init__(self) -> None:
        self.last_good_at = self.began
        self.foreign = pack_foreign(WatermarkLedger(0, self.began * 1000))

    def look(self, at: int, crash: bool) -> None:
        """Both ledgers at Unix second `at`."""
        window = window_since(self.last_good_at, at, 1.0)
        known = unpack(self.ledger)
        for replica in self.pair:
            request = CountRequest(POLICY, REVISION, window)
            reading = read_counts(ExactPrometheus(replica.url), [request], at)[POLICY]
            if isinstance(reading, MetricsFailure):
                assert reading.kind is FailureKind.NO_DATA, reading
            else:
                known = merge(known, reading.observed)
        seen = look(unpack_foreign(self.foreign), self._foreign(at, window))
        assert not seen.rewritten
        if not crash:
            self.ledger, self.last_good_at, self.foreign = pack(known), at, pack_foreign(seen.ledger)
            self.looks += 1

    def _foreign(self, at: int, window: int) -> Any:
        rows: dict[str, list[dict[str, Any]]] = {"counter": [], "start": [], "up": []}
        queries = {"counter": f"{FOREIGN}_total", "start": "process_start_time_seconds", "up": "up"}
        for name, replica in zip("ab", self.pair, strict=True):
            for kind, metric in queries.items():
                for row in replica.query(f"{metric}[{window}s]", at=float(at)):
                    rows[kind].append({**row, "metric": {**row["metric"], "replica": name}})
        series = {kind: raw_series(found, "the pair") for kind, found in rows.items()}
        counters = {
            (variant, "started"): [one for one in series["counter"] if one.labels["variant"] == variant]
            for variant in Variant
        }
        return observe(counters, series["start"], series["up"], "replica")


def run_fleet(fleet: Fleet, reader: Reader, rng: random.Random) -> None:
    """Lets processes live and die for SECONDS, with a look every few seconds and a Prometheus outage."""
    end = time.monotonic() + SECONDS
    next_look = time.monotonic() + 3
    outage = time.monotonic() + SECONDS * 0.5
    while time.monotonic() < end:
        fleet.pump()
        if time.monotonic() > next_look:
            reader.look(int(time.time()) - DELAY_SECONDS, crash=rng.random() < 0.25)
            next_look = time.monotonic() + rng.uniform(1, 9)
        if time.monotonic() > outage:
            reader.pair[0].stop(abruptly=True)
            reader.pair[0].start(wait_up=False)
            outage = float("inf")
        time.sleep(0.05)
    fleet.end()


def test_counts_of_killed_processes_equal_what_a_real_pair_of_prometheus_scraped(
    pair: tuple[Prometheus, Prometheus],
) -> None:
    rng = random.Random(11)
    directory = Path(tempfile.mkdtemp(prefix="fleet-", dir=enter_private_network()))
    with Fleet(directory, size=3, seed=5) as fleet:
        for replica in pair:
            replica.set_targets({"qa": fleet.addresses}, labels={"qa": {"namespace": "llm"}})
        reader = Reader(pair, rng, int(time.time()) - 30)
        run_fleet(fleet, reader, rng)
        at = int(time.time()) + 1
        wait_until(lambda: time.time() > at + DELAY_SECONDS, 10, "the last samples")
        reader.look(at, crash=False)
        reader.look(at, crash=False)  # again, as after a crash that followed the write
        truth = fleet.truth()
    seen = scrapeable(pair, at)
    counted = totals(unpack(reader.ledger), 0)
    assert counted == seen
    assert fleet.lives > 3, "restarts"
    foreign = unpack_foreign(reader.foreign)
    assert not is_blind(foreign)
    for variant in Variant:
        happened = truth[variant].row()
        assert all(mine <= true for mine, true in zip(counted[variant].row(), happened, strict=True))
        assert counted[variant].started > 0.5 * truth[variant].started, "most of it was scraped"
        low, more = foreign_totals(foreign, 0)[variant].started, uncertain(foreign, 0)[variant].started
        assert low <= truth[variant].started
        assert low > 0.5 * truth[variant].started
        assert low + more >= 0.9 * seen[variant].started, "one scraper alone sees nearly what both see"
