"""How many requests each way of counting sees, on the same scrapes of a real Prometheus, of processes that are killed.

Scrapes are a second apart here and 15 s in the tools' defaults, so their windows are scaled by 15: Flagger's of a
minute holds 4 scrapes, Argo's of five minutes 20. Flagger takes `rate` over its interval once an interval, Argo's
examples take `irate`; what they imply as a count is the rate times the interval. `irate` tells the last rate of
a process that has died until the window has passed it, so after restarts requests are counted several times.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from earlystop.api.counts import Tally, Variant
from earlystop.metrics.convention.ledger import Ledger, merge, totals
from earlystop.metrics.convention.query import window_since
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import MetricsFailure
from tests.cluster.counting_fleet import Fleet
from tests.cluster.counting_server import POLICY, REVISION
from tests.cluster.network import enter_private_network
from tests.cluster.processes import wait_until
from tests.cluster.prometheus import Prometheus
from tests.cluster.raw_counts import scrapeable

FLAGGER_SECONDS, ARGO_SECONDS, LOOK_SECONDS = 4, 20, 5
METRIC = "earlystop_requests_started_total"

Counts = dict[Variant, float]


@dataclass(frozen=True)
class Measured:
    """scraped: what Prometheus holds; happened: what the processes did; ways: each way's counts of started requests."""

    lives: int
    version: str
    scraped: dict[Variant, Tally]
    happened: dict[Variant, Tally]
    ways: dict[str, Counts]


def measure(seconds: float, seed: int = 5) -> Measured:
    """Kills and restarts three servers for so long, then counts in every way."""
    directory = enter_private_network()
    scratch = Path(tempfile.mkdtemp(prefix="fleet-", dir=directory))
    with Prometheus(directory, port=9190) as prometheus, Fleet(scratch, 3, seed) as fleet:
        prometheus.start({"qa": fleet.addresses}, "1s", labels={"qa": {"namespace": "llm"}}, wait_up=False)
        began = int(time.time())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            fleet.pump()
            time.sleep(0.05)
        fleet.end()
        at = int(time.time()) + 1
        wait_until(lambda: time.time() > at + 2, 10, "the last samples")
        version = prometheus.query("prometheus_build_info or vector(0)")[0]["metric"].get("version", "")
        return Measured(fleet.lives, version, scrapeable([prometheus], at), fleet.truth(), _ways(prometheus, began, at))


def _ways(prometheus: Prometheus, began: int, at: int) -> dict[str, Counts]:
    def summed(expression: str, every: int, factor: float = 1.0) -> Counts:
        """`expression` at the end of each interval, times `factor`, summed."""
        sums = dict.fromkeys(Variant, 0.0)
        for moment in range(began + every, at + every, every):
            for row in prometheus.query(f"sum by (variant) ({expression})", at=float(moment)):
                sums[Variant(row["metric"]["variant"])] += float(row["value"][1]) * factor
        return sums

    whole = at - began
    return {
        "ours": _ours(prometheus, began, at),
        "increase() over the whole run": summed(f"increase({METRIC}[{whole}s])", whole),
        f"increase() of each {LOOK_SECONDS} s look": summed(f"increase({METRIC}[{LOOK_SECONDS}s])", LOOK_SECONDS),
        "Flagger: rate() of each interval": summed(
            f"rate({METRIC}[{FLAGGER_SECONDS}s])", FLAGGER_SECONDS, FLAGGER_SECONDS
        ),
        "Argo Rollouts: irate() of each interval": summed(
            f"irate({METRIC}[{ARGO_SECONDS}s])", ARGO_SECONDS, ARGO_SECONDS
        ),
    }


def _ours(prometheus: Prometheus, began: int, at: int) -> Counts:
    """Looks on a grid, each with the window since the last one."""
    source, ledger, last = ExactPrometheus(prometheus.url), Ledger(), began
    for moment in [*range(began + LOOK_SECONDS, at, LOOK_SECONDS), at]:
        request = CountRequest(POLICY, REVISION, window_since(last, moment, 1.0))
        reading = read_counts(source, [request], moment)[POLICY]
        if not isinstance(reading, MetricsFailure):
            ledger, last = merge(ledger, reading.observed), moment
    sums = totals(ledger, 0)
    return {variant: float(sums[variant].started) for variant in Variant}


def error_table(measured: Measured) -> Table:
    """Each way's counts and how far they are from what Prometheus holds."""
    table = Table(
        title=f"started requests as counted; {measured.lives} processes were started and killed, "
        f"Prometheus {measured.version or 'of unknown version'}"
    )
    for name in ("way", *(f"{variant}{suffix}" for variant in Variant for suffix in ("", " error"))):
        table.add_column(name, justify="left" if name == "way" else "right")
    scraped = {variant: float(tally.started) for variant, tally in measured.scraped.items()}
    happened = {variant: float(tally.started) for variant, tally in measured.happened.items()}
    for way, counts in {
        "held by Prometheus": scraped,
        **measured.ways,
        "happened (with unscraped ends)": happened,
    }.items():
        table.add_row(way, *_cells(counts, scraped))
    return table


def _cells(counts: Counts, scraped: Counts) -> list[str]:
    cells: list[str] = []
    for variant in Variant:
        error = counts[variant] / scraped[variant] - 1 if scraped[variant] else 0.0
        cells += [f"{counts[variant]:,.2f}".removesuffix(".00"), "exact" if not error else f"{error:+.1%}"]
    return cells
