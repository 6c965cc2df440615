"""Mode RequestBody with `cohort`: all cohorts go through an injector, which the operator runs."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.api.wire import GOLDEN_HEADER, PROBE_HEADER
from earlystop.delivery.decide import decide
from earlystop.delivery.decisions import Wait, Write
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.injector.cohorts import MODE, owned_names
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.preflight import preflight
from earlystop.delivery.traffic_view import TrafficView
from tests.unit.delivery.before_a_pool import here as before_a_pool
from tests.unit.delivery.cluster import COHORTS_IN_BODIES, inputs, service, spec_in, split, stored
from tests.unit.delivery.gateway_api import Request, passed_on, winner

NOW = 1_000_000.0
BOTH, NEITHER = split(30, 30, token="of the campaign"), split(0, 0, token="of the campaign")

NOT_YET = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.UNKNOWN, "NotYet", "Nothing has been asked for.")
SHOWN = TrafficView(condition=NOT_YET, proven_on_probes=BOTH)


def here(**more: Any) -> ClusterInputs:
    return inputs(**{"spec": spec_in(COHORTS_IN_BODIES, 2), **more})


def of_kind(objects: Any, kind: str) -> list[Manifest]:
    return [each for each in objects if each["kind"] == kind]


def test_every_rule_leads_to_the_injectors_one_service_and_the_injector_to_the_users_own() -> None:
    objects = MODE.render(here(), BOTH).objects
    (before,), (deployment,), (overlay,) = (of_kind(objects, each) for each in ("Service", "Deployment", "HTTPRoute"))
    assert {each["name"] for made in overlay["spec"]["rules"] for each in made["backendRefs"]} == {"qa-es-injector"}
    assert before["metadata"]["name"] == "qa-es-injector"
    assert before["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--upstream=http://qa.llm.svc:80" in arguments
    assert not [each for each in arguments if each.startswith("--weights")], "the gateway's headers say the variant"


def test_no_overlay_is_written_before_two_pods_are_ready() -> None:
    desired = desired_traffic(here(), BOTH, rolling_back=False)
    first = decide(here(), desired, SHOWN, NOW)
    assert isinstance(first, Write) and not of_kind(first.objects, "HTTPRoute")
    waiting = stored(here(), first.objects, readyReplicas=1)
    found = decide(waiting, desired_traffic(waiting, BOTH, rolling_back=False), SHOWN, NOW)
    assert isinstance(found, Wait) and found.condition.reason == "InjectorNotReady"


@pytest.mark.parametrize("wanted", [BOTH, NEITHER])
def test_before_users_the_engine_is_asked_about_every_variant_also_one_that_no_cohort_gets_yet(wanted: Any) -> None:
    first = MODE.probe_only(here(), wanted)
    assert first is not None and first.asks_engine
    assert [each.weights for each in first.targets] == [((name, 100),) for name in ("baseline", "w10", "w5")]
    rules = first.objects[-1]["spec"]["rules"]
    assert winner(Request("/v1/chat/completions", headers={"X-Cohort": "b-w5"}), rules) is None
    for target in first.targets:
        sent = {**dict(target.headers), PROBE_HEADER: target.nonce}
        met = winner(Request("/v1/chat/completions", headers=sent), rules)
        assert met is not None and met["backendRefs"][0]["name"] == "qa-es-injector"
        carried = passed_on(sent, met, met["backendRefs"][0])
        assert carried["x-early-stop-variant"] == target.weights[0][0] == sent[GOLDEN_HEADER]
        assert carried["x-early-stop-token"] == "of the campaign"


def test_a_request_of_no_cohort_has_the_baselines_setting_and_no_token() -> None:
    (overlay,) = of_kind(MODE.render(here(), BOTH).objects, "HTTPRoute")
    forged = {"x-early-stop-token": "guessed", "x-early-stop-variant": "w5"}
    met = winner(Request("/v1/chat/completions", headers=forged), overlay["spec"]["rules"])
    assert met is not None
    carried = passed_on(forged, met, met["backendRefs"][0])
    assert "x-early-stop-token" not in carried and carried["x-early-stop-revision"] == "unassigned"
    assert carried["x-early-stop-param-window"] == "40"


def test_without_a_service_to_send_on_to_or_an_image_to_run_it_is_refused() -> None:
    headless = service()
    headless["spec"]["clusterIP"] = "None"
    refused = {"UpstreamUnfit": here(services={"qa": headless}), "InjectorDisabled": here(injector_image="")}
    for reason, found in refused.items():
        refusal = preflight(found, BOTH)
        assert refusal is not None and refusal.reason == reason


def test_cohorts_are_led_to_an_inference_pool_by_the_inner_rule() -> None:
    found = before_a_pool(spec=spec_in(COHORTS_IN_BODIES, 2))
    assert preflight(found, BOTH) is None
    inner, overlay = of_kind(MODE.render(found, BOTH).objects, "HTTPRoute")
    assert inner["spec"]["rules"][0]["backendRefs"][0]["kind"] == "InferencePool"
    assert {each["name"] for made in overlay["spec"]["rules"] for each in made["backendRefs"]} == {"qa-es-injector"}
    named = owned_names(found, ["w10", "w5"])
    assert all((each["kind"], each["metadata"]["name"]) in named for each in (inner, overlay))
