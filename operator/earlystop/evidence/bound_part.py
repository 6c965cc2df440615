"""How a risk is shared between the tests and the bounds of what cohorts differ by with the same setting."""

from __future__ import annotations

from earlystop.evidence.objective import Objective

BOUND_PART = 0.2
"""Part of each risk that a wrong bound of the cohorts' own difference has; the tests have the rest."""


def bound_risk(test_risk: float) -> float:
    """The risk of a bound, where the tests have the rest of what the policy allows."""
    return test_risk * BOUND_PART / (1 - BOUND_PART)


def policy_risk(objective: Objective, test_risk: float) -> float:
    """What the policy allows, of which the tests have `test_risk` and the bounds the rest, where there are any."""
    return test_risk + bound_risk(test_risk) * bool(objective.same_setting_steps)
