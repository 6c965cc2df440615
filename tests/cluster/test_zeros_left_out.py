"""What Prometheus 3.x and 2.42 answer without zeros is read as their answers with them, in worlds of processes that
idle, restart, stay away, come back, and expose what is no count."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import Any

import pytest

from earlystop.api.wire import (
    COUNTED_METRICS,
    LATER_METRICS,
    PAIR_ANSWERS,
    PAIRS,
    REQUESTS,
    SELECTED,
    STARTED,
    Selected,
)
from earlystop.metrics.convention.compaction import fold_silent, unfolded
from earlystop.metrics.convention.ledger import Ledger, merge
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.vectors import InstantVectors
from tests.cluster.network import NODE_ADDRESS, enter_private_network
from tests.cluster.prometheus import Prometheus

POLICIES = tuple(f"llm/world-{number}" for number in range(40))
LOOKS = 12
WINDOW_SECONDS = 2
PORT = 8086
KINDS = (
    COUNTED_METRICS,  # a server
    tuple(each for each in COUNTED_METRICS if each != STARTED),  # an evaluator
    (REQUESTS, PAIRS, PAIR_ANSWERS),
    LATER_METRICS,
)
ODD_VALUES = ("NaN", "0.5", "-1", "+Inf")
Series = tuple[Selected, str, str, str]
"""What is counted, and its step, variant and query class."""


@dataclass
class Process:
    """What counts for one policy. It idles at first, and perhaps for ever."""

    policy: str
    name: str
    rng: random.Random
    busy: float = 0.0
    there: bool = True
    values: dict[Series, int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.busy = self.rng.choice([0.0, 0.02, 0.4])
        metrics = self.rng.choice(KINDS)
        self._kinds = [each for each in SELECTED if each.metric in metrics]
        self._classes = self.rng.sample(["default", "code", "chat"], 3)
        self._begin_class()

    def _begin_class(self) -> None:
        if self._classes:
            begun = self._classes.pop()
            places = product(self._kinds, ("0", "1"), ("baseline", "candidate"))
            self.values |= {(kind, step, variant, begun): 0 for kind, step, variant in places}

    def live(self) -> None:
        """One tick."""
        chance = self.rng.random()
        if chance < 0.1:
            self.there = not self.there
        elif chance < 0.2:
            self._begin_class()
        elif chance < 0.25:
            self.values = dict.fromkeys(self.values, 0)
        elif chance < 0.26:
            self.values[self.rng.choice(list(self.values))] = self.rng.choice(ODD_VALUES)
        for key, value in self.values.items():
            if isinstance(value, int) and self.rng.random() < self.busy:
                self.values[key] = value + self.rng.choice([1, 1, 7, 2**33])

    def lines(self) -> Iterator[str]:
        """The samples of a scrape."""
        for (kind, step, variant, query_class), value in self.values.items() if self.there else ():
            marks = {name: text for name, text in kind._asdict().items() if name != "metric" and text}
            of_all = {"policy": self.policy, "revision": "r1", "step": step, "variant": variant}
            labels = {**of_all, "query_class": query_class, "process": self.name, **marks}
            written = ",".join(f'{name}="{text}"' for name, text in labels.items())
            yield f"{kind.metric}{{{written}}} {value}\n"


@contextmanager
def served(page: list[str]) -> Iterator[str]:
    """The address of a server whose page is what the list holds at the time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            with suppress(OSError):  # a scrape that takes too long is given up
                self.wfile.write(page[0].encode())

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer((NODE_ADDRESS, PORT), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{NODE_ADDRESS}:{PORT}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Whole:
    """The same source asked for all counters, also those of 0."""

    def __init__(self, source: ExactPrometheus) -> None:
        self._source = source

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        assert query.count(" != 0 or ") == 1
        return self._source.instant_vector(query.replace(" != 0 or ", " or "), at)


def readings(client: InstantVectors, at: int, namespace: str | None, step: int | None) -> dict[str, Reading | str]:
    """Of each policy, or of what kind the failure is. Which of several values that are no counts it names is left out,
    and how many rows came from other namespaces."""
    requests = [CountRequest(policy, "r1", WINDOW_SECONDS, step=step) for policy in POLICIES]
    answers = read_counts(client, requests, at, namespace_label=namespace)
    return {
        policy: each.kind.value
        if isinstance(each, MetricsFailure)
        else replace(each, rows_refused=min(each.rows_refused, 1))
        for policy, each in answers.items()
    }


def after(ledger: Ledger, reading: Reading | str, look: int) -> Ledger:
    """As if half an hour went by between two looks, so that who stays away is folded and may come back."""
    if isinstance(reading, str):
        return ledger
    seen = unfolded(ledger, reading.observed)
    return fold_silent(merge(ledger, seen), seen, 1800 * look)


@pytest.fixture(params=[False, True], ids=["3.x", "2.42"])
def prometheus(request: pytest.FixtureRequest) -> Iterator[Prometheus]:
    with Prometheus(enter_private_network(), port=9197, older=request.param) as one:
        yield one


def test_a_look_without_zeros_reads_what_a_look_at_all_counters_reads_in_every_world(prometheus: Prometheus) -> None:
    rng = random.Random(23)
    processes = [Process(policy, f"p{n}", rng) for policy in POLICIES for n in range(rng.randint(1, 3))]
    source = ExactPrometheus(prometheus.url)
    clients: tuple[InstantVectors, InstantVectors] = (source, Whole(source))
    ledgers = [dict.fromkeys(POLICIES, Ledger()) for _ in clients]
    outcomes: set[str] = set()
    page = [""]
    with served(page) as address:
        for look in range(LOOKS):
            page[0] = "".join(line for each in processes for line in each.lines())
            if look == 0:
                prometheus.start({"qa": [address]}, "500ms", labels={"qa": {"namespace": "llm"}})
            prometheus.wait_scraped()
            at = int(time.time())
            for namespace, step in ((None, None), ("namespace", look % 2), ("job", None)):
                left, whole = (readings(client, at, namespace, step) for client in clients)
                assert left == whole
                outcomes |= {each if isinstance(each, str) else "read" for each in left.values()}
            for client, known in zip(clients, ledgers, strict=True):
                found = readings(client, at, None, None)
                known |= {policy: after(known[policy], found[policy], look) for policy in POLICIES}
            assert ledgers[0] == ledgers[1]
            for each in processes:
                each.live()
    assert outcomes == {"read", FailureKind.NO_DATA.value, FailureKind.NOT_A_COUNT.value}
    assert any(each.ended.sums for each in ledgers[0].values())
