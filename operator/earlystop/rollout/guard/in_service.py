"""What conditions say of a promotion for as long as a guard watches over it: little, since it stands for months."""

from __future__ import annotations

from earlystop.rollout.exposure import served
from earlystop.rollout.formatting import in_settings
from earlystop.rollout.serving import Served
from earlystop.rollout.state import RolloutState, Verdict

AS_DECIDED = "The decision says why."
NOT_PROVEN = "Not proven at that moment"
"""Words of the message of a promotion that a person asked for before all of its claims were proven."""


def short_or(state: RolloutState, message: str) -> str:
    """The message; or where to find it, while a guard watches over what a campaign decided."""
    of_search = state.search is not None and state.search.ended is not None
    return AS_DECIDED if state.is_guarded and not of_search else message


def in_service_sentence(state: RolloutState) -> str:
    """Which setting serves, beside which baseline; "" while no guard watches."""
    if not state.is_guarded:
        return ""
    plan = state.pinned_plan
    values = plan.settings_of(state.leader)
    if plan.incumbent is not None and served(state) is Served.INCUMBENT:
        values = dict(plan.incumbent.values)
    return f"Promoted: {in_settings(values)} (baseline {in_settings(plan.baseline_settings)}).{_unproven(state)}"


def _unproven(state: RolloutState) -> str:
    """Who asked for a promotion that nothing had proven, with a blank before it; "" for any other."""
    decision = state.decision
    if decision is None or not decision.requested_by or decision.verdict is not Verdict.PROMOTE:
        return ""
    if NOT_PROVEN not in decision.message:
        return ""
    return f" Not proven: {decision.requested_by} asked for it without the evidence."
