"""Why something was decided about a candidate, in a sentence for people: what is proven, or which harm is shown."""

from __future__ import annotations

from earlystop.evidence.engine import EXACT_MATCH, Assessment
from earlystop.evidence.objective import FLOOR, Basis, Objective
from earlystop.rollout.assessing import assess
from earlystop.rollout.formatting import in_percent, in_points
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import RolloutState

# A verdict's message has room for 1,024 characters.
HARMS_TOLD = 4


def benefit_message(plan: Plan, state: RolloutState, place: int) -> str:
    """The sentence on what a candidate is proven to do."""
    objective, found = _judged(state, place)
    each = f", also in each of {len(objective.classes)} query classes," if objective.require_each else ""
    shadow = " No request was answered with it: delivery.mode is Shadow." if plan.only_reports else ""
    return (
        f"Candidate {plan.names[place]} is proven to lose less than {in_points(objective.margin)} points of EM "
        f"({in_points(found.effect)}){each} and to save at least {in_percent(objective.minimum_saving)} of the "
        f"tokens ({in_percent(found.saving)}), from {_sizes(objective, found)}; risk of error "
        f"{objective.risk_promote:g}{_beside(plan, state, place)}.{shadow}"
    )


def _beside(plan: Plan, state: RolloutState, place: int) -> str:
    """What became of the other candidates."""
    if not plan.several:
        return ""
    proven: list[str] = []
    dropped: list[str] = []
    undecided: list[str] = []
    for other, comparison in enumerate(state.comparisons):
        kind = dropped if comparison.dropped else proven if comparison.certified_at is not None else undecided
        kind += [plan.names[other]] if other != place else []
    words = (("also proven", proven), ("dropped", dropped), ("not decided", undecided))
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in words if names)
    return f" for all {len(plan.names)} candidates together ({told})"


def all_dropped_message(plan: Plan, state: RolloutState) -> str:
    """The sentence on a campaign of which no candidate is left."""
    each = zip(plan.names, state.comparisons, strict=True)
    told = ", ".join(f"{name}: {one.dropped.reason}" for name, one in each if one.dropped)
    return f"Every candidate is shown to be harmful ({told}); risk of error {plan.objective.risk_harm:g} each."


def _judged(state: RolloutState, place: int) -> tuple[Objective, Assessment]:
    evidence = state.comparisons[place].evidence
    return evidence.objective, assess(evidence)


def harm_message(plan: Plan, state: RolloutState, place: int) -> str:
    """The sentence on every harm that a candidate is shown to do."""
    objective, found = _judged(state, place)
    told = " It ".join(_one_harm(objective, name, found) for name in found.harms[:HARMS_TOLD])
    more = len(found.harms) - HARMS_TOLD
    others = f" {more} more claims of harm are shown." if more > 0 else ""
    sizes = _sizes(objective, found)
    return f"Candidate {plan.names[place]} {told}{others} From {sizes}; risk of error {objective.risk_harm:g}."


def _one_harm(objective: Objective, name: str, found: Assessment) -> str:
    if name == EXACT_MATCH:
        return f"is shown to lose more than {in_points(objective.margin)} points of EM ({in_points(found.effect)})."
    if name == FLOOR:
        assert objective.floor is not None  # only a floor makes this claim
        return f"is shown to answer below the floor of {in_points(objective.floor)} points of EM."
    kind, _, own = name.partition("/")
    if kind == "class":
        margin = next(each.margin for each in objective.classes if each.name == own)
        return f"is shown to lose more than {in_points(margin)} points of EM in query class {own}."
    rail = next(each for each in objective.guardrails if each.name == own)
    what = "fail" if rail.kind.value == "FailureRate" else "displease users"
    return f"is shown to {what} more than {rail.maximum_ratio:g} times as often as the baseline (guardrail {own})."


def _sizes(objective: Objective, found: Assessment) -> str:
    if objective.basis is Basis.PAIRS:
        return f"{found.scored[0]:,} questions that both answered"
    return f"{found.scored[0]:,} answers of the baseline and {found.scored[1]:,} of the candidate"
