"""Recomputing from looks alone that no step of a ramp was left before it was safe."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from earlystop.api.plurals import counted
from earlystop.evidence.engine import begin, update
from earlystop.rollout.formatting import in_points
from earlystop.rollout.plan import WHEN_SAFE, Plan
from earlystop.rollout.state import Comparison
from earlystop.rollout.steps import unrefuted_loss


def step_differences(plan: Plan, comparison: Comparison) -> list[str]:
    """Where a candidate got a larger weight than its looks allow, one sentence each; none where steps go by time.

    The looks must be counts that can be (`engine.update`).
    """
    if plan.spec.rollout.advance != WHEN_SAFE:
        return []
    evidence, problems = begin(comparison.evidence.objective), []
    for look, following in pairwise(comparison.looks):
        evidence = update(evidence, look)
        is_left = look.step < min(following.step, len(plan.stages) - 1)
        if is_left and evidence.objective.by_users and not evidence.dispersion.is_known:
            problems.append(f"{comparison.name} got a larger weight while its looks did not know how users scatter.")
        seen = replace(comparison, evidence=evidence)
        unsafe = [unrefuted_loss(plan, seen, step) for step in range(look.step, following.step)]
        problems += [
            f"{comparison.name} got {each.weight} % of requests before its looks refuted a loss of "
            f"{counted(in_points(each.loss), 'point')}."
            for each in unsafe
            if each is not None
        ]
    return problems
