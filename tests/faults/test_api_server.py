"""The API server goes away or its watch breaks: clients notice nothing, and the operator goes on or is restarted."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.controller.cluster import ROUTES
from earlystop.delivery.names import overlay_name
from tests.cluster.installed import OPERATOR_NAMESPACE
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.proof import (
    assert_looks_are_what_prometheus_says,
    assert_weights_were_always_valid,
    only_verdict,
    verdict_looks,
)
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import following
from tests.faults.policies import apply_lasting, apply_quick
from tests.faults.proxies import SpoiledApiServer

OUTAGE_SECONDS = 10.0


@pytest.fixture
def api(stage: Stage) -> Iterator[SpoiledApiServer]:
    """A proxy before the API server, and no operator but one that a test starts behind it."""
    assert stage.operator is not None
    stage.operator.stop(0.0)
    with SpoiledApiServer(stage.access) as proxy:
        yield proxy
        stage.operator.stop(0.0)
    stage.start_operator()


@pytest.mark.usefixtures("no_policy_left", "load")
def test_an_outage_of_the_api_server_costs_no_request_and_no_count(stage: Stage, cluster: Cluster) -> None:
    # Its decision falls due during the outage, or soon after.
    apply_quick(stage, "outage", steps=[{"weight": 50, "minimumSeconds": 8}])
    stage.wait_for("outage", phase_is("Observing"), 60, "observed")
    before = stage.policy("outage")
    operator = stage.operator
    cluster.control_plane.stop_api_server()
    end = time.monotonic() + OUTAGE_SECONDS
    wait_until(lambda: time.monotonic() > end, OUTAGE_SECONDS + 5, "the outage to be long enough")
    assert operator is not None and operator.alive, "the operator ended during the outage"
    cluster.control_plane.start_api_server()
    with following(stage) as watched:
        watched.wait_status("outage", phase_is("Promoted"), 180, "promoted")
        assert operator.alive, "it is another operator that went on"
        looks = verdict_looks(only_verdict(stage, "outage"))
        assert_looks_are_what_prometheus_says(stage, looks, [before, *watched.policies("outage")])
        assert_weights_were_always_valid(watched.overlays("outage"))


@pytest.fixture
def users_objects_as_before(stage: Stage) -> Iterator[None]:
    """The user's route has its annotations again after the test."""
    yield
    stage.access.kubectl("annotate", "httproute/qa", f"--namespace={stage.namespace}", "team-")


def annotation(stage: Stage) -> str:
    """What the overlay has carried over from the user's route."""
    found = stage.access.read(ROUTES, stage.namespace, overlay_name("restarts"))
    return str((found["metadata"].get("annotations") or {}).get("team", ""))


@pytest.mark.usefixtures("no_policy_left", "load", "users_objects_as_before")
def test_an_api_server_that_is_restarted_twice_on_a_store_that_forgets_costs_no_request_no_count_and_no_edit(
    stage: Stage, cluster: Cluster
) -> None:
    apply_lasting(stage, "restarts")
    stage.wait_for("restarts", goes_on, 60, "observed")
    operator, plane = stage.operator, cluster.control_plane
    revision = stage.policy("restarts")["status"]["revision"]
    for edit in ("red", "blue"):
        plane.stop_api_server(abruptly=edit == "red")
        plane.start_api_server()
        # Edited and forgotten before any client is back: each watch and list goes on from a revision that is gone.
        annotate = ("annotate", "--overwrite", "httproute/qa", f"team={edit}", f"--namespace={stage.namespace}")
        stage.access.kubectl(*annotate)
        plane.compact_store()
        wait_until(lambda edit=edit: annotation(stage) == edit, 60, "the edit to be followed")  # type: ignore[misc]
        stage.wait_for("restarts", goes_on, 60, "observed again")
        stage.wait_for("restarts", has_counted, 60, "counted again")
    assert operator is not None and operator.alive and operator is stage.operator
    assert stage.policy("restarts")["status"]["revision"] == revision, "the campaign goes on as it was"


