"""Counts of real processes that are killed and restarted equal what real Prometheus servers scraped: 3.x and 2.42,
each by itself and both as the replicas of one HA pair.

`EARLYSTOP_COUNTS_SECONDS` lengthens the run; a minute is the default, and `make faults` takes ten.
"""

from __future__ import annotations

import math
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.metrics.convention.ledger import merge, pack, totals, unpack
from earlystop.metrics.convention.query import window_since
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.several_moments import MOST_MOMENTS, LooksAhead, read_moments
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import observe, raw_series
from earlystop.metrics.templates.reset_ledger import ResetLedger, is_blind, look, uncertain
from earlystop.metrics.templates.reset_ledger import totals as foreign_totals
from earlystop.metrics.templates.reset_ledger_text import pack as pack_foreign
from earlystop.metrics.templates.reset_ledger_text import unpack as unpack_foreign
from tests.cluster.counting_fleet import Fleet
from tests.cluster.counting_server import FOREIGN, POLICY, REVISION
from tests.cluster.network import enter_private_network
from tests.cluster.prometheus import Prometheus
from tests.cluster.raw_counts import scrapeable

SECONDS = float(os.environ.get("EARLYSTOP_COUNTS_SECONDS", "60"))
DELAY_SECONDS = 2
LEAST_COUNTED = 200
"""Requests of a variant, of some 1,400 of the candidate a minute: else hardly anything was read."""
Counts = dict[Variant, Tally]


@pytest.fixture
def pair() -> Iterator[tuple[Prometheus, Prometheus]]:
    """The two replicas of one HA pair: Prometheus 3.x and 2.42."""
    directory = enter_private_network()
    with Prometheus(directory, port=9190) as newer, Prometheus(directory, port=9191, older=True) as older:
        for replica in (newer, older):
            replica.start({}, "1s")
        yield newer, older


@dataclass
class Reader:
    """An operator that reads these replicas, keeps packed text alone, and now and then crashes before its write."""

    replicas: tuple[Prometheus, ...]
    began: int
    ledger: str = ""
    last_good_at: int = 0
    foreign: str = field(init=False)
    looks: int = 0

    def __post_init__(self) -> None:
        self.last_good_at = self.began
        self.foreign = pack_foreign(ResetLedger(0, self.began * 1000))

    def look(self, at: int, crash: bool) -> None:
        """Both ledgers at Unix second `at`."""
        window = window_since(self.last_good_at, at, 1.0)
        known = unpack(self.ledger)
        for replica in self.replicas:
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
        for name, replica in zip("ab", self.replicas, strict=False):
            for kind, metric in queries.items():
                for row in replica.query(f"{metric}[{window}s]", at=float(at)):
                    rows[kind].append({**row, "metric": {**row["metric"], "replica": name}})
        series = {kind: raw_series(found, "a replica") for kind, found in rows.items()}
        counters = {
            (variant, "started"): [one for one in series["counter"] if one.labels["variant"] == variant]
            for variant in Variant
        }
        return observe(counters, series["start"], series["up"], "replica")


def run_fleet(fleet: Fleet, pair: tuple[Prometheus, Prometheus], readers: list[Reader], rng: random.Random) -> None:
    """Lets processes live and die for SECONDS, with a look every few seconds and an outage of each Prometheus."""
    began = time.monotonic()
    next_look = began + 3
    outages = [(began + SECONDS * 0.4, pair[0]), (began + SECONDS * 0.7, pair[1])]
    while time.monotonic() < began + SECONDS:
        fleet.pump()
        if time.monotonic() > next_look:
            for reader in readers:
                reader.look(int(time.time()) - DELAY_SECONDS, crash=rng.random() < 0.25)
            next_look = time.monotonic() + rng.uniform(1, 9)
        if outages and time.monotonic() > outages[0][0]:
            _, replica = outages.pop(0)
            replica.stop(abruptly=True)
            replica.start(wait_up=False)
        time.sleep(0.05)
    fleet.end()


def assert_foreign_is_within_its_remainder(reader: Reader, truth: Counts, at: int) -> None:
    """Never above the truth; with its remainder all that one scraper saw, since it follows one at a time."""
    foreign = unpack_foreign(reader.foreign)
    assert not is_blind(foreign)
    alone = [scrapeable([replica], at) for replica in reader.replicas]
    for variant in Variant:
        low, more = foreign_totals(foreign, 0)[variant].started, uncertain(foreign, 0)[variant].started
        assert LEAST_COUNTED / 2 < low <= truth[variant].started
        assert low + more >= max(seen[variant].started for seen in alone)


def assert_several_moments_are_read_as_each(replica: Prometheus, at: int) -> None:
    """A range query finds at each of its moments what an instant query finds there, of processes that live, are away
    or have ended, and across an outage of the source itself."""
    client, read = ExactPrometheus(replica.url), 0
    request = CountRequest(POLICY, REVISION, window_since(at - 5, at, 1.0))
    for first in range(at - int(SECONDS), at, 5 * MOST_MOMENTS + 1):
        moments = range(first, first + 5 * MOST_MOMENTS, 5)
        single = {each: read_counts(client, [request], each)[POLICY] for each in moments}
        known = {each: found for each, found in single.items() if not isinstance(found, MetricsFailure)}
        assert read_moments(client, [LooksAhead(request, moments)])[POLICY] == known
        read += len(known)
    client.close()
    assert read > SECONDS / 10, "hardly any moment had counts"


def test_counts_of_killed_processes_equal_what_prometheus_3_and_2_42_and_their_ha_pair_scraped(
    pair: tuple[Prometheus, Prometheus],
) -> None:
    assert [replica.version.startswith("2.42.") for replica in pair] == [False, True]
    rng = random.Random(11)
    directory = Path(tempfile.mkdtemp(prefix="fleet-", dir=enter_private_network()))
    with Fleet(directory, size=3, seed=5) as fleet:
        for replica in pair:
            replica.set_targets({"qa": fleet.addresses}, labels={"qa": {"namespace": "llm"}})
        readers = [Reader(replicas, int(time.time()) - 30) for replicas in (pair, pair[:1], pair[1:])]
        run_fleet(fleet, pair, readers, rng)
        ended = time.time()
        for replica in pair:
            # All servers have ended; a scrape that fails comes after the last one that did not.
            replica.wait_scraped(ended, with_success=False)
        at = math.ceil(time.time())
        for reader in readers:
            reader.look(at, crash=False)
            reader.look(at, crash=False)  # again, as after a crash that followed the write
        truth = fleet.truth()
    assert fleet.lives > 3, "restarts"
    for replica in pair:
        assert_several_moments_are_read_as_each(replica, at)
    for reader in readers:
        counted = totals(unpack(reader.ledger), 0)
        assert counted == scrapeable(reader.replicas, at)
        for variant in Variant:
            happened = truth[variant].row()
            assert all(mine <= true for mine, true in zip(counted[variant].row(), happened, strict=True))
            # How much was scraped of these short lives hangs on the machine, and is no promise of ours.
            assert counted[variant].started > LEAST_COUNTED
        assert_foreign_is_within_its_remainder(reader, truth, at)
        told = {variant: f"{counted[variant].started} of {truth[variant].started}" for variant in Variant}
        print(f"{len(reader.replicas)} replicas, {fleet.lives} lives, {reader.looks} looks, {told}")
