"""Policies for the tests: one that is in order, and the same with parts written differently."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import settings

from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.state import RolloutState

UID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
NOW = 1_760_000_000

examples = settings(max_examples=60, deadline=None, derandomize=True, database=None)

WRITTEN: dict[str, Any] = {
    "targetRef": {"kind": "Deployment", "name": "qa-server"},
    "parameters": [
        {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"},
        {"name": "patience", "type": "Decimal", "minimum": "0", "maximum": "9", "stopsSooner": "WhenLower"},
    ],
    "baseline": {"values": [{"name": "window", "value": "40"}, {"name": "patience", "value": "2.5"}]},
    "candidates": [{"name": "w10", "values": [{"name": "window", "value": "10"}]}],
    "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}},
    "rollout": {
        "steps": [{"weight": 5, "minimumSeconds": 60}, {"weight": 25, "minimumSeconds": 60}, {"weight": 50}],
        "advance": "ByTime",
        "lookSeconds": 15,
        "settleSeconds": 30,
        "deadlineSeconds": 3600,
    },
    "metrics": {"sourceRef": {"name": "default"}},
    "objective": {
        "exactMatch": {"margin": "0.05", "assumeIndependent": True},
        "tokens": {"minimumSaving": "0.10"},
    },
}


def written(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The spec as a user writes it, with `changes` merged in; None removes a field."""
    return _merged(copy.deepcopy(WRITTEN), changes or {})


def policy(changes: Mapping[str, Any] | None = None) -> PolicySpec:
    """The parsed spec."""
    return PolicySpec.model_validate(written(changes))


def started(spec: PolicySpec, now: int = NOW) -> RolloutState:
    """The first campaign of a policy, its weights not yet in force."""
    return start_campaign(spec, "", RolloutState(), now, CampaignInputs(uid=UID, entropy=""))


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            _merged(base[key], value)
        else:
            base[key] = copy.deepcopy(value)
    return base


# One step that is watched for longer than any test takes.
PATIENT = policy({"rollout": {"steps": [{"weight": 50, "minimumSeconds": 600_000}], "deadlineSeconds": 2_000_000}})
