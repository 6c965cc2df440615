"""A stock engine, which reads no header and counts no variant, gets verdicts through injectors of the operator's."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from earlystop.controller.cluster import DEPLOYMENTS, ROUTES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.injector.objects import ADMIN_PORT
from earlystop.delivery.names import injector_name, overlay_name
from earlystop.demo.recordings import load_recordings
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.processes import wait_until
from tests.cluster.prometheus import Prometheus
from tests.cluster.slowed import CoreWaits
from tests.e2e.engine_stage import evaluator
from tests.e2e.injected_stage import InjectedStage
from tests.e2e.own_stage import DELAY_SECONDS, recorded
from tests.e2e.proof import only_verdict
from tests.e2e.stage import condition_is, direct, phase_is
from tests.e2e.watching import following

EVALUATOR_PORT = 9466
BACK_WITHIN_SECONDS = 10.0
"""From the end of the last Pod until users go by their own route."""


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[InjectedStage]:
    with (
        Prometheus(cluster.access.directory, address=own_address()) as prometheus,
        InjectedStage(cluster.access, gateway, prometheus, data=recorded()) as stage,
    ):
        stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
        stage.start_operator()
        yield stage
        stage.stop_injector()


def answers(stage: InjectedStage) -> bool:
    """Whether a user's question is answered through the gateway."""
    question = load_recordings(stage.data)[0].question
    body = json.dumps({"messages": [{"role": "user", "content": question}]}).encode()
    headers = {"Host": stage.host, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{stage.gateway.url}/v1/chat/completions", body, headers, method="POST")
    try:
        with direct.open(request, timeout=5) as response:
            return int(response.status) == 200
    except OSError:
        return False


def test_a_cap_that_cuts_only_talk_is_promoted_and_one_that_cuts_answers_is_rolled_back(
    stage: InjectedStage, tmp_path: Path
) -> None:
    golden = {each.question: each.gold[0] for each in load_recordings(stage.data)}
    # The recorded questions are few, and the verdict is about them: so they may be asked again.
    asked = ("--pairs-per-second=60", "--repeat")
    stage.start_load(50)
    for name, cap, phase, reason in (
        ("talk", 32, "Promoted", "NonInferiorAndSaving"),
        ("answers", 16, "RolledBack", "HarmShown"),
    ):
        ports = {"port": EVALUATOR_PORT, "injector_port": ADMIN_PORT}
        with following(stage) as watched, evaluator(stage, name, tmp_path, golden, *asked, **ports) as asking:
            stage.apply_cap(name, cap)
            stage.start_injector(name)
            watched.wait_status(name, phase_is(phase), 180, phase)
            assert asking.alive, asking.tail()
        assert only_verdict(stage, name)["spec"]["reason"] == reason
        of_policy = f'policy="{stage.namespace}/{name}"'
        assert stage.total(f'earlystop_injector_settings_total{{effect="refused",{of_policy}}}') == 0
        assert stage.total(f'earlystop_injector_settings_total{{effect="set",variant="candidate",{of_policy}}}') > 0
        stage.delete_policy(name)
        stage.leave_injector()
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]


def test_no_user_gets_a_setting_that_the_engine_refuses_and_its_own_words_say_why(stage: InjectedStage) -> None:
    stage.apply_cap("flag", 32, knob="ThinkingBudget")
    stage.start_injector("flag")
    refused = condition_is("TrafficApplied", "False", "NeedsServerFlag")
    status = stage.wait_for("flag", refused, 120, "refused by the engine")
    (said,) = (each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied")
    assert "reasoning_config is not configured" in said
    assert serves_no_user(stage.access.read(ROUTES, stage.namespace, overlay_name("flag")))
    stage.delete_policy("flag")
    stage.stop_injector()  # which no user's request came by


def test_when_the_last_injector_dies_users_go_by_their_own_route_and_return_with_it(
    stage: InjectedStage, core_waits: CoreWaits
) -> None:
    overlay = (ROUTES, stage.namespace, overlay_name("dies"))
    injector = (DEPLOYMENTS, stage.namespace, injector_name("dies"))
    starting, gone = (condition_is("TrafficApplied", each, "InjectorNotReady") for each in ("Unknown", "False"))
    with stage.node_cordoned():
        stage.apply_cap("dies", 32)
        stage.start_injector("dies")
        stage.wait_for("dies", starting, 60, "waiting for its injector's Pods")
        assert stage.access.find(*overlay) is None
    stage.wait_for("dies", condition_is("TrafficApplied", "True"), 60, "in force")
    with stage.node_cordoned():
        stage.kill_injectors("dies")
        died = time.monotonic()
        wait_until(lambda: serves_no_user(stage.access.read(*overlay)), 30, "users to be taken off")
        wait_until(lambda: answers(stage), 30, "users' requests to be served")
        core_waits.assert_within(BACK_WITHIN_SECONDS, died, "users' requests were served")
        stage.start_load(50, 2)
        stage.wait_for("dies", gone, 90, "without its injector")
        stage.start_injector("dies")
    wait_until(lambda: not serves_no_user(stage.access.read(*overlay)), 60, "users to be led again")
    stage.delete_policy("dies")
    wait_until(lambda: stage.access.find(*injector) is None, 60, "the injector to be collected")
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
