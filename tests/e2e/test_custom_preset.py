"""The preset Custom on a real API server, gateway and Prometheus: templates that its admin wrote judge a setting."""

from __future__ import annotations

import pytest

from earlystop.rollout.verify.verdict import differences
from tests.cluster.processes import wait_until
from tests.e2e.own_stage import DELAY_SECONDS
from tests.e2e.proof import only_verdict
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import condition_is, phase_is

MINE = 'policy="{policy}",revision="{revision}",variant="{variant}"'
TEMPLATES = {
    "completed": f'earlystop_requests_total{{{MINE},outcome="completed"}}',
    "match": f'earlystop_answers_total{{{MINE},result="match"}}',
    "mismatch": f'earlystop_answers_total{{{MINE},result="mismatch"}}',
    "tokens": f"earlystop_output_tokens_total{{{MINE}}}",
    "tokensSquared": f"earlystop_output_tokens_squared_total{{{MINE}}}",
}


@pytest.mark.usefixtures("no_policy_left")
def test_a_setting_is_promoted_by_templates_while_server_and_operator_are_killed(stage: Stage) -> None:
    stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS, templates={"completed": TEMPLATES["completed"]})
    stage.start_load(200.0)
    metrics = {"sourceRef": {"name": stage.source}, "preset": "Custom"}
    stage.apply_policy("custom", 5, "0.10", harm=NEVER, spec={"metrics": metrics}, settleSeconds=3)
    stage.wait_for("custom", condition_is("Accepted", "False", "CountsMissing"), 30, "refused for want of templates")
    stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS, templates=TEMPLATES)
    stage.wait_for("custom", phase_is("Observing"), 60, "observed")
    assert stage.server is not None and stage.operator is not None
    stage.server.stop(patience_seconds=0.0)
    stage.start_server()
    stage.operator.stop(patience_seconds=0.0)
    stage.start_operator()
    wait_until(lambda: stage.policy("custom")["status"]["phase"] == "Promoted", 200, "the setting to be promoted")
    stage.stop_load()
    verdict = only_verdict(stage, "custom")["spec"]
    assert (verdict["decision"], differences(verdict)) == ("Promote", [])
    status = stage.policy("custom")["status"]
    assert verdict.get("uncertain") == status.get("uncertain")
