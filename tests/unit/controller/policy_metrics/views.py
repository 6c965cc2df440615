"""Policies as /metrics is made from them."""

from __future__ import annotations

from earlystop.api.savings import Price
from earlystop.controller.memory.policy_snapshot import ConditionSummary
from earlystop.controller.policy_metrics.samples import PolicyView, Sample
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import RolloutState
from tests.unit.rollout.policies import policy


def view(state: RolloutState, *, namespace: str = "llm", name: str = "qa", price: Price | None = None) -> PolicyView:
    """A policy in a state, with the conditions that follow from it."""
    told = conditions(state, Observations(), worded=False)
    stored = tuple(ConditionSummary(each.type.value, each.status.value, each.reason, "") for each in told)
    spec = policy() if state.plan is None else state.plan.spec
    return PolicyView(namespace, name, spec, state, stored, price)


def value_of(samples: list[Sample], name: str, *labels: str) -> float | None:
    """The value of the one sample of this metric with these labels after the policy's; None where it is not there."""
    found = [each.value for each in samples if each.metric.name == name and each.labels[2:] == labels]
    assert len(found) <= 1
    return found[0] if found else None
