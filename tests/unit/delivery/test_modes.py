"""What holds in every mode that overlays a route, for whatever routes and shares."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.modes import route_modes
from earlystop.api.wire import GOLDEN_HEADER, IN_FORCE_MARK, PROBE_HEADER
from earlystop.delivery.headers import nonce_of, variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.modes import mode_of
from earlystop.delivery.preflight import preflight
from earlystop.delivery.proof import Metrics, Probes
from earlystop.delivery.routes.gateway_limits import excess
from earlystop.delivery.split import TrafficSplit
from tests.unit.delivery.cluster import (
    COHORTS_IN_BODIES,
    exact,
    header,
    inputs,
    overlay_in,
    prefix,
    rule,
    spec_in,
    split,
    untouched,
)
from tests.unit.delivery.forged_headers import FORGED
from tests.unit.delivery.gateway_api import Request, passed_on, winner
from tests.unit.delivery.route_rules import REQUESTS, rules_of_routes
from tests.unit.rollout.policies import examples

MODIFIED = {
    "type": "RequestHeaderModifier",
    "requestHeaderModifier": {
        "set": [{"name": "X-Early-Stop-Variant", "value": "user"}, {"name": "x-model", "value": "qa"}],
        "add": [{"name": "x-early-stop-shadow", "value": "w1;window=1"}],
    },
}
NAMES = sorted(set(FORGED) - {GOLDEN_HEADER})

WAYS = (*route_modes(), COHORTS_IN_BODIES)
"""What `spec_in` makes a policy of that overlays a route."""
modes = st.sampled_from(sorted(WAYS))
percents = st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(lambda weights: sum(weights) <= 100)
routes = st.tuples(rules_of_routes, st.sampled_from([[], [MODIFIED]])).map(
    lambda drawn: [{**each, "filters": drawn[1]} for each in drawn[0]]
)


def overlay(here: ClusterInputs, wanted: TrafficSplit) -> Manifest:
    return overlay_in(mode_of(here.spec.delivery).render(here, wanted))


def on_the_baseline(here: ClusterInputs, made: Manifest) -> Manifest:
    """What the mode makes of its overlay when all requests shall get the baseline."""
    (taken_back,) = mode_of(here.spec.delivery).baseline_only(here.with_objects([made]))
    return taken_back


def told(here: ClusterInputs, wanted: TrafficSplit) -> list[dict[str, str]]:
    """All headers that a request may carry truthfully; "" for one that it must not have."""
    unassigned = variant_headers(here, wanted, wanted.baseline) | {"x-early-stop-revision": "unassigned"}
    for name in ("shadow", "token"):
        unassigned.pop(f"x-early-stop-{name}", None)
    each_variant = [variant_headers(here, wanted, variant) for variant in wanted.variants]
    return [{name: headers.get(name, "") for name in NAMES} for headers in (*each_variant, unassigned)]


@pytest.mark.slow
@examples
@given(modes, routes, percents, st.integers(0, 2))
def test_whatever_the_route_and_the_share_weights_sum_to_100_and_no_forged_header_gets_through(
    mode: str, rules: list[dict[str, Any]], weights: list[int], shadows: int
) -> None:
    wanted = split(*weights, shadows=shadows, token="of the campaign")
    here = inputs(*rules, spec=spec_in(mode, len(weights)))
    before = untouched(here)
    if preflight(here, wanted) is not None:
        return
    made = overlay(here, wanted)
    assert here == before and excess(made["spec"]["rules"]) is None
    truths = told(here, wanted)
    for each in made["spec"]["rules"]:
        backends = each["backendRefs"]
        if mode in ("GatewayHeader", "RequestBody", "GatewayBody", "Workload"):
            ending = {"RequestBody": "-injected", "GatewayBody": "-body"}.get(mode, "")
            assert [backend["name"] for backend in backends] == [
                f"qa-es-baseline{ending}" if ending else "qa",
                *(f"qa-es-{variant.variant}{ending}" for variant in wanted.candidates),
            ]
            assert sum(backend["weight"] for backend in backends) == 100
            assert all(0 <= backend["weight"] <= 100 for backend in backends)
        else:
            led_to = "qa-es-injector" if mode == COHORTS_IN_BODIES else "qa"
            assert [(backend["name"], "filters" in backend) for backend in backends] == [(led_to, False)]
        for backend in backends:
            carried = passed_on(FORGED, each, backend)
            assert {name: carried.get(name, "") for name in NAMES} in truths
        assert len([filter_ for filter_ in each["filters"] if "requestHeaderModifier" in filter_]) <= 1


@pytest.mark.slow
@examples
@given(modes, rules_of_routes, percents)
def test_whatever_the_mode_no_request_is_led_elsewhere(
    mode: str, rules: list[dict[str, Any]], weights: list[int]
) -> None:
    here = inputs(*rules, spec=spec_in(mode, len(weights)))
    if preflight(here, split(*weights)) is not None:
        return
    made = overlay(here, split(*weights))["spec"]["rules"]
    for request in REQUESTS:
        before, after = winner(request, rules), winner(request, rules, made)
        # An injector before a Service sends on to that Service.
        names = [found and found["backendRefs"][0]["name"].partition("-es-")[0] for found in (before, after)]
        assert names[0] == names[1], request


@pytest.mark.slow
@examples
@given(modes, percents, percents, st.integers(0, 2), st.integers(0, 2))
def test_what_is_in_force_is_read_back_and_anything_else_is_noticed(
    mode: str, weights: list[int], others: list[int], shadows: int, other_shadows: int
) -> None:
    here = inputs(rule(prefix("/v1")), rule(exact("/ask")), spec=spec_in(mode, len(weights)))
    one = split(*weights, shadows=shadows)
    other = split(*others, revision="9999999999", shadows=other_shadows)
    made, has_split = overlay(here, one), mode_of(here.spec.delivery).has_split
    assert has_split(made, here.spec.delivery, one)
    same = {
        **dict.fromkeys(WAYS, one.weights == other.weights and shadows == other_shadows),
        "HeaderCohort": False,
        COHORTS_IN_BODIES: False,
        "Shadow": shadows == other_shadows,
    }
    if len(weights) == len(others):
        assert has_split(made, here.spec.delivery, other) == same[mode]


@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("weights", [(25,), (10, 20), (0, 100), (0, 0)])
def test_a_withdrawn_overlay_gives_every_request_the_baselines_settings(mode: str, weights: tuple[int, ...]) -> None:
    here = inputs(rule(filters=[MODIFIED]), spec=spec_in(mode, len(weights)))
    made = overlay(here, split(*weights, shadows=2))
    before = untouched(here)
    taken_back = on_the_baseline(here, made)
    assert on_the_baseline(here, taken_back) == taken_back and here == before
    for old, each in zip(made["spec"]["rules"], taken_back["spec"]["rules"], strict=True):
        assert each["matches"] == old["matches"]
        for backend in each["backendRefs"]:
            if backend["weight"]:
                carried = passed_on(FORGED, each, backend)
                assert carried["x-early-stop-variant"] == "baseline"
                assert carried["x-early-stop-param-window"] == "40"
                assert "x-early-stop-shadow" not in carried


@pytest.mark.parametrize("mode", WAYS)
def test_the_overlay_of_an_earlier_campaign_in_another_mode_is_withdrawn_as_well(mode: str) -> None:
    here, earlier = inputs(spec=spec_in(mode, 2)), inputs(spec=spec_in("HeaderCohort", 2))
    taken_back = on_the_baseline(here, overlay(earlier, split(0, 100)))
    for each in taken_back["spec"]["rules"]:
        (backend,) = each["backendRefs"]
        assert passed_on(FORGED, each, backend)["x-early-stop-param-window"] == "40"


@pytest.mark.parametrize("mode", WAYS)
def test_every_probe_meets_a_rule_that_marks_it_and_says_what_it_must_find(mode: str) -> None:
    wanted = split(10, 0, shadows=1)
    users = rule(prefix("/v1", headers=[header("x-model", "qa")]))
    here = inputs(users, spec=spec_in(mode, 2))
    made = overlay(here, wanted)
    module = mode_of(here.spec.delivery)
    proof = module.proof(here, wanted, module.render(here, wanted))
    assert isinstance(proof, Probes) and proof.targets
    for target in proof.targets:
        sent = {**dict(target.headers), PROBE_HEADER: target.nonce}
        met = winner(Request("/v1/chat/completions", headers=sent), [users], made["spec"]["rules"])
        assert met is not None
        found = set()
        for backend in met["backendRefs"]:
            carried = passed_on(sent, met, backend)
            assert carried[PROBE_HEADER] == nonce_of(wanted) + IN_FORCE_MARK
            assert carried["x-early-stop-revision"] == target.revision
            found |= {carried["x-early-stop-variant"]} if backend["weight"] else set()
        assert found == {variant for variant, weight in target.weights if weight}


@pytest.mark.parametrize("mode", WAYS)
def test_where_no_address_is_known_nothing_is_proven_by_probes(mode: str) -> None:
    here = inputs(spec=spec_in(mode), gateways={})
    module = mode_of(here.spec.delivery)
    proof = module.proof(here, split(25), module.render(here, split(25)))
    assert isinstance(proof, Metrics) and proof.reason == "NoGatewayAddress"


@pytest.mark.parametrize("mode", WAYS)
def test_a_mode_owns_what_it_renders_and_nothing_else(mode: str) -> None:
    here, wanted = inputs(spec=spec_in(mode, 3)), split(10, 10, 10)
    module = mode_of(here.spec.delivery)
    made = [(each["kind"], each["metadata"]["name"]) for each in module.render(here, wanted).objects]
    assert module.owned_names(here, [each.variant for each in wanted.candidates]) == made


@pytest.mark.parametrize("mode", WAYS)
def test_what_is_in_force_is_a_sentence(mode: str) -> None:
    module = mode_of(spec_in(mode).delivery)
    for weights in ((25,), (10, 20), (0, 0), (0, 100)):
        words = module.summary(split(*weights))
        assert words.endswith(".") and (words[0].isupper() or words[0].isdigit())
