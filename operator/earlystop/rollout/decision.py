"""Whether the evidence decides, and whether it allows the next step."""

from __future__ import annotations

from itertools import takewhile

from earlystop.evidence.engine import EXACT_MATCH, Assessment
from earlystop.evidence.objective import CERTIFICATE, FLOOR, Basis
from earlystop.evidence.setting_check import Effect
from earlystop.rollout.assessing import assess
from earlystop.rollout.decision_messages import all_dropped_message, benefit_message, harm_message
from earlystop.rollout.plan import Kind, Plan, parse_plan
from earlystop.rollout.state import Comparison, Decision, RolloutState, Verdict
from earlystop.rollout.strategies import ab_test

SCORED_TO_ADVANCE = 100
HARM_TO_ADVANCE = 1.0
HARM_REASONS = ("HarmShown", "BelowFloor", "GuardrailBroken", "QueryClassHarmed")


def judge(state: RolloutState, at: int) -> Decision | None:
    """The decision that the evidence demands at moment `at`, or None to go on.

    Harm acts at once. A promotion needs every certificate, an intact split, a setting that does something, and the
    step's least time; what was judged in shadow before the first step promotes nothing.
    """
    plan = parse_plan(state.plan)
    if plan.several:
        return _judge_several(plan, state, at)
    found = assess(state.comparisons[0].evidence)
    if found.harmful:
        return Decision(Verdict.ROLL_BACK, harm_reason(found), harm_message(plan, state, 0), at)
    proven = found.non_inferior and found.saves_tokens and not held(found)
    if proven and _may_promote(plan, state, at):
        return Decision(_benefit_verdict(plan), "NonInferiorAndSaving", benefit_message(plan, state, 0), at)
    return None


def _judge_several(plan: Plan, state: RolloutState, at: int) -> Decision | None:
    if not state.active:
        return Decision(Verdict.ROLL_BACK, "EveryCandidateDropped", all_dropped_message(plan, state), at)
    place = ab_test.winner(plan, state) if _may_promote(plan, state, at) else None
    return None if place is None else _won(plan, state, place, at)


def at_the_end(state: RolloutState, reason: str, message: str, at: int) -> Decision:
    """The decision when no more evidence will come: the best of several candidates that are proven, or none."""
    plan = parse_plan(state.plan)
    final = plan.several and bool(state.comparisons) and is_final(plan, state)
    place = ab_test.winner(plan, state, at_the_end=True) if final else None
    if place is not None:
        return _won(plan, state, place, at)
    return Decision(Verdict.INCONCLUSIVE, reason, message, at, state.leader)


def _won(plan: Plan, state: RolloutState, place: int, at: int) -> Decision:
    return Decision(_benefit_verdict(plan), "MostProvenSaving", benefit_message(plan, state, place), at, place)


def _benefit_verdict(plan: Plan) -> Verdict:
    return Verdict.RECOMMEND if plan.only_reports else Verdict.PROMOTE


def _may_promote(plan: Plan, state: RolloutState, at: int) -> bool:
    return is_final(plan, state) and _watched(plan, state, at)


def is_final(plan: Plan, state: RolloutState) -> bool:
    """Whether evidence of this stage may promote: of live answers, or of shadow where that is all there will be."""
    return plan.only_reports or plan.stage(state.step).kind is Kind.SPLIT


def harmed(state: RolloutState) -> dict[int, tuple[str, str]]:
    """Which of several candidates are shown to be harmful: place, and the reason constant and sentence."""
    plan = parse_plan(state.plan)
    found = {place: assess(state.comparisons[place].evidence) for place in state.active}
    return {
        place: (harm_reason(each), harm_message(plan, state, place)) for place, each in found.items() if each.harmful
    }


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
    plan = parse_plan(state.plan)
    if state.step + 1 >= len(plan.stages) or not _watched(plan, state, at):
        return False
    tried = [state.comparisons[place] for place in state.active]
    return all(_is_calm(each, state.step) for each in tried) and any(not held(assess(each.evidence)) for each in tried)


def _is_calm(comparison: Comparison, step: int) -> bool:
    """Nothing against the next share. A setting that does nothing is told, and holds back no other candidate."""
    found = assess(comparison.evidence)
    calm = max([found.log_e.harm, *_harm_signs(found)]) < HARM_TO_ADVANCE and not found.sample_ratio_broken
    return _scored_in_step(comparison, step) >= SCORED_TO_ADVANCE and calm


def _harm_signs(found: Assessment) -> list[float]:
    """Evidence now of every claim that takes the candidate back, without the classes' certificates."""
    return [value for name, value in found.log_e.others if not name.startswith(CERTIFICATE)]


def _scored_in_step(comparison: Comparison, step: int) -> int:
    """Answers of the step, of the variant with fewer; or pairs, where Exact Match is read from them."""
    of_step = list(takewhile(lambda look: look.step == step, reversed(comparison.looks)))
    if comparison.evidence.objective.basis is Basis.PAIRS:
        return sum(look.candidate.pairs.total for look in of_step)
    return min(sum(look.baseline.scored for look in of_step), sum(look.candidate.scored for look in of_step))


def _watched(plan: Plan, state: RolloutState, at: int) -> bool:
    since = state.evidence_from
    return since is not None and at - since >= plan.stage(state.step).minimum_seconds
