"""The overlay route and the alias Service of mode GatewayHeader."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import Variant
from earlystop.api.wire import GOLDEN_HEADER, PROBE_HEADER
from earlystop.delivery.all_to_baseline import all_to_baseline
from earlystop.delivery.gateway_header import has_split, owned_names, render, summary, weights_in
from earlystop.delivery.golden_rules import is_golden, rules_in_force
from earlystop.delivery.headers import nonce_of, variant_headers
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.names import alias_name, overlay_name
from earlystop.delivery.split import TrafficSplit, VariantWeight
from tests.unit.delivery.cluster import (
    SHARE,
    WINDOWS,
    backend,
    exact,
    inputs,
    overlay_in,
    prefix,
    route,
    rule,
    service,
    split,
    untouched,
)
from tests.unit.rollout.policies import UID, examples, policy

revisions = st.text("0123456789abcdef", min_size=10, max_size=10)
percents = st.lists(st.integers(0, 100), min_size=1, max_size=10).filter(lambda weights: sum(weights) <= 100)
shares = st.builds(
    lambda weights, revision, step: split(*weights, revision=revision, step=step),
    percents,
    revisions,
    st.integers(0, 19),
)
SHADOW = "x-early-stop-shadow"


def overlay(split: TrafficSplit = SHARE, *rules: dict[str, Any], **more: Any) -> Manifest:
    return overlay_in(render(inputs(*rules, **more), split))


def headers_of(backend_reference: dict[str, Any]) -> dict[str, str]:
    (filter_,) = backend_reference["filters"]
    assert filter_["type"] == "RequestHeaderModifier"
    assert filter_["requestHeaderModifier"].keys() <= {"set", "remove"}
    assert set(filter_["requestHeaderModifier"].get("remove", [])) <= {GOLDEN_HEADER, SHADOW}
    return {header["name"]: header["value"] for header in filter_["requestHeaderModifier"]["set"]}


@pytest.mark.slow
@examples
@given(shares)
def test_at_every_share_the_weights_of_every_rule_lie_in_0_to_100_and_sum_to_100(wanted: TrafficSplit) -> None:
    here = overlay(wanted, rule(prefix("/v1")), rule(exact("/ask")))
    assert weights_in(here) == {wanted.weights}
    for each in here["spec"]["rules"]:
        weights = [reference["weight"] for reference in each["backendRefs"]]
        assert len(weights) == len(wanted.variants) and sum(weights) == 100 and min(weights) >= 0


def test_alias_services_come_before_the_route_that_needs_them() -> None:
    kinds = [manifest["kind"] for manifest in render(inputs(rule(), rule(exact("/ask"), to="qa")), SHARE).objects]
    assert kinds == ["Service", "HTTPRoute"]
    two = inputs(rule(prefix("/v1")), rule(exact("/ask"), to="b"), services={"qa": service(), "b": service("b")})
    assert [manifest["metadata"]["name"] for manifest in render(two, SHARE).objects] == [
        alias_name("qa"),
        alias_name("b"),
        overlay_name("qa"),
    ]


def test_both_variants_set_all_their_headers_and_nothing_is_added_so_none_can_be_forged() -> None:
    for each in overlay()["spec"]["rules"][1:]:
        baseline, candidate = each["backendRefs"]
        assert headers_of(baseline) == {
            "x-early-stop-policy": "llm/qa",
            "x-early-stop-revision": "0123456789",
            "x-early-stop-step": "1",
            "x-early-stop-variant": "baseline",
            "x-early-stop-param-window": "40",
            "x-early-stop-param-patience": "2.5",
        }
        assert headers_of(candidate) == headers_of(baseline) | {
            "x-early-stop-variant": "candidate",
            "x-early-stop-param-window": "10",
        }
        assert baseline["name"] == "qa" and candidate["name"] == alias_name("qa")
        assert baseline["port"] == candidate["port"] == 80


def test_the_header_prefix_is_the_users() -> None:
    spec = policy({"delivery": {"gatewayHeader": {"headerPrefix": "x-stop-"}}})
    headers = variant_headers(inputs(spec=spec), SHARE, SHARE.candidates[0])
    assert all(name.startswith("x-stop-") for name in headers) and headers["x-stop-param-window"] == "10"


def test_the_first_rule_marks_probes_and_only_those_with_the_nonce_of_this_very_share() -> None:
    probe, plain = rules_in_force(overlay())
    nonce = nonce_of(SHARE)
    for marked, match in zip(probe["matches"], plain["matches"], strict=True):
        asked = {"type": "Exact", "name": PROBE_HEADER, "value": nonce}
        assert marked == {**match, "headers": [*match.get("headers", []), asked]}
    for marked, reference in zip(probe["backendRefs"], plain["backendRefs"], strict=True):
        assert headers_of(marked) == {**headers_of(reference), PROBE_HEADER: nonce + ".in-force"}
        assert {**marked, "filters": None} == {**reference, "filters": None}


def test_a_golden_question_reaches_its_variant_alone_and_no_other_request_keeps_its_header() -> None:
    probe, for_baseline, for_candidate, plain = overlay()["spec"]["rules"]
    for variant, golden, weights in zip(Variant, (for_baseline, for_candidate), ([100, 0], [0, 100]), strict=True):
        asked = {"type": "Exact", "name": GOLDEN_HEADER, "value": variant.value}
        for match, reference in zip(golden["matches"], plain["matches"], strict=True):
            assert match == {**reference, "headers": [*reference.get("headers", []), asked]}
        assert [each["weight"] for each in golden["backendRefs"]] == weights
    for each in plain["backendRefs"]:
        assert each["filters"][0]["requestHeaderModifier"]["remove"] == [SHADOW, GOLDEN_HEADER]
    assert not is_golden(probe)


def test_golden_questions_find_no_candidate_that_no_user_may_get() -> None:
    assert not any(map(is_golden, overlay(split(0))["spec"]["rules"]))


def test_a_route_without_room_for_golden_rules_serves_live_requests_as_well() -> None:
    crowded = [rule(exact(f"/ask/{number}")) for number in range(14)]
    here = overlay(SHARE, *crowded)["spec"]["rules"]
    assert len(here) == 15 and not any(map(is_golden, here))
    one_less = overlay(SHARE, *crowded[:13])["spec"]["rules"]
    assert len(one_less) == 16 and sum(map(is_golden, one_less)) == 2


@pytest.mark.slow
@examples
@given(shares, shares)
def test_two_shares_have_the_same_nonce_just_when_they_are_the_same(one: TrafficSplit, other: TrafficSplit) -> None:
    assert (nonce_of(one) == nonce_of(other)) == (one == other)


def test_what_the_user_wrote_beside_matches_and_backends_is_kept() -> None:
    filters = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "a", "value": "b"}]}}]
    kept: dict[str, Any] = {"filters": filters, "timeouts": {"request": "90s"}, "retry": {"attempts": 2}}
    kept |= {"ofALaterGatewayApi": {"limit": 3}}
    here = inputs(
        route=route(rule(**kept), hostnames=["qa.example.com"], parentRefs=[{"name": "edge", "sectionName": "web"}])
    )
    spec = overlay_in(render(here, SHARE))["spec"]
    assert spec["hostnames"] == ["qa.example.com"]
    assert spec["parentRefs"] == [{"name": "edge", "sectionName": "web"}]
    for each in spec["rules"]:
        assert {key: each[key] for key in kept} == kept


def test_rules_that_do_not_lead_to_the_target_are_left_to_the_users_route() -> None:
    here = overlay(SHARE, rule(prefix("/v1")), rule(prefix("/metrics"), to="other"), rule(prefix("/", method="GET")))
    assert len(rules_in_force(here)) == 2
    assert {each["backendRefs"][0]["name"] for each in here["spec"]["rules"]} == {"qa"}


def test_a_backend_of_another_kind_or_namespace_is_not_taken_for_the_service_of_that_name() -> None:
    for foreign in ({"kind": "InferencePool"}, {"namespace": "elsewhere"}):
        pool = {"matches": [exact("/pool")], "backendRefs": [{**backend(), **foreign}]}
        assert len(rules_in_force(overlay(SHARE, rule(), pool))) == 2


def test_everything_is_owned_by_the_policy_so_that_deleting_it_brings_the_route_back() -> None:
    for manifest in render(inputs(), SHARE).objects:
        owner = manifest["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("EarlyStopPolicy", "qa", UID)
        assert owner["controller"] is True and owner["blockOwnerDeletion"] is False
        assert manifest["metadata"]["namespace"] == "llm"
        assert "finalizers" not in manifest["metadata"] and "annotations" not in manifest["metadata"]


def test_an_overlay_goes_with_its_policy_and_the_alias_that_it_leads_to_stays_for_gateways_that_are_late() -> None:
    alias, overlay = render(inputs(), SHARE).objects
    owners = [
        [(owner["kind"], owner["uid"]) for owner in manifest["metadata"]["ownerReferences"]]
        for manifest in (alias, overlay)
    ]
    assert owners == [[("EarlyStopPolicy", UID), ("Service", "qa-uid")], [("EarlyStopPolicy", UID)]]


def test_an_alias_is_the_same_pods_without_the_labels_that_a_scraper_selects() -> None:
    alias = render(inputs(), SHARE).objects[0]
    assert alias["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "qa-server"},
        "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
    }
    assert "prometheus" not in alias["metadata"]["labels"]


def test_rendering_changes_none_of_the_users_objects() -> None:
    here = inputs(rule(prefix("/v1"), timeouts={"request": "9s"}))
    before = untouched(here)
    all_to_baseline(here, overlay_in(render(here, SHARE)))
    assert here == before


def test_rendering_twice_gives_the_same_objects_so_that_a_restart_writes_nothing() -> None:
    assert render(inputs(), SHARE) == render(inputs(), SHARE)


def test_a_withdrawn_overlay_sends_every_request_to_the_baseline_and_is_otherwise_the_same() -> None:
    here = overlay()
    taken_back = all_to_baseline(inputs(), here)
    assert weights_in(taken_back) == {(100, 0)}
    assert weights_in(here) == {(75, 25)}
    assert taken_back["spec"]["rules"][0]["matches"] == here["spec"]["rules"][0]["matches"]
    assert all_to_baseline(inputs(), taken_back) == taken_back


service_names = st.from_regex(re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"), fullmatch=True)


@pytest.mark.slow
@examples
@given(service_names, st.from_regex(re.compile(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?"), fullmatch=True))
def test_the_name_of_an_alias_is_a_name_for_a_service(name: str, variant: str) -> None:
    for alias in (alias_name(name), alias_name(name, variant)):
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", alias)
        assert alias != name


def test_the_alias_of_a_single_candidate_is_called_as_ever() -> None:
    assert alias_name("qa") == "qa-es-candidate"
    assert alias_name("q" * 50) == "q" * 50 + "-es-candidate"
    assert re.fullmatch("q{41}-[0-9a-f]{8}-es-candidate", alias_name("q" * 51))


def test_long_names_that_differ_only_at_their_end_have_different_aliases() -> None:
    names = ["q" * 62 + letter for letter in "abcdefgh"] + ["q" * length for length in range(40, 64)]
    assert len({alias_name(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "name", ["qa", "q" * 253, "q" * 234 + "." + "q" * 18, "a-" * 126 + "b", "q" * 62 + "." + "b" * 9]
)
def test_names_and_labels_are_ones_that_kubernetes_takes_whatever_the_policy_is_called(name: str) -> None:
    for manifest in render(inputs(policy=name), SHARE).objects:
        metadata = manifest["metadata"]
        assert len(metadata["name"]) <= 253
        assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", part) for part in metadata["name"].split("."))
        for value in metadata["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value)


# Several candidates in one route.

FOUR = split(10, 20, 0, 5)


def test_every_variant_has_a_backend_of_its_own_in_constant_order() -> None:
    for wanted in (FOUR, split(0, 0, 0, 0), split(0, 100, 0, 0)):
        *aliases, route = render(inputs(), wanted).objects
        names = ["qa", *(alias_name("qa", f"w{window}") for window in WINDOWS[:4])]
        assert [alias["metadata"]["name"] for alias in aliases] == names[1:]
        for each in route["spec"]["rules"]:
            assert [reference["name"] for reference in each["backendRefs"]] == names
            told = [headers_of(reference) for reference in each["backendRefs"]]
            assert [one["x-early-stop-variant"] for one in told] == ["baseline", "w10", "w5", "w2", "w1"]
            assert [one["x-early-stop-param-window"] for one in told] == ["40", "10", "5", "2", "1"]


def test_golden_questions_may_ask_for_the_baseline_and_each_candidate_that_users_get_and_for_no_other() -> None:
    golden = [each for each in overlay(FOUR)["spec"]["rules"] if is_golden(each)]
    asked = [each["matches"][0]["headers"][-1]["value"] for each in golden]
    assert asked == ["baseline", "w10", "w5", "w1"]
    assert [[reference["weight"] for reference in each["backendRefs"]].index(100) for each in golden] == [0, 1, 2, 4]


def test_ten_candidates_fit_into_one_route_and_its_objects_are_those_that_were_looked_for() -> None:
    ten = split(*[5] * 10)
    made = render(inputs(), ten).objects
    assert len(made[-1]["spec"]["rules"]) == 13 and len(made) == 11
    labels = [each.variant for each in ten.candidates]
    assert owned_names(inputs(), labels) == [(each["kind"], each["metadata"]["name"]) for each in made]


@pytest.mark.slow
@examples
@given(shares, shares)
def test_an_overlay_shows_the_share_that_it_was_rendered_from_and_no_other_weights(
    one: TrafficSplit, other: TrafficSplit
) -> None:
    delivery = inputs().spec.delivery
    assert has_split(overlay(one), delivery, one)
    assert has_split(overlay(one), delivery, other) == (one.weights == other.weights)


def test_weights_that_do_not_sum_to_100_or_leave_0_to_100_can_not_be_written() -> None:
    for weights in ((50, 49), (101, -1), ()):
        with pytest.raises(ValueError, match="and sum to 100"):
            TrafficSplit("r", 0, tuple(VariantWeight(str(place), weight, ()) for place, weight in enumerate(weights)))


# Shadows on the baseline, before any candidate gets a request.

WATCHED = split(0, 0, shadows=2)


def test_the_baseline_alone_names_its_shadows_and_a_forged_one_is_removed_everywhere_else() -> None:
    for each in overlay(WATCHED)["spec"]["rules"]:
        baseline, *candidates = each["backendRefs"]
        assert headers_of(baseline)[SHADOW] == "w10;window=10;patience=2.5, w5;window=5;patience=2.5"
        for reference in candidates:
            assert SHADOW not in headers_of(reference)
            assert SHADOW in reference["filters"][0]["requestHeaderModifier"]["remove"]


def test_shadows_in_force_are_read_back() -> None:
    delivery, without = inputs().spec.delivery, split(0, 0)
    assert has_split(overlay(WATCHED), delivery, WATCHED) and has_split(overlay(without), delivery, without)
    assert not has_split(overlay(WATCHED), delivery, without) and not has_split(overlay(without), delivery, WATCHED)


def test_a_withdrawn_overlay_has_no_shadows() -> None:
    taken_back = all_to_baseline(inputs(), overlay(WATCHED))
    assert taken_back == all_to_baseline(inputs(), taken_back)
    for each in taken_back["spec"]["rules"]:
        for reference in each["backendRefs"]:
            assert SHADOW not in headers_of(reference)
            assert SHADOW in reference["filters"][0]["requestHeaderModifier"]["remove"]


def test_what_is_in_force_is_told_in_a_sentence() -> None:
    assert summary(SHARE) == "25 % of requests try the candidate."
    assert summary(split(10, 20)) == "70 % of requests get baseline, 10 % of requests get w10, 20 % of requests get w5."
    assert "w10, w5 are judged on them" in summary(WATCHED)
