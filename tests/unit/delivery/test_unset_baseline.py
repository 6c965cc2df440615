"""A baseline that leaves bodies to clients: no header of a setting reaches its requests, forged or not."""

from __future__ import annotations

from multidict import CIMultiDict

from earlystop.api.wire import commitment_of
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.gateway_header import render
from earlystop.delivery.headers import as_filter, headers_set, modifier, variant_headers
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.exporter.request_headers import assigned
from tests.unit.delivery.cluster import inputs, overlay_in
from tests.unit.rollout.policies import policy

PREFIX = "x-early-stop-"
WINDOW = f"{PREFIX}param-window"
REVISION = f"0123456789-{commitment_of('llm/qa', 'secret')}"


def here() -> ClusterInputs:
    return inputs(spec=policy({"baseline": {"values": []}}))


def split() -> TrafficSplit:
    variants = (VariantWeight("baseline", 75, ()), VariantWeight("candidate", 25, (("window", "10"),)))
    return TrafficSplit(REVISION, 1, variants, token="secret")


def test_the_baselines_requests_get_no_setting_though_a_client_forged_one() -> None:
    headers = variant_headers(here(), split(), split().baseline)
    assert WINDOW not in headers
    assert set(modifier(here(), headers)["remove"]) >= {WINDOW, f"{PREFIX}param-patience"}
    forged = CIMultiDict({**headers, WINDOW: "1"})
    told = assigned(lambda name: forged.getall(name, ()), ["window", "patience"], PREFIX)
    assert told.is_assigned and dict(told.settings) == {}


def test_no_header_of_the_overlay_is_empty_since_gateway_api_refuses_that() -> None:
    for rule in overlay_in(render(here(), split()))["spec"]["rules"]:
        assert all(value for headers in headers_set(rule) for value in headers.values())


def test_taking_candidates_off_takes_their_settings_off_a_rule_too() -> None:
    headers = variant_headers(here(), split(), split().candidates[0])
    rule = {"matches": [], "filters": [as_filter(modifier(here(), headers))], "backendRefs": [{"name": "qa"}]}
    taken = all_to_baseline(here(), {"spec": {"rules": [rule]}})["spec"]["rules"][0]
    (left,) = headers_set(taken)
    assert WINDOW not in left and left[f"{PREFIX}variant"] == "baseline" and left[f"{PREFIX}parameters"] == "-"
    assert WINDOW in taken["filters"][0]["requestHeaderModifier"]["remove"]
    assert all_to_baseline(here(), {"spec": {"rules": [taken]}})["spec"]["rules"] == [taken]
