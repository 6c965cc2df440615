"""Names of the columns of the looks in a verdict: those of a trial, and those of a guard."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.counts import FIRST_COUNTS, TALLY_FIELDS, ClassAnswers, UserScatter, Variant, later_columns
from earlystop.api.status.guard import RecordedGuard
from earlystop.evidence.objective import Basis
from earlystop.rollout.plan import Plan
from earlystop.rollout.strategy import strategy_of

COLUMNS = (
    "at",
    "step",
    "weight",
    *(f"{variant}.{name}" for variant in (Variant.BASELINE, Variant.CANDIDATE) for name in TALLY_FIELDS[:FIRST_COUNTS]),
)


def columns(plan: Plan, later: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the columns of a look under a plan: four more for each query class, as `baseline.match/multi-hop`, the
    baseline's weight in looks that other variants shared traffic with, those of later counts in looks that have
    some, and `users.` columns where users are counted."""
    names = [name.replace("_", ".", 1) for name in ClassAnswers._fields]
    is_beside = plan.incumbent is not None or strategy_of(plan).judges_together(plan)
    beside = ("baseline.weight",) if is_beside else ()
    users = (f"users.{name}" for name in UserScatter._fields) if plan.objective.by_users else ()
    classes = (f"{name}/{each.name}" for each in plan.objective.classes for name in names)
    return (*COLUMNS, *classes, *beside, *later, *users)


def guard_columns(guard: RecordedGuard, plan: Plan) -> tuple[str, ...]:
    """Names of the columns of a guard's looks, in which no query class has any where golden questions are compared, and
    later counts only where a look has some."""
    names = [name.replace("_", ".", 1) for name in ClassAnswers._fields]
    classes = () if Basis(guard.evidence) is Basis.PAIRS else plan.objective.classes
    known = (*COLUMNS, *(f"{name}/{each.name}" for each in classes for name in names))
    later = max((row[-1] for row in guard.looks if len(row) > len(known)), default=0)
    return (*known, *later_columns(later))
