"""What a real Prometheus does to the labels of the convention by a faulty scrape config is told by its reason."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import MetricsFailure
from tests.cluster.counting_fleet import Fleet
from tests.cluster.counting_server import POLICY, REVISION
from tests.cluster.network import enter_private_network
from tests.cluster.processes import wait_until
from tests.cluster.prometheus import Prometheus

DROPPED = [{"action": "labeldrop", "regex": "process"}]
SHARED = [{"target_label": "process", "replacement": "web"}]
CASES: dict[str, tuple[Mapping[str, str], Sequence[Mapping[str, str]], str]] = {
    "dropped": ({}, DROPPED, "ProcessMissing"),
    "shared": ({}, SHARED, "ProcessShared"),
    "overwritten": ({"process": "web"}, (), "LabelOverwritten"),
    "of a Pod": ({"variant": "canary"}, (), "LabelOverwritten"),
    "the policy": ({"policy": "reclaim"}, (), "LabelOverwritten"),
}


@pytest.fixture
def both() -> Iterator[tuple[Prometheus, Prometheus]]:
    """Prometheus 3.x and 2.42, each with the same faulty config."""
    scratch = enter_private_network()
    with Prometheus(scratch, port=9196) as newer, Prometheus(scratch, port=9197, older=True) as older:
        yield newer, older


def outcome(prometheus: Prometheus) -> str:
    """The reason of a failure, or how many processes were read."""
    at = int(time.time())
    answer = read_counts(ExactPrometheus(prometheus.url), [CountRequest(POLICY, REVISION, 10)], at)[POLICY]
    return (
        answer.kind.value if isinstance(answer, MetricsFailure) else str(len({key.process for key in answer.observed}))
    )


def await_outcome(both: tuple[Prometheus, Prometheus], wanted: str, case: str) -> None:
    for prometheus in both:
        described = f"{wanted} where process is {case}, of Prometheus {prometheus.version}"
        wait_until(lambda prometheus=prometheus: outcome(prometheus) == wanted, 30, described)  # type: ignore[misc]


def test_labels_that_a_scrape_config_drops_shares_or_overwrites_are_told_by_their_reasons(
    both: tuple[Prometheus, Prometheus],
) -> None:
    directory = Path(tempfile.mkdtemp(prefix="fleet-", dir=enter_private_network()))
    with Fleet(directory, size=2, seed=5) as fleet:
        jobs = {"annotations": fleet.addresses, "llm/qa": fleet.addresses}
        for prometheus in both:
            prometheus.start(jobs, "500ms")
        assert [each.version.startswith("2.42.") for each in both] == [False, True]
        await_outcome(both, "2", "as exported, and both servers are scraped by two jobs")
        for case, (labels, relabelling, reason) in CASES.items():
            for prometheus in both:
                prometheus.stop()
                told = {case: labels}
                prometheus.start({case: fleet.addresses}, "500ms", labels=told, relabelling=relabelling, wait_up=False)
            for prometheus in both:
                prometheus.wait_up()
            await_outcome(both, reason, case)
