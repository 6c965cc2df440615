"""What answers that are missing cost, in words: as `plan` supposes it, and as `explain` has seen it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from earlystop.api.percent import rounded_percent
from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import Basis, Objective, Unscored
from earlystop.simulation.missing_cost import MissingCost, SeenMissing, seen_in_answers, seen_in_pairs

if TYPE_CHECKING:
    from earlystop.rollout.state import Comparison

SUPPOSED_MISSING = 0.05
"""The share of each variant's answers of which a plan says what it costs when they are missing."""

LEAST_TIMES = 1.05
"""Less than these times as many requests is no cost to speak of."""


def missing_remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """What it would cost if answers were missing, of which the plan supposes none; nothing where it costs little."""
    if "missing_as_wrong" not in found:
        return []
    cost = MissingCost(float(found["missing_as_wrong"]), float(found["missing_left_out"]))
    judged = spec.objective.exact_match
    on_pairs, left_out = judged.evidence == "Pairs", judged.unscored == "Exclude"
    times = cost.left_out if left_out else cost.as_wrong
    if times < LEAST_TIMES:
        return []
    lacking = "fail or cannot be scored" if on_pairs else "cannot be scored"
    part, asked = rounded_percent(SUPPOSED_MISSING), "questions" if on_pairs else "requests"
    where = (
        f"No answer is supposed to be missing. Where {part} of each variant's {lacking}, whichever, a proof takes "
        f"about {_times(times)} as many {asked}"
    )
    if left_out:
        return [f"{where}, as exactMatch.unscored: Exclude leaves them out."]
    wrong = "since such an answer counts as a wrong one"
    if _times(cost.left_out) == _times(times):
        return [f"{where}, whether such an answer counts as a wrong one or is left out (exactMatch.unscored)."]
    return [f"{where}, {wrong}; with exactMatch.unscored: Exclude about {_times(cost.left_out)}."]


def missing_costs(comparison: Comparison) -> Iterator[str]:
    """What the answers that a candidate and its baseline lack so far cost, a sentence or none."""
    objective = comparison.evidence.objective
    seen = _seen(comparison, objective)
    if seen is None:
        return
    left_out = objective.unscored is Unscored.EXCLUDE
    times = seen.cost.left_out if left_out else seen.cost.as_wrong
    if times < LEAST_TIMES:
        return
    on_pairs = objective.basis is Basis.PAIRS
    whose = f"{_percent(seen.baseline)} of the baseline and {_percent(seen.candidate)} of {comparison.name}"
    lacking, asked = ("Pairs lack answers", "pairs") if on_pairs else ("Answers could not be scored", "answers")
    reason = "They are left out (exactMatch.unscored: Exclude)" if left_out else "Each counts as a wrong one"
    sooner = (
        ""
        if left_out
        else f" exactMatch.unscored: Exclude would leave them out, for about {_times(seen.cost.left_out)} as many, if "
        "which answers are missing says nothing of how good they are."
    )
    yield (
        f"{lacking}, {whose}. {reason}, so a proof takes about {_times(times)} as many {asked} as with none "
        f"missing.{sooner}"
    )


def _seen(comparison: Comparison, objective: Objective) -> SeenMissing | None:
    from earlystop.evidence import attrition  # a plan, which has seen nothing, needs none of it

    if objective.basis is Basis.PAIRS:
        return seen_in_pairs(comparison.looks)
    if not comparison.looks or not attrition.is_checked(objective):
        return None
    arms = zip(*((look.baseline, look.candidate) for look in comparison.looks), strict=True)
    baseline, candidate = (reduce(add, arm) for arm in arms)
    return seen_in_answers(baseline, candidate)


def _times(factor: float) -> str:
    return f"{factor:.1f} times"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
