"""Why something was decided about query classes, in a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.rollout.formatting import in_factor
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import ClassSetting
from earlystop.rollout.strategy import strategy_of

OWN_SETTINGS = "each query class has its own setting"
"""What a decision by class is about, where a decision for all requests names a setting."""


def by_class_message(plan: Plan, settings: Sequence[ClassSetting]) -> str:
    """The sentence on what each class gets. settings: at least one."""
    given = ", ".join(f"{each.query_class}: {each.candidate}" for each in settings)
    named = {each.query_class for each in settings}
    kept = [each.name for each in plan.objective.classes if each.name not in named]
    others = f"{', '.join(kept)} and all requests of no class keep" if kept else "All requests of no class keep"
    shadow = "" if strategy_of(plan).promotes else " No request was answered by it: delivery.mode is Shadow."
    return (
        f"Proven for query classes ({given}), each by itself to lose less than its margin of EM and to save enough "
        f"tokens; risk of error {in_factor(plan.objective.risk_promote)} for each class. {others} the baseline.{shadow}"
    )


def harmful_in_classes_message(plan: Plan) -> str:
    """The sentence on candidates of which none is fit for any class."""
    risk = in_factor(plan.objective.risk_harm)
    return (
        "Every candidate is proven to lose more than the margin in every query class; risk of error "
        f"{risk} for each of them."
    )
