"""The best certified setting of a search serves beside baseline and candidate, in every mode that moves a share."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.api.modes import built_modes
from earlystop.delivery.decide import SECONDS_BETWEEN_CHANGES, decide
from earlystop.delivery.decisions import Detach, TrafficDecision, Wait, Write
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.golden_rules import rules_in_force
from earlystop.delivery.headers import nonce_of
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import preflight, rendered_or_refusal
from earlystop.delivery.probes.canary import Fault
from earlystop.delivery.proof import Probes, Proof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.split import ShadowSetting, TrafficSplit, VariantWeight
from earlystop.delivery.traffic_view import TrafficView
from earlystop.exporter.export import Exporter
from earlystop.exporter.flag_settings import FlagSettings
from earlystop.exporter.settings_document import all_on_baseline, read_document
from tests.unit.delivery.cluster import deployment, exact, inputs, overlay_in, prefix, rule, running, spec_in, split
from tests.unit.delivery.flagd_model import evaluated
from tests.unit.delivery.gateway_api import passed_on
from tests.unit.rollout.policies import examples, policy

# By weights, a search's trial leaves the incumbent most of the requests.
TRIAL = split(20, incumbent=60)
BY_ROUTE = ("GatewayHeader", "RequestBody", "GatewayBody", "Workload")
BY_SERVERS = ("ConfigMap", "FeatureFlag")
LEADS_NOBODY_BY_WEIGHTS = ("HeaderCohort", "Shadow")
NOW = 1_000_000.0
OLD = "1970-01-02T00:00:00Z"
SAID = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.TRUE, "InForce", "Weights are in force.")

shares = st.tuples(st.integers(0, 100), st.lists(st.integers(0, 100), min_size=1, max_size=3)).filter(
    lambda drawn: drawn[0] + sum(drawn[1]) <= 100
)


def here(mode: str, candidates: int = 1) -> ClusterInputs:
    """A policy of this mode that passes preflight."""
    if mode not in BY_SERVERS:
        # A gateway's own object is for requests of one path.
        more = [] if mode == "GatewayBody" else [rule(exact("/ask"))]
        return inputs(rule(prefix("/v1")), *more, spec=spec_in(mode, candidates))
    field = mode[0].lower() + mode[1:]
    spec = policy({"delivery": {"mode": mode, "gatewayHeader": None, field: {"name": "settings"}}})
    held: Manifest = {"kind": mode, "metadata": {"name": "settings", "labels": {"earlystop.dev/settings": "true"}}}
    found = ClusterInputs(namespace="llm", policy="qa", uid="uid-1", spec=spec)
    return found.with_objects([deployment(), held])


def rendered(mode: str, wanted: TrafficSplit = TRIAL) -> Rendered:
    found = rendered_or_refusal(here(mode, len(wanted.candidates)), wanted)
    assert not isinstance(found, Refusal)
    return found


def test_every_mode_either_lets_an_incumbent_serve_or_refuses_it() -> None:
    assert {*BY_ROUTE, *BY_SERVERS, *LEADS_NOBODY_BY_WEIGHTS} == set(built_modes())


@pytest.mark.parametrize("mode", LEADS_NOBODY_BY_WEIGHTS)
def test_a_mode_that_moves_no_share_refuses_an_incumbent_and_says_what_to_write(mode: str) -> None:
    refused = preflight(here(mode), TRIAL)
    assert refused is not None and refused.reason == "IncumbentNotDelivered"
    assert mode in refused.message and "GatewayHeader" in refused.message
    assert preflight(here(mode), split(20)) is None


@pytest.mark.slow
@examples
@given(st.sampled_from(BY_ROUTE), shares)
def test_whatever_the_weights_they_sum_to_100_and_each_variant_carries_its_own_setting(
    mode: str, drawn: tuple[int, list[int]]
) -> None:
    incumbent, candidates = drawn
    wanted = split(*candidates, incumbent=incumbent)
    overlay = overlay_in(rendered(mode, wanted))
    assert weights_in(overlay) == {wanted.weights} and sum(wanted.weights) == 100
    assert mode_of(spec_in(mode, len(candidates)).delivery).has_split(overlay, spec_in(mode).delivery, wanted)
    for each in rules_in_force(overlay):
        assert len({backend["name"] for backend in each["backendRefs"]}) == len(wanted.variants)
        for variant, backend in zip(wanted.variants, each["backendRefs"], strict=True):
            carried = passed_on({"x-early-stop-variant": "forged"}, each, backend)
            assert carried["x-early-stop-variant"] == variant.variant
            assert carried["x-early-stop-param-window"] == dict(variant.settings)["window"]


@pytest.mark.parametrize("mode", BY_ROUTE)
def test_the_mode_names_all_that_an_incumbent_needs_so_that_it_is_read_swept_and_handed_over(mode: str) -> None:
    made = {(each["kind"], each["metadata"]["name"]) for each in rendered(mode).objects}
    named = mode_of(spec_in(mode).delivery).owned_names(here(mode), ["candidate", "incumbent"])
    assert made <= set(named)
    assert any("-es-incumbent" in name for _, name in made)


@pytest.mark.parametrize("mode", BY_ROUTE)
def test_when_users_are_taken_off_the_incumbents_get_the_baseline_too(mode: str) -> None:
    found = here(mode)
    (taken_back,) = mode_of(found.spec.delivery).baseline_only(found.with_objects(rendered(mode).objects))
    assert {weights[:2] for weights in weights_in(taken_back)} == {(100, 0)}


@pytest.mark.parametrize("mode", BY_ROUTE)
def test_the_incumbent_can_be_asked_for_alone_while_it_serves_and_is_proven_with_all_others(mode: str) -> None:
    proof = desired_traffic(here(mode), TRIAL, rolling_back=False).proof
    assert isinstance(proof, Probes)
    asked = [variant for each in proof.by_variant for variant, weight in each.weights if weight]
    assert asked == ["baseline", "incumbent", "candidate"]
    assert proof.targets[0].weights == (("baseline", 20), ("incumbent", 60), ("candidate", 20))
    alone = desired_traffic(here(mode), split(0, incumbent=60), rolling_back=False).proof
    assert isinstance(alone, Probes) and len(alone.by_variant) == 2, "between two trials"


@pytest.mark.parametrize("mode", BY_ROUTE)
def test_before_users_are_led_the_gateway_shows_what_it_makes_of_the_incumbent(mode: str) -> None:
    found = desired_traffic(here(mode), TRIAL, rolling_back=False).probe_only
    assert found is not None
    asked = [variant for each in found.targets for variant, weight in each.weights if weight]
    assert asked == ["baseline", "incumbent", "candidate"]
    only = desired_traffic(here(mode), split(0, incumbent=60), rolling_back=False).probe_only
    assert only is not None


@pytest.mark.parametrize("mode", BY_ROUTE)
def test_another_incumbent_is_another_split_with_a_nonce_of_its_own(mode: str) -> None:
    other = VariantWeight("incumbent", 60, (("window", "3"), ("patience", "2.5")))
    changed = replace(TRIAL, variants=(TRIAL.baseline, other, *TRIAL.candidates))
    assert changed != TRIAL and len({nonce_of(changed), nonce_of(TRIAL), nonce_of(split(20))}) == 3
    assert overlay_in(rendered(mode, changed)) != overlay_in(rendered(mode))


def test_settings_that_servers_read_have_the_incumbent_and_take_it_off_with_the_candidates() -> None:
    (made,) = rendered("ConfigMap").objects
    document = read_document(made["data"]["settings.json"])
    assert document.weights == (("baseline", 20), ("incumbent", 60), ("candidate", 20))
    assert dict(document.values_of("incumbent"))["window"] == "20"
    assert dict(all_on_baseline(document).weights) == {"baseline": 100, "incumbent": 0, "candidate": 0}


def test_a_flag_gives_the_incumbent_its_share() -> None:
    (made,) = rendered("FeatureFlag").objects
    flag = json.loads(json.dumps(made["spec"]["flagSpec"]["flags"]["earlystop"]))
    settings = FlagSettings(lambda key: evaluated(flag, key), "llm/qa", Exporter(CollectorRegistry(), process="p"))
    chosen = [settings.choose(request=str(number)) for number in range(2000)]
    shares = Counter(each.assignment.variant for each in chosen)
    assert 1100 < shares["incumbent"] < 1300 and shares.keys() == {"baseline", "incumbent", "candidate"}
    assert {each.values["window"] for each in chosen if each.assignment.variant == "incumbent"} == {"20"}


@pytest.mark.parametrize(
    "variants",
    [
        ("incumbent", "candidate"),
        ("baseline", "candidate", "incumbent"),
        ("baseline", "incumbent", "incumbent"),
    ],
)
def test_an_incumbent_stands_once_and_after_the_baseline(variants: tuple[str, ...]) -> None:
    weights = (100, *(0 for _ in variants[1:]))
    with pytest.raises(ValueError, match="incumbent stands once"):
        TrafficSplit(
            "r", 0, tuple(VariantWeight(*each, ()) for each in zip(variants, weights, strict=True)), has_incumbent=True
        )
    with pytest.raises(ValueError, match="incumbent stands once"):
        TrafficSplit(
            "r",
            0,
            (VariantWeight("baseline", 100, ()), VariantWeight("incumbent", 0, ())),
            (ShadowSetting("incumbent", ()),),
            has_incumbent=True,
        )


# Taking off


def led(mode: str, wanted: TrafficSplit = TRIAL) -> ClusterInputs:
    """Users are led by this split for a while, and all that is behind it is ready."""
    made = desired_traffic(here(mode), wanted, rolling_back=False).rendered.objects
    if mode in ("RequestBody", "GatewayBody"):
        made = tuple({**each, "status": {}} if each["kind"] == "Deployment" else each for each in made)
    old = [{**each, "metadata": {**each["metadata"], "creationTimestamp": OLD}} for each in map(running, made)]
    return here(mode).with_objects(old)


def decided(found: ClusterInputs, wanted: TrafficSplit, **memory: Any) -> TrafficDecision:
    view = TrafficView(**{"condition": SAID, **memory})
    return decide(found, desired_traffic(found, wanted, rolling_back=False), view, NOW)


def test_an_incumbent_that_is_not_served_takes_all_users_to_their_own_route_and_the_condition_names_it() -> None:
    fault = Fault(TRIAL, Proof.CANDIDATE_FAILS, "16 of 16 probes of incumbent did not come to the server.", NOW)
    off = decided(led("GatewayHeader"), TRIAL, proven=TRIAL, fault=fault)
    assert isinstance(off, Detach) and off.condition.reason == "CandidateNotServed"
    assert (
        "probes of incumbent" in off.condition.message and "All requests go by your own route" in off.condition.message
    )
    assert all("parentRefs" not in each["spec"] for each in off.objects)


@pytest.mark.parametrize("mode", BY_ROUTE)
def test_a_candidate_is_off_at_once_while_the_incumbent_goes_on_to_serve(mode: str) -> None:
    kept = split(0, incumbent=60)
    found = decided(led(mode), kept, proven=TRIAL, written_at=NOW - SECONDS_BETWEEN_CHANGES / 2)
    assert isinstance(found, Write)
    assert weights_in(found.objects[-1]) == {(40, 60, 0)}


def test_an_incumbent_is_led_only_once_what_leads_to_it_is_in_place() -> None:
    before, kept = led("GatewayHeader", split(20)), split(0, incumbent=60)
    first = decided(before, kept, proven=split(20))
    assert isinstance(first, Write) and [each["kind"] for each in first.objects] == ["Service"]
    assert first.then is not None and first.then.condition.reason == "Pacing"


def test_no_candidate_that_did_harm_waits_for_the_incumbents_pods() -> None:
    found = led("Workload")
    incumbent = found.own("Deployment", "qa-server-es-incumbent")
    assert incumbent is not None
    found = found.with_objects([{**incumbent, "status": {**incumbent["status"], "updatedReplicas": 1}}])
    waits = decided(found, TRIAL, proven=TRIAL)
    assert isinstance(waits, Wait) and waits.condition.reason == "CandidateRolling", "users stay where Pods are ready"
    off = decided(found, split(0, incumbent=60), proven=TRIAL)
    assert isinstance(off, Detach) and all("parentRefs" not in each["spec"] for each in off.objects)


def test_users_of_one_campaign_are_off_before_its_pods_get_the_settings_of_the_next() -> None:
    found, following = led("Workload"), split(20, revision="9999999999", incumbent=60)
    off = decided(found, following, proven=TRIAL)
    assert isinstance(off, Detach) and off.objects
    after = decided(found.with_objects(off.objects), following)
    assert isinstance(after, Write) and {each["kind"] for each in after.objects} == {"Deployment"}


def test_an_incumbent_has_pods_for_its_share_with_its_own_value() -> None:
    made = {each["metadata"]["name"]: each for each in rendered("Workload").objects if each["kind"] == "Deployment"}
    assert made.keys() == {"qa-server-es-incumbent", "qa-server-es-candidate"}
    spec = made["qa-server-es-incumbent"]["spec"]
    assert spec["replicas"] == 3, "60 % of four Pods"
    assert {"name": "WINDOW", "value": "20"} in spec["template"]["spec"]["containers"][0]["env"]
    (alias,) = [each for each in rendered("Workload").objects if each["metadata"]["name"] == "qa-es-incumbent"]
    assert alias["spec"]["selector"] == {"earlystop.dev/workload": "qa-server-es-incumbent"}


def test_an_incumbents_pods_end_once_no_trial_needs_them() -> None:
    idle = desired_traffic(led("Workload"), split(20), rolling_back=False).rendered.idle
    assert [(each["metadata"]["name"], each["spec"]["replicas"]) for each in idle] == [("qa-server-es-incumbent", 0)]


def test_a_new_campaign_waits_for_its_injector_before_another_incumbent_is_led_to_it_and_a_fall_does_not() -> None:
    found = led("RequestBody")
    injector = found.own("Deployment", "qa-es-injector")
    assert injector is not None
    rolling = found.with_objects([{**injector, "status": {**injector["status"], "updatedReplicas": 1}}])
    learns = decided(rolling, split(0, revision="9999999999", incumbent=60), proven=TRIAL)
    assert isinstance(learns, Wait) and learns.condition.reason == "InjectorNotReady"
    falls = decided(rolling, split(0, incumbent=60), proven=TRIAL)
    assert isinstance(falls, Write)
