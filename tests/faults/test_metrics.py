"""Prometheus fails for longer than a policy is willing to wait: a rollout is taken back, a promotion is not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from aiohttp import web

from tests.cluster.processes import wait_until
from tests.e2e.own_stage import DELAY_SECONDS
from tests.e2e.proof import (
    assert_looks_are_what_prometheus_says,
    assert_weights_were_always_valid,
    looks_of,
    only_verdict,
    verdict_looks,
    wait_share,
)
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.policies import apply_lasting, apply_quick
from tests.faults.proxies import Proxy, kept
from tests.faults.reconciling import reconciliations, wait_reconciled
from tests.faults.spoiled_prometheus import SpoiledPrometheus, closing

BEHIND_SECONDS = 300
HOLD_SECONDS = 5
"""Of a policy that would be rolled back by a longer outage; one look that fails on a busy machine is shorter."""


@pytest.fixture(scope="module")
def source(stage: Stage) -> Iterator[SpoiledPrometheus]:
    """Stands between the operator and the real Prometheus, which goes on scraping."""
    with SpoiledPrometheus(stage.prometheus.url) as proxy:
        stage.apply_source(proxy.url, evaluationDelaySeconds=DELAY_SECONDS, timeoutSeconds=10)
        yield proxy
        proxy.become("fine")


@pytest.fixture(scope="module", autouse=True)
def module_load(stage: Stage) -> Iterator[None]:
    stage.start_load(200)
    yield
    assert stage.stop_load()["failed"] == 0


def test_an_outage_beyond_its_patience_rolls_a_running_rollout_back(
    stage: Stage, watched: Following, source: SpoiledPrometheus, no_policy_left: None
) -> None:
    apply_lasting(stage, "blind", onNoMetrics={"holdSeconds": 4, "then": "RollBack"})
    watched.wait_status("blind", lambda status: len(looks_of(status)) > 0 or phase_is("Observing")(status), 60, "seen")
    source.become("503")
    watched.wait_status("blind", phase_is("RolledBack"), 60, "rolled back")
    assert watched.weight("blind") == 0
    wait_share(stage, "candidate", 0.0)
    verdict = only_verdict(stage, "blind")
    assert (verdict["spec"]["decision"], verdict["spec"]["reason"]) == ("RollBack", "NoMetrics")
    assert_weights_were_always_valid(watched.overlays("blind"))
    source.become("fine")


def test_a_promoted_setting_is_never_reverted_by_an_outage(
    stage: Stage, watched: Following, source: SpoiledPrometheus, no_policy_left: None
) -> None:
    source.become("fine")
    apply_quick(stage, "proven", onNoMetrics={"holdSeconds": HOLD_SECONDS, "then": "RollBack"})
    watched.wait_status("proven", phase_is("Promoted"), 120, "promoted")
    source.become("refused")
    began = time.monotonic()
    make_it_reconcile(stage, "proven", "as the outage begins")
    time.sleep(max(0.0, began + 2 * HOLD_SECONDS - time.monotonic()))
    for mark in ("first", "second", "third"):
        make_it_reconcile(stage, "proven", mark)
    assert stage.operator is not None
    stage.operator.stop(0.0)
    stage.start_operator()
    wait_reconciled(stage)
    assert watched.status("proven")["phase"] == "Promoted"
    assert watched.weight("proven") == 100
    wait_share(stage, "candidate", 1.0, 200)
    assert_looks_are_what_prometheus_says(
        stage, verdict_looks(only_verdict(stage, "proven")), watched.policies("proven")
    )
    source.become("fine")


class FastClock(Proxy):
    """A source whose clock is five minutes fast, so that the operator's is that much behind it."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass a query on, and its answer back with another Date."""
        async with self.upstream(request, await request.read()) as answer:
            said = formatdate(time.time() + BEHIND_SECONDS, usegmt=True)
            headers = {**kept(answer.headers), "Date": said}
            return closing(web.Response(status=answer.status, headers=headers, body=await answer.read()))


def test_a_clock_that_is_behind_the_sources_is_told_and_stops_no_rollout(
    stage: Stage, watched: Following, source: SpoiledPrometheus, no_policy_left: None
) -> None:
    def said() -> str:
        status = stage.access.get(f"ess/{stage.source}").get("status", {})
        return next((each["reason"] for each in status.get("conditions", []) if each["type"] == "Reachable"), "")

    fields = {"evaluationDelaySeconds": DELAY_SECONDS, "timeoutSeconds": 10}
    with FastClock(stage.prometheus.url) as fast:
        stage.apply_source(fast.url, **fields)
        apply_quick(stage, "late")
        status = watched.wait_status("late", condition_is("MetricsAvailable", "True", "ClockBehind"), 60, "told")
        (message,) = [each["message"] for each in status["conditions"] if each["type"] == "MetricsAvailable"]
        (seconds,) = re.findall(r"was counted (\d+) s ago", message)
        assert abs(int(seconds) - BEHIND_SECONDS) <= 5 and "NTP" in message
        wait_until(lambda: said() == "ClockBehind", 30, "the source to say so, too")
        watched.wait_status("late", phase_is("Promoted"), 120, "promoted")
        assert len(stage.told("late", "ClockBehind")) == 1
        stage.apply_source(source.url, **fields)
        wait_until(lambda: said() == "Answering", 60, "the source to take it back")


def make_it_reconcile(stage: Stage, policy: str, mark: str) -> None:
    """Change the object, so that the operator looks at the policy again, and wait until it has."""
    before = reconciliations(stage)
    where = f"--namespace={stage.namespace}"
    stage.access.kubectl("annotate", f"esp/{policy}", where, "--overwrite", f"example.com/touched={mark}")
    wait_reconciled(stage, before)
