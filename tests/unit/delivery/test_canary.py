"""A candidate that a gateway does not serve while users get it is found by probes that can reach one variant only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.api.wire import GOLDEN_HEADER
from earlystop.delivery.decide import decide
from earlystop.delivery.decisions import Detach, SplitStatus, TrafficDecision, Wait
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.harm import SECONDS_OF_FIRST_REST, SECONDS_OF_REST, SECONDS_TO_SERVE
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.probes.canary import CONFIRMATIONS, Answer, Fault, judge
from earlystop.delivery.proof import ProbeResult, Probes, ProbeTarget, Proof
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_view import Rest, TrafficView
from tests.unit.delivery.cluster import exact, inputs, rule, spec_in, split
from tests.unit.rollout.policies import examples

NOW = 1_000_000.0
HALF = split(50)
LOST = ProbeResult(Proof.NOT_YET, "The gateway answered 502 to a probe.")
SAID = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.TRUE, "InForce", "Weights are in force.")


def target(variant: str) -> ProbeTarget:
    return ProbeTarget("http://10.1.2.3/", None, "0f", (), "r", ((variant, 100),), mark="")


def judged(**came: int) -> ProbeResult:
    """What it means that so many of each variant's probes came to the server."""
    answers: dict[ProbeTarget, list[Answer]] = {}
    for variant, count in came.items():
        answers[target(variant)] = [f"0f;r;{variant}"] * count + [LOST] * (CONFIRMATIONS - count)
    return judge(answers)


def test_a_candidate_whose_probes_are_lost_while_the_baselines_come_fails_and_the_code_is_named() -> None:
    found = judged(baseline=CONFIRMATIONS, candidate=0)
    assert found.proof is Proof.CANDIDATE_FAILS
    assert "16 of 16 probes of candidate did not come" in found.message and "answered 502" in found.message


@examples
@given(st.integers(0, CONFIRMATIONS), st.integers(0, CONFIRMATIONS))
def test_only_a_candidate_that_does_worse_than_the_baseline_fails(baseline: int, candidate: int) -> None:
    proof = judged(baseline=baseline, candidate=candidate).proof
    fails = baseline == CONFIRMATIONS and 2 * candidate <= CONFIRMATIONS
    assert (proof is Proof.CANDIDATE_FAILS) == fails
    assert (proof is Proof.NOT_YET) == (baseline == candidate == 0)


def test_of_several_candidates_the_one_that_fails_is_named() -> None:
    found = judged(baseline=CONFIRMATIONS, w10=CONFIRMATIONS, w5=0)
    assert found.proof is Proof.CANDIDATE_FAILS and "of w5" in found.message and "w10" not in found.message


@pytest.mark.parametrize("echo", ["0f;r;baseline", "0f;other;candidate", "0f.in-force;r;candidate", "nonsense"])
def test_an_echo_that_is_not_the_variants_shows_that_the_split_must_be_proven_anew(echo: str) -> None:
    answers: dict[ProbeTarget, list[Answer]] = {target("baseline"): ["0f;r;baseline"], target("candidate"): [echo]}
    assert judge(answers).proof is Proof.STALE


@pytest.mark.parametrize("proof", [Proof.UNREACHABLE, Proof.UNTRUSTED, Proof.UNSUPPORTED])
def test_a_gateway_that_cannot_be_reached_and_a_server_that_echoes_no_more_say_nothing_of_users(proof: Proof) -> None:
    lost: list[Answer] = [ProbeResult(proof, "It could not be reached.")]
    assert judge({target("baseline"): lost, target("candidate"): lost}).proof is proof


# Where each variant is asked for


def in_force(here: ClusterInputs, wanted: TrafficSplit = HALF) -> ClusterInputs:
    return here.with_objects(desired_traffic(here, wanted, rolling_back=False).rendered.objects)


def variants_asked(here: ClusterInputs, wanted: TrafficSplit) -> list[str]:
    proof = desired_traffic(here, wanted, rolling_back=False).proof
    assert isinstance(proof, Probes)
    for each in proof.by_variant:
        assert sum(weight > 0 for _, weight in each.weights) == 1
    return [variant for each in proof.by_variant for variant, weight in each.weights if weight > 0]


@pytest.mark.parametrize("weights", [(5,), (100,), (10, 20, 0)])
def test_every_variant_that_users_get_can_be_asked_for_alone(weights: tuple[int, ...]) -> None:
    wanted = split(*weights)
    candidates = [each.variant for each in wanted.candidates if each.weight > 0]
    assert variants_asked(inputs(), wanted) == ["baseline", *candidates]


