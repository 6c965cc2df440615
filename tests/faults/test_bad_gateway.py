"""A gateway that confuses the headers of backends and reports that all is well: no user meets what it makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.bad_gateway import bad_gateway
from tests.cluster.gateway import Gateway
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.policies import apply_lasting
from tests.faults.reconciling import wait_reconciled

RATE = 150.0
REASON = "GatewayMisroutes"
misroutes = condition_is("TrafficApplied", "False", REASON)


@pytest.fixture
def bad(gateway: Gateway, stage: Stage) -> Iterator[Gateway]:
    with gateway.replaced_by(bad_gateway()):
        yield gateway


def event_notes(stage: Stage, policy: str, reason: str) -> list[str]:
    return [note for found, note in stage.events(policy) if found == reason]


@pytest.mark.usefixtures("no_policy_left", "bad")
def test_a_gateway_that_confuses_backends_is_found_before_any_user_is_led_by_the_overlay(
    stage: Stage, watched: Following
) -> None:
    stage.wait_answering()
    stage.start_load(RATE)
    apply_lasting(stage, "misled")
    status = watched.wait_status("misled", misroutes, 60, "found to be misrouted")
    (found,) = [each for each in status["conditions"] if each["type"] == "TrafficApplied"]
    assert "Traefik before 3.7.6" in found["message"] and "HeaderCohort" in found["message"]
    (accepted,) = stage.access.get("httproute/misled-early-stop", f"--namespace={stage.namespace}")["status"]["parents"]
    assert {each["status"] for each in accepted["conditions"]} == {"True"}, (
        "the gateway does not report that all is well"
    )

    stage.told("misled", REASON)  # else it would be lost with the operator
    assert stage.operator is not None
    stage.operator.stop(0.0)
    stage.start_operator()
    seen = len(watched.policies("misled"))
    # Longer than wrong answers are borne, so the new operator has come to its own finding.
    stage.assert_never("misled", lambda status: not misroutes(status), 15, "trusted again")
    wait_reconciled(stage)
    stage.wait_for("misled", misroutes, 30, "found to be misrouted again")
    assert len(watched.policies("misled")) - seen <= 2, "the same is stored again and again"
    assert len(event_notes(stage, "misled", REASON)) == 1

    status = stage.policy("misled")["status"]
    assert status["phase"] == "Applying" and not status.get("internal", {}).get("looks")
    assert watched.overlays("misled") == [] and watched.trials("misled")
    summary = stage.stop_load()
    assert summary["failed"] == 0 and summary["variants"] == {"unassigned": summary["sent"]}, summary


@pytest.mark.usefixtures("no_policy_left")
def test_a_rollout_goes_on_by_itself_once_the_gateway_is_sound(
    stage: Stage, gateway: Gateway, watched: Following
) -> None:
    with gateway.replaced_by(bad_gateway()):
        apply_lasting(stage, "upgraded")
        watched.wait_status("upgraded", misroutes, 60, "found to be misrouted")
    stage.wait_answering()
    stage.start_load(RATE)
    watched.wait_status("upgraded", phase_is("Observing"), 90, "observed")
    assert watched.weight("upgraded") == 50 and stage.told("upgraded", "WeightsInForce")
    assert stage.stop_load()["failed"] == 0
