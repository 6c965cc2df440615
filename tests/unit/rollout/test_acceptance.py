"""What this release does not do is refused by name and never half done."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.rollout.acceptance import unbuilt
from tests.unit.rollout.policies import policy

CANDIDATE = {"name": "w10", "values": [{"name": "window", "value": "10"}]}
UNBUILT: dict[str, dict[str, Any]] = {
    "spec.search": {
        "candidates": None,
        "search": {"strategy": "Ladder", "parameter": "window", "values": ["20", "10"]},
    },
    "delivery.mode": {"delivery": {"mode": "Shadow", "gatewayHeader": None}},
    "rollout.strategy": {"rollout": {"strategy": "ABTest"}},
    "Several candidates": {"candidates": [CANDIDATE, {**CANDIDATE, "name": "w11"}]},
    "spec.guard": {"guard": {}},
    "approval.mode": {"approval": {"mode": "BeforePromotion"}},
}


@pytest.mark.parametrize("part", UNBUILT)
def test_a_part_that_is_not_built_is_refused_by_its_name_with_what_to_write(part: str) -> None:
    refusal = unbuilt(policy(UNBUILT[part]))
    assert refusal is not None and refusal.reason == "NotBuilt"
    assert part in refusal.message and any(word in refusal.message for word in ("write", "remove"))


def test_a_policy_that_asks_for_what_is_built_is_not_refused() -> None:
    assert unbuilt(policy()) is None
    assert unbuilt(policy({"suspend": True, "approval": {"mode": "Never"}})) is None