@pytest.mark.usefixtures("no_policy_left", "load")
def test_every_line_of_the_log_is_json_and_those_about_a_policy_name_it(stage: Stage) -> None:
    apply_quick(stage, "logged")
    stage.wait_for("logged", phase_is("Promoted"), 90, "promoted")
    assert stage.operator is not None
    log = stage.operator.log
    # It is told once it is stored, so a moment after the status shows it.
    wait_until(lambda: '"Promoted: ' in log.read_text(), 15, "the promotion to be told")
    whole, _, _ = log.read_text().rpartition("\n")  # the operator is at work, and may be writing the next line
    lines = [json.loads(line) for line in whole.splitlines()]
    assert all({"time", "level", "name", "message"} <= set(line) for line in lines)
    label = f"{stage.namespace}/logged"
    about = [line for line in lines if line.get("policy") == label]
    told = [
        line["message"].partition(":")[0] for line in about if line["name"] == "earlystop.controller.reconcile.recorder"
    ]
    assert told[0] == "CampaignStarted" and told[-1] == "Promoted"
    # What was told before it began, as of a check that is tried again after a restart of the API server, is of none.
    begun = next(number for number, line in enumerate(about) if line["message"].startswith("CampaignStarted"))
    assert [line for line in about[begun:] if line["campaign"] != 1] == []
    assert [line for line in about[:begun] if line["campaign"] != 0] == []
    assert all("policy" in line and "campaign" in line for line in lines if "controller.reconcile" in line["name"])


def test_the_probes_and_metrics_of_an_operator_at_work_are_served(stage: Stage) -> None:
    assert get(stage, "/healthz") == (200, "ok")
    assert get(stage, "/readyz") == (200, "ok")
    status, text = get(stage, "/metrics")
    assert status == 200
    for family in ("policies", "looks", "look_lateness_seconds", "reconciliations", "status_writes"):
        assert f"# TYPE earlystop_operator_{family}" in text


def test_an_operator_without_an_api_server_is_alive_but_not_ready(stage: Stage, api: SpoiledApiServer) -> None:
    kubeconfig = api.kubeconfig(stage.access.service_account_kubeconfig(OPERATOR_NAMESPACE, "earlystop"))
    api.in_loop(api.refuse())
    stage.start_operator(kubeconfig=kubeconfig, wait=False)
    wait_until(lambda: get(stage, "/readyz")[0] == 503, 30, "the probes to be served")
    assert get(stage, "/healthz") == (200, "ok")
    api.in_loop(api.listen())
    wait_until(lambda: get(stage, "/readyz") == (200, "ok"), 60, "the operator to be ready")


def test_an_operator_whose_watch_dies_ends_so_that_it_is_restarted(stage: Stage, api: SpoiledApiServer) -> None:
    kubeconfig = api.kubeconfig(stage.access.service_account_kubeconfig(OPERATOR_NAMESPACE, "earlystop"))
    operator = stage.start_operator(kubeconfig=kubeconfig)
    api.break_watches()
    wait_until(lambda: not operator.alive, 60, "the operator to end")
    assert operator.exit_code not in (0, None)
    for line in operator.log.read_text().splitlines():
        assert json.loads(line)["message"]


def goes_on(status: dict[str, Any]) -> bool:
    """Whether a rollout is observed with its weights in force."""
    return phase_is("Observing")(status) and condition_is("TrafficApplied", "True")(status)


def has_counted(status: dict[str, Any]) -> bool:
    """Whether the step's evidence has answers."""
    return int(status.get("counts", {}).get("candidate", {}).get("completed", 0)) > 0


def get(stage: Stage, path: str) -> tuple[int, str]:
    """Status and text of the operator's answer, 0 when nobody answers."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(stage.health_url + path) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
