"""What counting costs and how far other ways are off: `python -m tests.bench.counts`.

The first table is CPU a look, with everything but the network real. The second is count errors on the scrapes of a real
Prometheus; it needs a private network and is left out with `--seconds 0`.
"""

from __future__ import annotations

import gc
import json
import time

import typer
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Variant
from earlystop.api.wire import FEEDBACK, PAIRS, SELECTED, UNSCORED, Selected
from earlystop.controller.main import COLLECT_AFTER
from earlystop.metrics.convention.ledger import Ledger, merge, pack, unpack
from earlystop.metrics.convention.query import NEWEST_SAMPLE, READING, counts_query
from earlystop.metrics.convention.reader import MAX_POLICIES_A_QUERY, CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample, parse_vector
from tests.bench.count_errors import error_table, measure

AT = 1_700_000_000


KINDS = [kind for kind in SELECTED if kind.metric not in (PAIRS, FEEDBACK)]
"""What a server without votes and golden questions exposes."""
STATED = [kind for kind in KINDS if kind.result != UNSCORED]
"""The seven series that the bar is stated for."""
BAR_POLICIES, BAR_MS = 1000, 400.0


class Canned:
    """Parses the bytes that a Prometheus would send for the policies that the query names."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bodies = bodies

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        """The stored answer to `query`."""
        return parse_vector(self.bodies[query], "application/json", "http://prometheus:9090")


def body_of(policies: list[str], processes: int, kinds: list[Selected]) -> bytes:
    """The answer for these policies: two variants, these series each, per process."""
    rows: list[dict[str, object]] = []
    for policy in policies:
        base = {"policy": policy, "revision": "a1b2c3d4", "step": "1", "query_class": "default", "namespace": "llm"}
        for process in range(processes):
            for variant in Variant:
                for number, kind in enumerate(kinds, start=1):
                    split = {name: text for name, text in kind._asdict().items() if name != "metric"}
                    labels = {"__name__": kind.metric, **base, "variant": variant, "process": f"0123456{process:03}"}
                    labels |= {name: text for name, text in split.items() if text}
                    rows.append({"metric": labels, "value": [AT, str(number * 1000 + process)]})
        newest = {"policy": policy, "revision": "a1b2c3d4", "namespace": "llm", READING: NEWEST_SAMPLE}
        rows.append({"metric": newest, "value": [AT, str(AT - 3.5)]})
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}}).encode()


def main(policies: int = 1000, processes: int = 4, repeats: int = 10, seconds: float = 60.0) -> None:
    """Print what reading counts costs, and the count errors on a fleet that is killed and restarted for `seconds`."""
    print_costs(policies, processes, repeats, STATED)
    print_costs(policies, processes, repeats, KINDS)
    if seconds:
        Console().print(error_table(measure(seconds)))


def print_costs(policies: int, processes: int, repeats: int, kinds: list[Selected]) -> None:
    """Read, merge and store the counts of many policies, and print what each part costs, as in the operator."""
    gc.set_threshold(*COLLECT_AFTER)
    requests = [CountRequest(f"llm/policy-{n:04}", "a1b2c3d4", 120) for n in range(policies)]
    names = [one.policy for one in requests]
    chunks = [names[start : start + MAX_POLICIES_A_QUERY] for start in range(0, policies, MAX_POLICIES_A_QUERY)]
    bodies = {counts_query(chunk, ["a1b2c3d4"], 120, "namespace"): body_of(chunk, processes, kinds) for chunk in chunks}
    source = Canned(bodies)
    spent: dict[str, list[float]] = {"read_counts": [], "unpack, merge, pack": []}
    length = 0
    for _ in range(repeats):
        begun = time.process_time()
        answers = read_counts(source, requests, AT, namespace_label="namespace")
        read = time.process_time()
        readings = [answer for answer in answers.values() if isinstance(answer, Reading)]
        assert len(readings) == policies
        for reading in readings:
            length = len(pack(merge(unpack(pack(Ledger(reading.observed))), reading.observed)))
        stored = time.process_time()
        spent["read_counts"].append(read - begun)
        spent["unpack, merge, pack"].append(stored - read)
    table = Table(
        title=f"{policies} policies x 2 variants x {processes} processes x {len(kinds)} series, "
        f"{sum(map(len, bodies.values())) / 1e6:.1f} MB in {len(bodies)} answers; ledger {length} bytes a policy"
    )
    for name in ("part of a look", "CPU of all, ms", "CPU a policy, ms"):
        table.add_column(name, justify="left" if name.startswith("part") else "right")
    spent["all of it"] = [sum(parts) for parts in zip(*spent.values(), strict=True)]
    for part, seconds in spent.items():
        typical = sorted(seconds)[len(seconds) // 2] * 1000
        table.add_row(part, f"{typical:.1f}", f"{typical / policies:.3f}")
    if policies == BAR_POLICIES and kinds is STATED:
        table.caption = f"The bar for all of it is {BAR_MS:.0f} ms."
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
