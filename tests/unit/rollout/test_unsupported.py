"""What this release does not do is refused by name and never half done."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from earlystop.rollout.unsupported import engine_refusal, missing_counts, unbuilt
from tests.unit.rollout.policies import policy

UNBUILT: dict[str, dict[str, Any]] = {
    "spec.search": {
        "candidates": None,
        "search": {"strategy": "Ladder", "parameter": "window", "values": ["20", "10"]},
    },
    "delivery.mode": {"delivery": {"mode": "Workload", "gatewayHeader": None}},
    "spec.guard": {"guard": {}},
    "approval.mode": {"approval": {"mode": "BeforePromotion"}},
}


@pytest.mark.parametrize("part", UNBUILT)
def test_a_part_that_is_not_built_is_refused_by_its_name_with_what_to_write(part: str) -> None:
    refusal = unbuilt(policy(UNBUILT[part]))
    assert refusal is not None and refusal.reason == "NotBuilt"
    assert part in refusal.message and any(word in refusal.message for word in ("write", "remove"))


@pytest.mark.parametrize("preset", ["VLLM", "SGLang", "EnvoyAIGateway"])
def test_an_engines_counters_are_refused_where_variants_share_its_pods(preset: str) -> None:
    refusal = engine_refusal(policy({"metrics": {"preset": preset}}))
    assert refusal is not None and refusal.reason == "VariantsNotTold"
    assert "cannot tell variants" in refusal.message and "Write preset EarlyStop, or Custom" in refusal.message
    elsewhere = {"mode": "HeaderCohort", "gatewayHeader": None}
    assert engine_refusal(policy({"metrics": {"preset": preset}, "delivery": elsewhere})) is not None
    assert engine_refusal(policy()) is None and engine_refusal(policy({"metrics": {"preset": "Custom"}})) is None


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
    assert unbuilt(policy({"suspend": True, "approval": {"mode": "Never"}})) is None
