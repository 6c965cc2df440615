"""Objects of the three kinds as tests write them: each call gives a fresh one that the API server accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from earlystop.api.counts import Look, Tally
from earlystop.api.policy import PolicySpec
from earlystop.api.wire import API_VERSION
from earlystop.evidence.engine import replay
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.revision import revision_of
from earlystop.rollout.state import Comparison, Decision, Phase, RolloutState, Verdict
from earlystop.rollout.verdict import verdict_object

Manifest = dict[str, Any]

CRDS = Path(__file__).parents[2] / "crds"
REMOVED = object()
"""As the value of a change: the field is taken out."""


def policy(namespace: str = "default", name: str = "qa") -> Manifest:
    """A policy with one candidate and nothing that has a default."""
    return {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "targetRef": {"kind": "Deployment", "name": "qa-server"},
            "parameters": [
                {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"},
            ],
            "baseline": {"values": [{"name": "window", "value": "40"}]},
            "candidates": [{"name": "w10", "values": [{"name": "window", "value": "10"}]}],
            "delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}},
            "rollout": {"steps": [{"weight": 5}, {"weight": 25}, {"weight": 50}], "advance": "ByTime"},
            "metrics": {"sourceRef": {"name": "default"}},
            "objective": {"exactMatch": {"margin": "0.02", "assumeIndependent": True}},
        },
    }


def source(name: str = "default") -> Manifest:
    """A MetricSource without authentication."""
    return {
        "apiVersion": API_VERSION,
        "kind": "MetricSource",
        "metadata": {"name": name},
        "spec": {"url": "http://prometheus.monitoring:9090"},
    }


MESSAGE = "Neither benefit nor harm was shown within 600 s."


def verdict(namespace: str = "default", uid: str = "5a1d8c0e-0000-4000-8000-000000000001") -> Manifest:
    """The verdict that the operator itself would store after one look at the policy above."""
    plan = parse_plan(plan_text(PolicySpec.model_validate(policy()["spec"])))
    arm = Tally(started=100, completed=100, match=80, mismatch=20, tokens=9_000, tokens_squared=900_000)
    looks = (Look(1_700_000_015, 0, 50, baseline=arm, candidate=arm),)
    (candidate,) = plan.names
    state = RolloutState(
        phase=Phase.ROLLING_BACK,
        campaign=1,
        revision=revision_of(uid, 1, ""),
        plan=plan,
        comparisons=(Comparison(candidate, replay(plan.objective, looks), looks=looks),),
        decision=Decision(Verdict.INCONCLUSIVE, "DeadlineExceeded", MESSAGE, 1_700_000_020, candidate),
    )
    return verdict_object("qa", namespace, uid, state)


def changed(manifest: Manifest, path: str, value: Any) -> Manifest:
    """The manifest, with another value at a path such as `spec.rollout.steps.0.weight`. It is changed in place."""
    *parents, last = (int(word) if word.isdigit() else word for word in path.split("."))
    holder: Any = manifest
    for key in parents:
        holder = holder[key]
    if value is REMOVED:
        del holder[last]
    else:
        holder[last] = value
    return manifest
