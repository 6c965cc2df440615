"""A request of a query class gets the setting of that class, and nothing changes for any other request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.policy import PolicySpec
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.gateway_header import MODE, has_split, render
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.preflight import preflight
from earlystop.delivery.routes.gateway_limits import excess
from earlystop.delivery.split import ClassRule, TrafficSplit
from tests.unit.delivery.cluster import exact, header, inputs, overlay_in, prefix, rule, spec_in, split, untouched
from tests.unit.delivery.forged_headers import FORGED
from tests.unit.delivery.gateway_api import Request, passed_on, winner
from tests.unit.delivery.route_rules import REQUESTS, rules_of_routes
from tests.unit.rollout.policies import examples

CLASS, TIER = "x-query-class", "x-tier"
WINDOWS = {"baseline": "40", "w10": "10", "w5": "5"}
MATCHES = ((CLASS, "lookup"), (TIER, "free"), (CLASS, "proof"))
CHAT = "/v1/chat/completions"


def spec(*matches: tuple[str, str]) -> PolicySpec:
    """A policy whose classes are told by these headers and values."""
    found = spec_in("GatewayHeader", 2)
    written = found.objective.wire() | {
        "perClass": True,
        "queryClasses": [
            {"name": f"c{place}", "margin": "0.02", "match": {"header": name, "value": value}}
            for place, (name, value) in enumerate(matches)
        ],
    }
    return found.model_copy(update={"objective": type(found.objective).model_validate(written)})


def mapped(*variants: str) -> TrafficSplit:
    """The split in which the classes get these variants."""
    rules = (ClassRule(*match, variant) for match, variant in zip(MATCHES, variants, strict=True))
    return replace(split(0, 0, token="secret"), classes=tuple(rules))


def here(*rules: dict[str, Any], matches: tuple[tuple[str, str], ...] = MATCHES) -> ClusterInputs:
    return inputs(*rules, spec=spec(*matches))


def with_class(request: Request, headers: dict[str, str]) -> Request:
    return replace(request, headers={**request.headers, **headers})


ASKED: list[tuple[dict[str, str], int | None]] = [
    ({}, None),
    ({CLASS: "lookup"}, 0),
    ({CLASS: "proof"}, 2),
    ({CLASS: "Lookup"}, None),
    ({TIER: "free"}, 1),
    ({TIER: "free", CLASS: "proof"}, 1),
    ({TIER: "free", CLASS: "lookup"}, 0),
    ({CLASS: "lookup, proof"}, None),
]
"""What a request says of its class, and which class has it: of two the one that is written first."""

variants = st.tuples(*[st.sampled_from(sorted(WINDOWS))] * 3)


@pytest.mark.slow
@examples
@given(rules_of_routes, variants)
def test_whatever_the_route_each_class_gets_its_setting_and_every_request_goes_where_it_went(
    rules: list[dict[str, Any]], given_to: tuple[str, ...]
) -> None:
    wanted, cluster = mapped(*given_to), here(*rules)
    before = untouched(cluster)
    if preflight(cluster, wanted) is not None:
        return
    made = overlay_in(render(cluster, wanted))["spec"]["rules"]
    assert cluster == before and excess(made) is None
    for request in REQUESTS:
        led = winner(request, rules, made) in made
        for headers, place in ASKED:
            asked = with_class(request, headers)
            users, met = winner(asked, rules), winner(asked, rules, made)
            assert (met in made) == led, "a class's header moves no request between the overlay and the user's rules"
            if met not in made:
                assert met is users
                continue
            assert users is not None and met is not None
            assert [each["name"] for each in met["backendRefs"]] == [users["backendRefs"][0]["name"]] == ["qa"]
            assert met["timeouts"] == users["timeouts"]
            carried = passed_on({**FORGED, **asked.headers}, met, met["backendRefs"][0])
            variant = "baseline" if place is None else given_to[place]
            assert carried["x-early-stop-variant"] == variant
            assert carried["x-early-stop-param-window"] == WINDOWS[variant]


def test_with_all_requests_on_the_baseline_no_class_keeps_its_setting() -> None:
    cluster, wanted = here(), mapped("w10", "w5", "baseline")
    taken = all_to_baseline(cluster, overlay_in(render(cluster, wanted)))["spec"]["rules"]
    for headers, _ in ASKED:
        met = winner(with_class(Request(CHAT), headers), [rule()], taken)
        assert met is not None
        assert passed_on({}, met, met["backendRefs"][0])["x-early-stop-param-window"] == "40"


@pytest.mark.parametrize("other", [("w5", "w5", "baseline"), ("baseline", "w5", "baseline"), ("w10", "w5", "w5")])
def test_an_overlay_with_another_map_or_with_an_edit_is_not_the_one_that_was_asked_for(other: tuple[str, ...]) -> None:
    cluster, wanted = here(), mapped("w10", "w5", "baseline")
    route, delivery = overlay_in(render(cluster, wanted)), cluster.spec.delivery
    assert has_split(route, delivery, wanted)
    assert not has_split(route, delivery, mapped(*other)) and not has_split(route, delivery, split(0, 0))
    shorter = {**route, "spec": {**route["spec"], "rules": route["spec"]["rules"][:-1]}}
    assert not has_split(shorter, delivery, wanted)


def test_each_class_and_everybody_else_is_asked_for_by_a_probe_of_its_own() -> None:
    cluster, wanted = here(), mapped("w10", "w5", "baseline")
    rendered = render(cluster, wanted)
    targets = MODE.probes(cluster, wanted, overlay_in(rendered))
    assert sorted(each.weights[0][0] for each in targets) == ["baseline", "baseline", "w10", "w5"]
    assert len({each.nonce for each in targets}) == 1
    swapped = mapped("w5", "w10", "baseline")
    again = MODE.probes(cluster, swapped, overlay_in(render(cluster, swapped)))
    assert again[0].nonce != targets[0].nonce, "answers by an older map prove nothing of a newer one"


def test_a_route_that_matches_on_the_header_of_a_class_is_refused_whatever_its_case() -> None:
    refusal = preflight(here(rule(prefix("/v1", headers=[header("X-Query-Class", "lookup")]))), split(10, 10))
    assert refusal is not None and refusal.reason == "ClassHeaderInRoute"
    assert "Write another header in queryClasses[].match" in refusal.message


def test_a_route_with_too_many_rules_for_its_classes_is_refused_before_the_campaign_begins() -> None:
    rules = [rule(exact(f"/ask/{number}")) for number in range(8)]
    refusal = preflight(here(*rules), split(10, 10))
    assert refusal is not None and refusal.reason == "OverlayTooLarge"
    assert "for each of 3 query classes" in refusal.message and "Gateway API allows" in refusal.message
    assert preflight(here(*rules[:3]), split(10, 10)) is None
