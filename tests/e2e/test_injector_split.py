"""An injector that draws variants itself gets verdicts for a stock engine, by a route without a filter and by none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earlystop.controller.cluster import CONFIG_MAPS, ROUTES, SERVICES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.injector.objects import ADMIN_PORT
from earlystop.delivery.names import injector_name, overlay_name
from earlystop.demo.recordings import load_recordings
from earlystop.exporter.settings_document import read_document
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.e2e.drawn_stage import DrawnStage
from tests.e2e.engine_stage import evaluator
from tests.e2e.own_stage import recorded, stage_of
from tests.e2e.proof import only_verdict
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import following

PORTS = {"port": 9466, "injector_port": ADMIN_PORT}
ASKED = ("--pairs-per-second=60", "--repeat")


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[DrawnStage]:
    with stage_of(DrawnStage, cluster, gateway, recorded()) as stage:
        yield stage
        stage.stop_injector()
        stage.stop_kubelet()


@pytest.fixture(scope="module")
def golden(stage: DrawnStage) -> dict[str, str]:
    return {each.question: each.gold[0] for each in load_recordings(stage.data)}


def weights(stage: DrawnStage, policy: str) -> tuple[int, ...]:
    (text,) = stage.access.read(CONFIG_MAPS, stage.namespace, injector_name(policy))["data"].values()
    return tuple(weight for _, weight in read_document(text).weights)


def test_by_a_route_without_a_filter_a_cap_is_promoted_and_no_request_fails(
    stage: DrawnStage, golden: dict[str, str], tmp_path: Path
) -> None:
    stage.start_load(50)
    with following(stage) as watched, evaluator(stage, "drawn", tmp_path, golden, *ASKED, **PORTS) as asking:
        stage.apply_drawn("drawn", 32, {"routeRef": {"name": "qa"}})
        stage.start_injector("drawn")
        watched.wait_status("drawn", phase_is("Promoted"), 180, "Promoted")
        assert asking.alive, asking.tail()
    assert only_verdict(stage, "drawn")["spec"]["reason"] == "NonInferiorAndSaving"
    overlay = stage.access.read(ROUTES, stage.namespace, overlay_name("drawn"))
    assert not serves_no_user(overlay) and weights(stage, "drawn") == (0, 100)
    assert all("filters" not in backend for rule in overlay["spec"]["rules"] for backend in rule["backendRefs"])
    stage.delete_policy("drawn")
    stage.leave_injector()
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, summary["examples"]


def test_without_a_route_clients_use_its_service_and_after_a_rollback_none_of_them_needs_an_injector(
    stage: DrawnStage, golden: dict[str, str], tmp_path: Path
) -> None:
    stage.scrape_injector()
    stage.apply_drawn("direct", 16, {"serviceRef": {"name": "qa", "port": 80}})
    stage.start_injector("direct")
    stage.wait_for("direct", condition_is("TrafficApplied", "True"), 90, "in force")
    stage.lead_clients_to(injector_name("direct"))
    stage.start_load(50)
    with following(stage) as watched, evaluator(stage, "direct", tmp_path, golden, *ASKED, **PORTS) as asking:
        watched.wait_status("direct", phase_is("RolledBack"), 180, "RolledBack")
        assert asking.alive, asking.tail()
    assert only_verdict(stage, "direct")["spec"]["reason"] == "HarmShown"
    service = stage.access.read(SERVICES, stage.namespace, injector_name("direct"))
    engine = stage.access.read(SERVICES, stage.namespace, "qa")
    assert service["spec"]["selector"] == engine["spec"]["selector"] and weights(stage, "direct") == (100, 0)
    stage.leave_injector()
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, summary["examples"]
    stage.lead_clients_to("qa")
    stage.delete_policy("direct")
