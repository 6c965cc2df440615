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
from tests.cluster.prometheus import Prometheus
from tests.turns import Turns

ENGINE, INJECTOR, OTHER = (f"{NODE_ADDRESS}:{port}" for port in (9181, 9182, 9183))
TOKENS = 40
SOON = 2
"""Seconds."""
COUNTERS = {
    "vllm:request_generation_tokens_count": 1,
    "vllm:request_generation_tokens_sum": TOKENS,
    INJECTOR_SEQUENCES: 1,
    INJECTOR_TOKENS: TOKENS,
    INJECTOR_TOKENS_SQUARED: TOKENS**2,
    INJECTOR_FAILURES: 0,
}
FORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vllm-before-engines": ("VLLM", ('{model_name="m"}',)),
    "vllm-data-parallel": ("VLLM", tuple(f'{{engine="{rank}",model_name="m"}}' for rank in range(4))),
    "vllm-two-models": ("VLLM", ('{engine="0",model_name="m"}', '{engine="0",model_name="m:lora"}')),
    "sglang-one-series": ("SGLang", ('{model_name="m"}',)),
    "sglang-by-stream": (
        "SGLang",
        tuple(f'{{engine_type="unified",is_streaming="{each}",model_name="m"}}' for each in ("false", "true")),
    ),
    "sglang-by-rank": (
        "SGLang",
        tuple(
            f'{{dp_rank="{rank}",engine_type="unified",model_name="m",moe_ep_rank="0",pp_rank="0",tp_rank="0"}}'
            for rank in range(2)
        ),
    ),
}
"""By the name of an engine's Deployment: its preset, and the labels of the series that versions of it have had."""
NAMES = {
    "VLLM": ("vllm:request_generation_tokens_count", "vllm:request_generation_tokens_sum"),
    "SGLang": ("sglang:num_requests_total", "sglang:generation_tokens_total"),
}
BUCKETS = ("1.0", "20.0", "+Inf")


def page_of(form: str, number: int) -> str:
    """The page of an engine that has answered so many requests, among its series one by one."""
    preset, series = FORMS[form]
    requests, tokens = NAMES[preset]
    lines = ["# HELP python_info Python platform information.", "# TYPE python_info gauge", "python_info 1.0"]
    for at, labels in enumerate(series):
        of_these = len(range(at, number, len(series)))
        lines += [f"{requests}{labels} {of_these}.0", f"{tokens}{labels} {of_these * TOKENS:e}"]
        inner = labels.strip("{}")
        if preset == "VLLM":
            lines += [f'vllm:request_generation_tokens_bucket{{{inner},le="{each}"}} {of_these}' for each in BUCKETS]
            lines.append(f"vllm:request_generation_tokens_created{labels} 1.7957e+09")
    return "\n".join(lines) + "\n"


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    """One that scrapes an engine's Pod that answers 100 requests a second, two injectors' Pods which count 100 and 20,
    a Pod with each form of an engine's page which answers 100 as well, and nothing else."""
    directory = enter_private_network()
    servers = [serving(address, a_second) for address, a_second in ((ENGINE, 100), (INJECTOR, 100), (OTHER, 20))]
    places = {form: f"{NODE_ADDRESS}:{9211 + at}" for at, form in enumerate(FORMS)}
    servers += [serving(address, 100, form) for form, address in places.items()]
    pods = {
        "engine": ([ENGINE], {"namespace": "llm", "pod": "qwen-6f4b9c5d8-x7x2k"}),
        "injector": ([INJECTOR], {"namespace": "llm", "pod": "cap-es-injector-6f4b9c5d8-bcdfg"}),
        "other": ([OTHER], {"namespace": "llm", "pod": "other-es-injector-6f4b9c5d8-bcdfg"}),
        **{form: ([at], {"namespace": "llm", "pod": f"{form}-6f4b9c5d8-x7x2k"}) for form, at in places.items()},
    }
    with Prometheus(directory, port=9195) as one:
        targets = {job: addresses for job, (addresses, _) in pods.items()}
        one.start(targets, "1s", labels={job: labels for job, (_, labels) in pods.items()})
        yield one
    for each in servers:
        each.shutdown()


def serving(address: str, a_second: int, form: str = "") -> ThreadingHTTPServer:
    """A server of a page whose counters grow by so many requests a second. form: of an engine's page, "" for that of
    the newest vLLM."""
    host, _, port = address.partition(":")
    began, is_engine = time.time(), address == ENGINE

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = round(a_second * (time.time() - began))
            shown = {name: each for name, each in COUNTERS.items() if name.startswith("vllm") == is_engine}
            plain = "".join(f"{name} {number * each}\n" for name, each in shown.items())
            body = (page_of(form, number) if form else plain).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer((host, int(port)), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def compared(
    prometheus: Prometheus, injector: str, begin: int, engine: str = "qwen", preset: str = "VLLM"
) -> Compared | MetricsFailure:
    """What eight seconds show."""
    question = CrossCheckQuestion(
        policy=f"llm/{injector}",
        preset=preset,
        injector=PodOwner(f"{injector}-es-injector"),
        engine=PodOwner(engine),
        begin=begin,
        end=begin + 8,
        margin=3,
        namespace_label="namespace",
    )
    return read_cross_check(ExactPrometheus(prometheus.url), question)


def whole_window(prometheus: Prometheus) -> int:
    """The beginning of eight seconds before and after either end of which every process was scraped soon: on a busy
    machine a scrape may fail."""
    targets, turns = 3 + len(FORMS), Turns(20)
    while turns.another():
        begin = int(time.time()) + 3
        time.sleep(begin + 12 - time.time())  # the window, and the scrapes after it
        rows = prometheus.query("up[14s]", at=float(begin + 11))
        times = [[float(at) for at, value in row["values"] if value == "1"] for row in rows]
        sides = [(moment - SOON, moment) for moment in (begin, begin + SOON, begin + 8, begin + 8 + SOON)]
        if len(times) == targets and all(any(a <= at <= b for at in of) for of in times for a, b in sides):
            break
    return begin


def test_pods_that_count_the_same_agree_in_every_form_of_a_page_and_one_that_counts_a_fifth_does_not(
    prometheus: Prometheus,
) -> None:
    begin = whole_window(prometheus)
    assert compared(prometheus, "cap", begin) is None
    found = compared(prometheus, "other", begin)
    assert isinstance(found, Disagreement) and found.larger is Larger.ENGINE and not found.is_cut
    # Four fifths of 800 answers, less what the scrapes at either end leave open.
    assert 200 < found.sequences <= 640 and TOKENS * 200 < found.tokens <= TOKENS * 640
    assert isinstance(compared(prometheus, "cap", begin, engine="gone"), NotCounted)
    for form, (preset, _) in FORMS.items():
        assert compared(prometheus, "cap", begin, form, preset) is None, form
        apart = compared(prometheus, "other", begin, form, preset)
        assert isinstance(apart, Disagreement) and apart.larger is Larger.ENGINE, form
