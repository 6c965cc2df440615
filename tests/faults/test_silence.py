"""A quiet night on real servers: silence rolls nothing back, and absence is told by the names of its targets."""

from __future__ import annotations

import time
from itertools import groupby
from typing import Any

from tests.cluster.processes import wait_until
from tests.e2e.proof import only_verdict
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.policies import apply_lasting

HOLD_SECONDS, QUIET_SECONDS = 25, 35
"""A server that is replaced on a busy machine is away for some seconds, and the silence lasts longer than is borne."""
PATIENT: dict[str, Any] = {"onNoMetrics": {"holdSeconds": HOLD_SECONDS, "then": "RollBack"}, "lookSeconds": 5}


def metrics_conditions(watched: Following, policy: str) -> list[tuple[str, str]]:
    """What MetricsAvailable said, each change once."""
    statuses = (revision.get("status", {}) for revision in watched.policies(policy))
    conditions = (each for status in statuses for each in status.get("conditions", []))
    found = [(each["status"], each["reason"]) for each in conditions if each["type"] == "MetricsAvailable"]
    return [said for said, _ in groupby(found)]


def restart_server(stage: Stage) -> None:
    """The server is replaced by a new one, which exposes no counter before its next request."""
    assert stage.server is not None
    stage.server.stop(patience_seconds=5.0)
    stage.start_server()


def answers(status: dict[str, Any]) -> int:
    counts = status.get("counts", {})
    return int(counts.get("baseline", {}).get("completed", 0))


def wait_counted(stage: Stage, policy: str, before: int = 0) -> None:
    """Wait until a look has stored more answers than before. Until then, that counters are silent is no loss."""
    wait_until(lambda: answers(stage.policy(policy)["status"]) > before, 90, "answers to be counted")


def test_servers_that_are_restarted_in_a_quiet_hour_end_no_rollout(
    stage: Stage, watched: Following, no_policy_left: None
) -> None:
    stage.start_load(50)
    apply_lasting(stage, "night", **PATIENT)
    watched.wait_status("night", phase_is("Observing"), 60, "observed")
    wait_counted(stage, "night")
    assert stage.stop_load()["failed"] == 0
    stage.prometheus.wait_scraped()
    restart_server(stage)
    time.sleep(QUIET_SECONDS)
    status = stage.policy("night")["status"]
    assert status["phase"] == "Observing", status
    readable = ("True", "Readable")
    watched.wait(lambda: metrics_conditions(watched, "night")[-1] == readable, 30, "metrics to be readable", "night")
    said = metrics_conditions(watched, "night")
    assert ("False", "NoData") not in said
    assert len(said) <= 4, "a restart may be seen once"
    before = answers(status)
    stage.start_load(50)
    wait_counted(stage, "night", before)
    assert stage.stop_load()["failed"] == 0


def test_a_policy_that_is_applied_in_a_quiet_hour_waits_for_requests(
    stage: Stage, watched: Following, no_policy_left: None
) -> None:
    restart_server(stage)
    apply_lasting(stage, "early", **PATIENT)
    watched.wait_status("early", phase_is("Observing", "Settling"), 60, "in force, as probes prove")
    time.sleep(QUIET_SECONDS)
    status = stage.policy("early")["status"]
    assert status["phase"] in ("Observing", "Settling"), status


def test_a_server_that_is_gone_is_named_and_its_rollout_taken_back(
    stage: Stage, watched: Following, no_policy_left: None
) -> None:
    stage.start_load(50)
    apply_lasting(stage, "gone", **PATIENT)
    watched.wait_status("gone", phase_is("Observing"), 60, "observed")
    wait_counted(stage, "gone")
    stage.stop_load()
    assert stage.server is not None
    stage.server.stop(patience_seconds=5.0)
    down = f"{stage.server_address}:{stage.server_port} job qa is down"

    def is_named(status: dict[str, Any]) -> bool:
        said = [each for each in status.get("conditions", []) if each["type"] == "MetricsAvailable"]
        return any((each["status"], each["reason"]) == ("False", "Stale") and down in each["message"] for each in said)

    watched.wait_status("gone", is_named, 60, "stale, since its server is down")
    watched.wait_status("gone", phase_is("RollingBack", "RolledBack"), 60, "decided")
    stage.start_server()  # it answers the probes that prove the baseline's weights
    watched.wait_status("gone", phase_is("RolledBack"), 90, "rolled back")
    assert only_verdict(stage, "gone")["spec"]["reason"] == "NoMetrics"


def test_a_scrape_interval_that_is_declared_too_short_is_told_once_and_no_condition_flaps(
    stage: Stage, watched: Following, no_policy_left: None
) -> None:
    stage.prometheus.stop()
    stage.prometheus.start(scrape_interval="12s", wait_up=False)
    stage.start_load(50)
    apply_lasting(stage, "hasty", **{**PATIENT, "onNoMetrics": {"holdSeconds": 600, "then": "RollBack"}})
    watched.wait_status(
        "hasty", condition_is("MetricsAvailable", "True", "ScrapeIntervalDiffers"), 240, "told of the interval"
    )
    told, begun = len(metrics_conditions(watched, "hasty")), time.monotonic()
    time.sleep(30)
    said = metrics_conditions(watched, "hasty")
    assert len(said) == told and time.monotonic() - begun >= 30, said
    (message,) = [
        each["message"] for each in stage.policy("hasty")["status"]["conditions"] if each["type"] == "MetricsAvailable"
    ]
    assert "scraped every 12 s" in message and "declares 1 s" in message, message
    assert len(stage.told("hasty", "ScrapeIntervalDiffers")) == 1
    stage.stop_load()
    stage.prometheus.stop()
    stage.prometheus.start(scrape_interval="1s", wait_up=True)
