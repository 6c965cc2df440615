"""Verdicts of earlier campaigns, made by the machinery itself, for tests of what is learned from them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict import verdict_object
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.traffic import Quality, Server, decided

Manifest = dict[str, Any]
WINDOW = {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}
STEPS = [{"weight": 50, "minimumSeconds": 60}]


def window_policy(window: str = "10", changes: Mapping[str, Any] | None = None) -> PolicySpec:
    """A policy with the one parameter `window`, baseline 40, that tries one window."""
    return policy(
        {
            "parameters": [WINDOW],
            "baseline": {"values": [{"name": "window", "value": "40"}]},
            "candidates": [{"name": f"w{window}", "values": [{"name": "window", "value": window}]}],
            "rollout": {"steps": STEPS},
            **(changes or {}),
        }
    )


@cache
def _made(window: str, quality: Quality, name: str, namespace: str, later: int, spec: PolicySpec) -> str:
    uid = f"uid-{namespace}-{name}"
    begun = start_campaign(spec, "", RolloutState(), NOW + later, CampaignInputs(uid=uid, entropy=""))
    return json.dumps(verdict_object(name, namespace, uid, decided(spec, begun, Server(), quality)))


def past_verdict(
    window: str = "10",
    loss: float = 0.0,
    saving: float = 0.5,
    *,
    name: str = "qa",
    namespace: str = "llm",
    later: int = 0,
    spec: PolicySpec | None = None,
) -> Manifest:
    """The first verdict of a policy: on a window that loses so much Exact Match and saves this share of tokens."""
    tried = window_policy(window) if spec is None else spec
    quality = Quality(0.8 - loss, round(600 * (1 - saving)))
    made = _made(window, quality, name, namespace, later, tried)
    found: Manifest = json.loads(made)
    return found


def two_verdicts(first: str = "10", second: str = "5") -> list[Manifest]:
    """Two verdicts of one policy, the second one after the first."""
    before, spec = past_verdict(first, name="chain"), window_policy(second)
    uid = before["spec"]["policyUid"]
    begun = start_campaign(spec, "", RolloutState(campaign=1), NOW + 10_000, CampaignInputs(uid=uid, entropy=""))
    state = decided(spec, replace(begun, previous_digest=before["spec"]["digest"]), Server(), Quality(mean_tokens=300))
    after: Manifest = json.loads(json.dumps(verdict_object("chain", "llm", uid, state)))
    return [before, after]


def altered(verdict: Manifest, **changes: Any) -> Manifest:
    """A verdict with fields of its record changed after it was made."""
    found = copy.deepcopy(verdict)
    found["spec"].update(changes)
    return found
