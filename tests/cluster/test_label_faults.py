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


@pytest.fixture(params=[False, True], ids=["3.x", "2.42"])
def prometheus(request: pytest.FixtureRequest) -> Iterator[Prometheus]:
    with Prometheus(enter_private_network(), port=9196, older=request.param) as one:
        yield one


def outcome(prometheus: Prometheus) -> str:
    """The reason of a failure, or how many processes were read."""
    at = int(time.time())
    answer = read_counts(ExactPrometheus(prometheus.url), [CountRequest(POLICY, REVISION, 10)], at)[POLICY]
    return (
        answer.kind.value if isinstance(answer, MetricsFailure) else str(len({key.process for key in answer.observed}))
    )


def await_outcome(prometheus: Prometheus, wanted: str, case: str) -> None:
    wait_until(lambda: outcome(prometheus) == wanted, 30, f"{wanted} where process is {case}")


def test_labels_that_a_scrape_config_drops_shares_or_overwrites_are_told_by_their_reasons(
    prometheus: Prometheus,
) -> None:
    directory = Path(tempfile.mkdtemp(prefix="fleet-", dir=enter_private_network()))
    with Fleet(directory, size=2, seed=5) as fleet:
        jobs = {"annotations": fleet.addresses, "llm/qa": fleet.addresses}
        prometheus.start(jobs, "500ms")
        await_outcome(prometheus, "2", "as exported, and both servers are scraped by two jobs")
        prometheus.stop()
        for case, (labels, relabelling, reason) in CASES.items():
            prometheus.start({case: fleet.addresses}, "500ms", labels={case: labels}, relabelling=relabelling)
            await_outcome(prometheus, reason, case)
            prometheus.stop()
