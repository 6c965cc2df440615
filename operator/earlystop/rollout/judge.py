"""Whether the evidence decides, and whether it allows the next step."""

from __future__ import annotations

from itertools import takewhile

from earlystop.evidence.engine import Assessment
from earlystop.rollout.assessing import assess
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.state import Decision, RolloutState, Verdict
from earlystop.rollout.wording import in_percent, in_points

SCORED_TO_ADVANCE = 100
HARM_TO_ADVANCE = 1.0


def judge(state: RolloutState, at: int) -> Decision | None:
    """The decision that the evidence demands at moment `at`, or None to go on.

    Harm acts at once. A promotion needs both certificates, an intact split, and the step's least time.
    """
    assert state.evidence is not None  # a campaign always has evidence
    plan = parse_plan(state.plan)
    found = assess(state.evidence)
    if found.harmful:
        return Decision(Verdict.ROLL_BACK, "HarmShown", _harm(plan, found), at)
    proven = found.non_inferior and found.saves_tokens and not found.sample_ratio_broken
    if proven and _watched(plan, state, at):
        return Decision(Verdict.PROMOTE, "NonInferiorAndSaving", _benefit(plan, found), at)
    return None


def may_advance(state: RolloutState, at: int) -> bool:
    """Whether the next, larger share may be tried: enough time, enough answers, no sign of harm, intact split."""
    assert state.evidence is not None  # a campaign always has evidence
    plan = parse_plan(state.plan)
    if state.step + 1 >= len(plan.weights) or not _watched(plan, state, at):
        return False
    of_step = list(takewhile(lambda look: look.step == state.step, reversed(state.looks)))
    scored = (sum(look.baseline.scored for look in of_step), sum(look.candidate.scored for look in of_step))
    found = assess(state.evidence)
    return min(scored) >= SCORED_TO_ADVANCE and found.log_e.harm < HARM_TO_ADVANCE and not found.sample_ratio_broken


def _watched(plan: Plan, state: RolloutState, at: int) -> bool:
    return state.evidence_from is not None and at - state.evidence_from >= plan.minimum_seconds[state.step]


def _benefit(plan: Plan, found: Assessment) -> str:
    return (
        f"Candidate {plan.candidate} is proven to lose less than {in_points(plan.objective.margin)} points of EM "
        f"({in_points(found.effect)}) and to save at least {in_percent(plan.objective.minimum_saving)} of the tokens "
        f"({in_percent(found.saving)}), from {found.scored[0]:,} answers of the baseline and {found.scored[1]:,} of "
        f"the candidate; risk of error {plan.objective.risk_promote:g}."
    )


def _harm(plan: Plan, found: Assessment) -> str:
    return (
        f"Candidate {plan.candidate} is shown to lose more than {in_points(plan.objective.margin)} points of EM "
        f"({in_points(found.effect)}), from {found.scored[0]:,} answers of the baseline and {found.scored[1]:,} of "
        f"the candidate; risk of error {plan.objective.risk_harm:g}."
    )
