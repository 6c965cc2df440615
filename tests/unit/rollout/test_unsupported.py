"""What this release does not do is refused by name and never half done."""

from __future__ import annotations

import pytest
from pydantic.alias_generators import to_camel

from earlystop.api.parameters import RESERVED_NAMES
from earlystop.api.policy import RESERVED_VARIANTS
from earlystop.rollout.unsupported import missing_counts, refusal_of_spec, unbuilt
from tests.unit.rollout.policies import policy


@pytest.mark.parametrize("preset", ["VLLM", "SGLang", "EnvoyAIGateway"])
def test_an_engines_counters_are_refused_where_variants_share_its_pods(preset: str) -> None:
    refusal = refusal_of_spec(policy({"metrics": {"preset": preset}}))
    assert refusal is not None and refusal.reason == "VariantsNotTold"
    assert f"metrics.preset {preset} cannot tell variants" in refusal.message
    assert "Write one of EarlyStop, Custom" in refusal.message
    elsewhere = {"mode": "HeaderCohort", "gatewayHeader": None}
    assert refusal_of_spec(policy({"metrics": {"preset": preset}, "delivery": elsewhere})) is not None
    assert unbuilt(policy({"metrics": {"preset": "Custom"}})) is None


def test_counts_that_a_preset_has_in_no_source_are_refused_from_the_policy_alone() -> None:
    settings = {"routeRef": {"name": "qa"}, "container": "server", "settings": [{"parameter": "window", "env": "W"}]}
    delivery = {"mode": "Workload", "gatewayHeader": None, "workload": settings}
    refusal = refusal_of_spec(policy({"metrics": {"preset": "VLLM"}, "delivery": delivery}))
    assert refusal is not None and refusal.reason == "CountsMissing" and "VLLM does not count match" in refusal.message
    # A person is told what is never enough, and what to write in its place for either kind of setting.
    assert "adds up no squares of lengths" in refusal.message and "delivery.mode RequestBody" in refusal.message
    assert "preset EarlyStop" in refusal.message and "--count-only" in refusal.message
    classes = {"objective": {"queryClasses": [{"name": "multi-hop", "margin": "0.03"}]}}
    refusal = refusal_of_spec(policy({"metrics": {"preset": "Custom"}, **classes}))
    assert refusal is not None and refusal.message.startswith("objective.queryClasses: the preset Custom")
    assert refusal_of_spec(policy({"metrics": {"preset": "Custom"}})) is None
    assert refusal_of_spec(policy(classes)) is None


def test_counts_that_the_objective_needs_are_named_when_they_are_missing() -> None:
    needed = ("match", "mismatch", "completed", "tokens", "tokens_squared")
    assert missing_counts(policy(), needed) is None
    for name in needed:
        refusal = missing_counts(policy(), set(needed) - {name})
        assert refusal is not None and to_camel(name) in refusal.message
    rails = [{"name": "v", "kind": "NegativeFeedback", "maximumRatio": "1.5"}]
    refusal = missing_counts(policy({"objective": {"guardrails": rails}}), needed)
    assert refusal is not None and "feedbackUp, feedbackDown" in refusal.message


def test_a_policy_that_asks_for_what_is_built_is_not_refused() -> None:
    assert unbuilt(policy()) is None
    assert unbuilt(policy({"suspend": True, "approval": {"mode": "Always"}})) is None


@pytest.mark.parametrize("name", RESERVED_VARIANTS)
def test_a_candidate_that_was_stored_before_its_name_was_taken_is_refused_with_what_to_write(name: str) -> None:
    values = [{"name": "window", "value": "10"}]
    refusal = refusal_of_spec(policy({"candidates": [{"name": name, "values": values}]}))
    assert refusal is not None and refusal.reason == "NameReserved"
    assert f"candidates: the name {name} has" in refusal.message and f"{name}-1" in refusal.message
    assert refusal_of_spec(policy({"candidates": [{"name": f"{name}-1", "values": values}]})) is None


@pytest.mark.parametrize("name", RESERVED_NAMES)
def test_a_parameter_that_was_stored_before_its_name_was_taken_is_refused_with_what_to_write(name: str) -> None:
    spec = policy()
    parameters = tuple(each.model_copy(update={"name": name}) for each in spec.parameters[:1])
    refusal = refusal_of_spec(spec.model_copy(update={"parameters": parameters}))
    assert refusal is not None and refusal.reason == "NameReserved" and f"{name}-1" in refusal.message
