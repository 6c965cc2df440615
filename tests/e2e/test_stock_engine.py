"""A stock engine, which reads no header and counts no variant, gets verdicts through injectors of the operator's."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.body_knobs import Engine
from earlystop.controller.cluster import DEPLOYMENTS, ROUTES
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.injector.objects import ADMIN_PORT
from earlystop.delivery.names import injector_name, overlay_name
from earlystop.demo.recordings import load_recordings
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.capped_engine import WITHOUT_CAP
from tests.e2e.engine_stage import evaluator
from tests.e2e.injected_stage import InjectedStage
from tests.e2e.own_stage import recorded, stage_of
from tests.e2e.proof import only_verdict
from tests.e2e.stage import direct
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following, following

EVALUATOR_PORT = 9466
BACK_WITHIN_SECONDS = 10.0
"""From the end of the last Pod until users go by their own route."""


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[InjectedStage]:
    with stage_of(InjectedStage, cluster, gateway, recorded()) as stage:
        yield stage
        stage.stop_injector()


def answer(stage: InjectedStage, **headers: str) -> dict[str, Any]:
    """The answer to a user's question through the gateway. Raises OSError where there is none."""
    question = load_recordings(stage.data)[0].question
    body = json.dumps({"messages": [{"role": "user", "content": question}]}).encode()
    headers = {"Host": stage.host, "Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"{stage.gateway.url}/v1/chat/completions", body, headers, method="POST")
    with direct.open(request, timeout=5) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


def answers(stage: InjectedStage) -> bool:
    """Whether a user's question is answered through the gateway."""
    try:
        return bool(answer(stage))
    except OSError:
        return False


@contextmanager
def judged(stage: InjectedStage, policy: str, directory: Path, *options: str) -> Iterator[Following]:
    """The policy is watched, and golden questions are asked for it all the time. options: more of the evaluator's."""
    golden = {each.question: each.gold[0] for each in load_recordings(stage.data)}
    # The recorded questions are few, and the verdict is about them: so they may be asked again.
    asked = ("--pairs-per-second=60", "--repeat", *options)
    ports = {"port": EVALUATOR_PORT, "injector_port": ADMIN_PORT}
    with following(stage) as watched, evaluator(stage, policy, directory, golden, *asked, **ports) as asking:
        yield watched
        assert asking.alive, asking.tail()


@pytest.mark.parametrize(
    ("kind", "name", "cap", "phase", "reason"),
    [
        (Engine.SGLANG, "sglang-talk", 32, "Promoted", "NonInferiorAndSaving"),
        (Engine.OPENAI, "openai-answers", 16, "RolledBack", "HarmShown"),
        (Engine.VLLM, "talk", 32, "Promoted", "NonInferiorAndSaving"),
    ],
)
def test_a_cap_that_cuts_only_talk_is_promoted_and_one_that_cuts_answers_is_rolled_back(
    stage: InjectedStage, tmp_path: Path, kind: Engine, name: str, cap: int, phase: str, reason: str
) -> None:
    stage.play(kind)
    stage.start_load(50)
    with judged(stage, name, tmp_path) as watched:
        stage.apply_cap(name, cap)
        stage.start_injector(name)
        watched.wait_status(name, phase_is(phase), 180, phase)
    assert only_verdict(stage, name)["spec"]["reason"] == reason
    of_policy = f'policy="{stage.namespace}/{name}"'
    assert stage.total(f'earlystop_injector_settings_total{{effect="refused",{of_policy}}}') == 0
    assert stage.total(f'earlystop_injector_settings_total{{effect="set",variant="candidate",{of_policy}}}') > 0
    stage.delete_policy(name)
    stage.leave_injector()
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]


def test_each_cohort_has_its_cap_in_its_bodies_and_everybody_has_it_once_it_is_promoted(
    stage: InjectedStage, tmp_path: Path
) -> None:
    stage.play(Engine.VLLM)
    stage.start_load(50, 1, "--cohort-header=x-user-cohort", "--cohorts=a,b,")
    cohorts = [{"variant": "baseline", "values": ["a"]}, {"variant": "cap32", "values": ["b"]}]
    by_cohort = {"routeRef": {"name": "qa"}, "cohort": {"header": "x-user-cohort", "cohorts": cohorts}}
    rollout = {"strategy": "ABTest", "steps": [], "minimumSeconds": 2}

    def tokens(**headers: str) -> int:
        return int(answer(stage, **headers)["usage"]["completion_tokens"])

    def of_cohorts() -> list[int]:
        return [tokens(), *(tokens(**{"x-user-cohort": each}) for each in ("a", "b", "of nobody"))]

    stage.apply_cap("cohorts", 32, request_body=by_cohort, rollout=rollout)
    stage.start_injector("cohorts")
    stage.wait_for("cohorts", condition_is("TrafficApplied", "True"), 60, "in force")
    assert of_cohorts() == [WITHOUT_CAP, WITHOUT_CAP, 32, WITHOUT_CAP]
    with judged(stage, "cohorts", tmp_path, "--candidate-name=cap32") as watched:
        watched.wait_status("cohorts", phase_is("Promoted"), 180, "Promoted")
    wait_until(lambda: of_cohorts() == [32] * 4, 30, "everybody to have the cap")
    started = f'earlystop_requests_started_total{{policy="{stage.namespace}/cohorts",variant="%s"}}'
    assert all(stage.total(started % each) > 0 for each in ("baseline", "cap32", "unassigned"))
    stage.delete_policy("cohorts")
    stage.leave_injector()
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]


def test_no_user_gets_a_setting_that_the_engine_refuses_and_its_own_words_say_why(stage: InjectedStage) -> None:
    stage.play(Engine.VLLM)
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
