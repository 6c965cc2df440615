"""A policy as made-up traffic meets it: no Job, condition or webhook is there to be asked, so every gate is open."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec


def with_open_gates(spec: PolicySpec) -> PolicySpec:
    """The same policy, whose steps and promotions wait for no gate."""
    return spec.model_copy(update={"rollout": spec.rollout.model_copy(update={"gates": None})})
