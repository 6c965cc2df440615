"""Whether the evidence decides, and whether it allows the next step."""

from __future__ import annotations

from itertools import takewhile

from earlystop.evidence.effective import Effect
from earlystop.evidence.engine import EXACT_MATCH, Assessment
from earlystop.evidence.objective import CERTIFICATE, FLOOR, Basis
from earlystop.rollout.assessing import assess
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.state import Decision, RolloutState, Verdict
from earlystop.rollout.wording import in_percent, in_points

SCORED_TO_ADVANCE = 100
HARM_TO_ADVANCE = 1.0
# A verdict's message has room for 1,024 characters.
HARMS_TOLD = 4
HARM_REASONS = ("HarmShown", "BelowFloor", "GuardrailBroken", "QueryClassHarmed")


def judge(state: RolloutState, at: int) -> Decision | None:
    """The decision that the evidence demands at moment `at`, or None to go on.

    Harm acts at once. A promotion needs every certificate, an intact split, a setting that does something, and the
    step's least time.
    """
    assert state.evidence is not None  # a campaign always has evidence
    plan = parse_plan(state.plan)
    found = assess(state.evidence)
    if found.harmful:
        return Decision(Verdict.ROLL_BACK, harm_reason(found), _harm(plan, found), at)
    proven = found.non_inferior and found.saves_tokens and not held(found)
    if proven and _watched(plan, state, at):
        return Decision(Verdict.PROMOTE, "NonInferiorAndSaving", _benefit(plan, found), at)
    return None


def held(found: Assessment) -> bool:
    """Whether something is wrong with the comparison itself, so that no certificate counts."""
    return found.sample_ratio_broken or found.setting is Effect.NOT_MOVED


def harm_reason(found: Assessment) -> str:
    """The reason constant of a rollback, of the first harm that is shown; "" when none is."""
    if not found.harms:
        return ""
    first = found.harms[0]
    if first == EXACT_MATCH:
        return "HarmShown"
    if first == FLOOR:
        return "BelowFloor"
    return "GuardrailBroken" if first.startswith("guardrail/") else "QueryClassHarmed"


def may_advance(state: RolloutState, at: int) -> bool:
    """Whether the next, larger share may be tried: enough time, enough answers, no sign of harm, a sound comparison."""
    assert state.evidence is not None  # a campaign always has evidence
    plan = parse_plan(state.plan)
    if state.step + 1 >= len(plan.weights) or not _watched(plan, state, at):
        return False
    found = assess(state.evidence)
    calm = max([found.log_e.harm, *_harm_signs(found)]) < HARM_TO_ADVANCE
    return _scored_in_step(plan, state) >= SCORED_TO_ADVANCE and calm and not held(found)


def _harm_signs(found: Assessment) -> list[float]:
    """Evidence now of every claim that takes the candidate back, without the classes' certificates."""
    return [value for name, value in found.log_e.others if not name.startswith(CERTIFICATE)]


def _scored_in_step(plan: Plan, state: RolloutState) -> int:
    """Answers of the step, of the variant with fewer; or pairs, where Exact Match is read from them."""
    of_step = list(takewhile(lambda look: look.step == state.step, reversed(state.looks)))
    if plan.objective.basis is Basis.PAIRS:
        return sum(look.candidate.pairs.total for look in of_step)
    return min(sum(look.baseline.scored for look in of_step), sum(look.candidate.scored for look in of_step))


def _watched(plan: Plan, state: RolloutState, at: int) -> bool:
    return state.evidence_from is not None and at - state.evidence_from >= plan.minimum_seconds[state.step]


def _benefit(plan: Plan, found: Assessment) -> str:
    each = f", also in each of {len(plan.objective.classes)} query classes," if plan.objective.require_each else ""
    return (
        f"Candidate {plan.candidate} is proven to lose less than {in_points(plan.objective.margin)} points of EM "
        f"({in_points(found.effect)}){each} and to save at least {in_percent(plan.objective.minimum_saving)} of the "
        f"tokens ({in_percent(found.saving)}), from {_sizes(plan, found)}; risk of error "
        f"{plan.objective.risk_promote:g}."
    )


def _harm(plan: Plan, found: Assessment) -> str:
    told = " It ".join(_harm_told(plan, name, found) for name in found.harms[:HARMS_TOLD])
    more = len(found.harms) - HARMS_TOLD
    others = f" {more} more claims of harm are shown." if more > 0 else ""
    sizes = _sizes(plan, found)
    return f"Candidate {plan.candidate} {told}{others} From {sizes}; risk of error {plan.objective.risk_harm:g}."


def _harm_told(plan: Plan, name: str, found: Assessment) -> str:
    objective = plan.objective
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


def _sizes(plan: Plan, found: Assessment) -> str:
    if plan.objective.basis is Basis.PAIRS:
        return f"{found.scored[0]:,} questions that both answered"
    return f"{found.scored[0]:,} answers of the baseline and {found.scored[1]:,} of the candidate"
