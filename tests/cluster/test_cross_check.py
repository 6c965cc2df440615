"""An engine's and an injector's counters in a real Prometheus: they agree as long as both count the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from earlystop.api.wire import INJECTOR_FAILURES, INJECTOR_SEQUENCES, INJECTOR_TOKENS, INJECTOR_TOKENS_SQUARED
from earlystop.metrics.cross_check import Disagreement, Larger
from earlystop.metrics.cross_check_reading import Compared, CrossCheckQuestion, NotCounted, read_cross_check
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.templates.pod_names import PodOwner
from tests.cluster.network import NODE_ADDRESS, enter_private_network
from tests.cluster.processes import wait_until
from tests.cluster.prometheus import Prometheus

ENGINE, INJECTOR, OTHER = (f"{NODE_ADDRESS}:{port}" for port in (9181, 9182, 9183))
TOKENS = 40
COUNTERS = {
    "vllm:request_generation_tokens_count": 1,
    "vllm:request_generation_tokens_sum": TOKENS,
    INJECTOR_SEQUENCES: 1,
    INJECTOR_TOKENS: TOKENS,
    INJECTOR_TOKENS_SQUARED: TOKENS**2,
    INJECTOR_FAILURES: 0,
}


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    """One that scrapes an engine's Pod that answers 100 requests a second, two injectors' Pods which count 100 and 20,
    and nothing else."""
    directory = enter_private_network()
    servers = [serving(address, a_second) for address, a_second in ((ENGINE, 100), (INJECTOR, 100), (OTHER, 20))]
    pods = {
        "engine": ([ENGINE], {"namespace": "llm", "pod": "qwen-6f4b9c5d8-x7x2k"}),
        "injector": ([INJECTOR], {"namespace": "llm", "pod": "cap-es-injector-6f4b9c5d8-bcdfg"}),
        "other": ([OTHER], {"namespace": "llm", "pod": "other-es-injector-6f4b9c5d8-bcdfg"}),
    }
    with Prometheus(directory, port=9195) as one:
        targets = {job: addresses for job, (addresses, _) in pods.items()}
        one.start(targets, "1s", labels={job: labels for job, (_, labels) in pods.items()})
        yield one
    for each in servers:
        each.shutdown()


def serving(address: str, a_second: int) -> ThreadingHTTPServer:
    """A server of a page whose counters grow by so many requests a second."""
    host, _, port = address.partition(":")
    began, is_engine = time.time(), address == ENGINE

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = round(a_second * (time.time() - began))
            shown = {name: each for name, each in COUNTERS.items() if name.startswith("vllm") == is_engine}
            body = "".join(f"{name} {number * each}\n" for name, each in shown.items()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer((host, int(port)), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def compared(prometheus: Prometheus, injector: str, begin: int, engine: str = "qwen") -> Compared | MetricsFailure:
    """What eight seconds show."""
    question = CrossCheckQuestion(
        policy=f"llm/{injector}",
        preset="VLLM",
        injector=PodOwner(f"{injector}-es-injector"),
        engine=PodOwner(engine),
        begin=begin,
        end=begin + 8,
        margin=3,
        namespace_label="namespace",
    )
    return read_cross_check(ExactPrometheus(prometheus.url), question)


def test_pods_that_count_the_same_agree_and_one_that_counts_a_fifth_does_not(prometheus: Prometheus) -> None:
    begin = int(time.time()) + 3
    wait_until(lambda: time.time() > begin + 12, 30, "the window and the scrapes after it")
    assert compared(prometheus, "cap", begin) is None
    found = compared(prometheus, "other", begin)
    assert isinstance(found, Disagreement) and found.larger is Larger.ENGINE and not found.is_cut
    # Four fifths of 800 answers, less what the scrapes at either end leave open.
    assert 200 < found.sequences <= 640 and TOKENS * 200 < found.tokens <= TOKENS * 640
    assert isinstance(compared(prometheus, "cap", begin, engine="gone"), NotCounted)
