"""The decisions that evidence demands, with their reasons and sentences."""

from __future__ import annotations

from earlystop.evidence.engine import EXACT_MATCH, Assessment
from earlystop.evidence.objective import FLOOR, ClaimKind
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, Decision, RolloutState, Verdict
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.decision_messages import benefit_message, harm_message

HARM_REASONS = ("HarmShown", "BelowFloor", "GuardrailBroken", "QueryClassHarmed")
EVERY_CANDIDATE_DROPPED = "EveryCandidateDropped"
BY_CLASS = "ProvenByClass"
GUARD_ALARM = "GuardAlarm"
"""A guard has shown harm after a promotion."""
CERTIFICATE_LAPSED = "CertificateLapsed"
"""What a setting was certified on has changed after its promotion, and the policy goes back for it."""
AFTER_PROMOTION = (GUARD_ALARM, CERTIFICATE_LAPSED)
"""What takes a promoted setting back by itself, search or not."""
HARMFUL_IN_EVERY_CLASS = "HarmfulInEveryClass"


def roll_back_harmful(plan: Plan, comparison: Comparison, at: int) -> Decision:
    """The decision against a candidate that is shown to be harmful."""
    reason, message = harm_reason(comparison.assessment), harm_message(comparison)
    return Decision(Verdict.ROLL_BACK, reason, message, at, comparison.name)


def favour(plan: Plan, state: RolloutState, name: str, reason: str, at: int) -> Decision:
    """The decision for a candidate that is proven: it gets all requests, or is recommended where none can get any."""
    verdict = Verdict.PROMOTE if strategy_of(plan).promotes else Verdict.RECOMMEND
    return Decision(verdict, reason, benefit_message(plan, state, name), at, name)


def harm_reason(assessment: Assessment) -> str:
    """The reason constant of a rollback, of the first harm that is shown; "" when none is."""
    if not assessment.harms:
        return ""
    first = assessment.harms[0]
    if first == EXACT_MATCH:
        return "HarmShown"
    if first == FLOOR:
        return "BelowFloor"
    return "GuardrailBroken" if first.kind is ClaimKind.GUARDRAIL else "QueryClassHarmed"