def test_a_cohorts_variants_can_be_asked_for_alone_too_and_nobody_is_asked_for_without_a_candidate() -> None:
    assert sorted(variants_asked(inputs(spec=spec_in("HeaderCohort")), HALF)) == ["baseline", "candidate"]
    for mode in ("GatewayHeader", "HeaderCohort", "Shadow"):
        assert variants_asked(inputs(spec=spec_in(mode)), split(0)) == []


def test_a_probe_of_one_variant_meets_its_golden_rule_and_no_rule_for_other_probes() -> None:
    here = inputs()
    desired = desired_traffic(here, HALF, rolling_back=False)
    assert isinstance(desired.proof, Probes)
    (all_probes,) = desired.proof.targets
    for each in desired.proof.by_variant:
        asked = dict(each.headers)
        assert asked[GOLDEN_HEADER] in ("baseline", "candidate") and each.nonce != all_probes.nonce and each.mark == ""


def test_an_overlay_without_room_for_golden_rules_is_watched_by_its_counts_alone() -> None:
    rules = [rule(exact(f"/ask{number}")) for number in range(14)]
    assert variants_asked(inputs(*rules), HALF) == []


# What is decided


def decided(memory: dict[str, Any], wanted: TrafficSplit = HALF, mode: str = "GatewayHeader") -> TrafficDecision:
    here = in_force(inputs(spec=spec_in(mode)), wanted)
    view = replace(TrafficView(condition=SAID, proven=wanted), **memory)
    return decide(here, desired_traffic(here, wanted, rolling_back=False), view, NOW)


def fault(proof: Proof = Proof.CANDIDATE_FAILS, seconds: float = 0.0, of: TrafficSplit = HALF) -> Fault:
    return Fault(of, proof, "16 of 16 probes of candidate did not come to the server.", NOW - seconds)


@pytest.mark.parametrize("mode", ["GatewayHeader", "HeaderCohort"])
def test_a_candidate_that_fails_is_taken_off_at_once_though_the_split_was_proven(mode: str) -> None:
    found = decided({"fault": fault()}, mode=mode)
    assert isinstance(found, Detach) and found.status is SplitStatus.NOT_WRITTEN and found.objects
    assert (found.condition.status, found.condition.reason) == (ConditionStatus.FALSE, "CandidateNotServed")
    assert "All requests go by your own route" in found.condition.message
    assert all("parentRefs" not in each["spec"] for each in found.objects)


def test_an_overlay_that_serves_no_variant_is_taken_off_after_a_stated_time() -> None:
    soon = decided({"fault": fault(Proof.NOT_YET, SECONDS_TO_SERVE - 1)})
    assert isinstance(soon, Wait) and soon.status is SplitStatus.PROVEN
    late = decided({"fault": fault(Proof.NOT_YET, SECONDS_TO_SERVE)})
    assert isinstance(late, Detach) and late.condition.reason == "ShareNotServed"


def test_each_rest_is_twice_as_long_as_the_one_before_up_to_a_bound() -> None:
    rests, before = [], None
    for _ in range(7):
        found = decided({"fault": fault(), "rest": before})
        assert isinstance(found, Detach) and found.rest is not None
        rests.append(found.rest)
        before = Rest(split=HALF, seconds=found.rest, until=NOW - 1, condition=found.condition)
    assert rests[:3] == [SECONDS_OF_FIRST_REST, 2 * SECONDS_OF_FIRST_REST, 4 * SECONDS_OF_FIRST_REST]
    assert rests[-1] == SECONDS_OF_REST


@pytest.mark.parametrize(("served", "rest"), [(SECONDS_OF_REST - 1, 240.0), (SECONDS_OF_REST, SECONDS_OF_FIRST_REST)])
def test_a_split_that_has_served_for_as_long_as_the_longest_rest_begins_with_the_first_one_again(
    served: float, rest: float
) -> None:
    before = Rest(split=HALF, seconds=120.0, until=NOW - 9_000, condition=SAID, proven_at=NOW - served)
    found = decided({"fault": fault(), "rest": before})
    assert isinstance(found, Detach) and found.rest == rest


def test_a_fault_of_another_split_and_one_where_no_candidate_has_requests_take_nobody_off() -> None:
    assert isinstance(decided({"fault": fault(of=split(25))}), Wait)
    none = split(0)
    assert not isinstance(decided({"fault": fault(of=none)}, none), Detach)
