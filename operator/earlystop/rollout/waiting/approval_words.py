"""What people are asked to agree to, in a sentence with its intervals."""

from __future__ import annotations

from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.formatting import difference_in_points, in_settings
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import missing_for_promotion
from earlystop.rollout.state import ClassSetting, RolloutState, Verdict
from earlystop.rollout.waiting.approval import Fate, proposed_decision
from earlystop.rollout.waiting.awaited import AwaitedDecision
from earlystop.rollout.words.class_messages import by_class_message
from earlystop.rollout.words.decision_messages import benefit_message, missing_phrases

HOW_TO_ANSWER = "Answer with `kubectl earlystop approve` or `kubectl earlystop reject`, and the policy's name."
NOBODY_KNOWN = (
    "No approval counts, since approval.notByAuthor is set and it is not known who made the change or asked for the "
    "promotion. Let them sign: who changes the policy writes their own user name in the annotation "
    "earlystop.dev/changed-by, and a promotion is asked for by `kubectl earlystop promote`."
)


def awaiting_sentence(state: RolloutState, *, author_unknown: bool = False) -> str:
    """Says that a decision waits, which one, and what a person does about it; "" where none waits. author_unknown:
    whether nobody's approval counts."""
    proposed = proposal_sentence(state)
    if not proposed:
        return ""
    return f"Waits for an approval. {proposed} {NOBODY_KNOWN if author_unknown else HOW_TO_ANSWER}"


def proposal_sentence(state: RolloutState) -> str:
    """What would be done, and what is proven or seen of it; "" where no decision waits."""
    awaited = state.awaiting
    if awaited is None:
        return ""
    plan, name = state.pinned_plan, awaited.candidate
    baseline = in_settings(plan.baseline_settings)
    if awaited.reason == BY_CLASS:
        settings = by_class_message(plan, _class_settings_of(state, awaited))
        return f"Proposed: settings by query class. {settings}{_place(awaited)}"
    is_promotion = proposed_decision(state, awaited).verdict is Verdict.PROMOTE
    what = "all requests get" if is_promotion else "report"
    serves = f"; {plan.incumbent.name} serves now" if plan.incumbent is not None else ""
    about = f"(candidate {name}; baseline {baseline}{serves})"
    proposed = f"Proposed: {what} {in_settings(plan.settings_of(name))} {about}."
    return f"{proposed} {_grounds(plan, state, awaited)}{_place(awaited)}"


def _place(awaited: AwaitedDecision) -> str:
    return f" {awaited.replaces}" if awaited.replaces else ""


def _class_settings_of(state: RolloutState, awaited: AwaitedDecision) -> tuple[ClassSetting, ...]:
    """What each query class would get, as it was proposed."""
    plan = state.pinned_plan
    if not awaited.class_map:
        return class_settings(plan, state.comparisons)
    return tuple(ClassSetting(name, candidate, plan.settings_of(candidate)) for name, candidate in awaited.class_map)


def _grounds(plan: Plan, state: RolloutState, awaited: AwaitedDecision) -> str:
    """What the evidence says now of the decision that waits, in sentences."""
    name, at = awaited.candidate, state.last_look_at or awaited.since
    lacking = missing_phrases(missing_for_promotion(plan, state, name, at), name)
    if awaited.by_evidence:
        later = f" An approval is followed once there is again {'; '.join(lacking)}." if lacking else ""
        return f"{benefit_message(plan, state, name)}{later}"
    seen = difference_in_points(state.comparison(name).assessment.effect)
    doubts = f"Not proven: {'; '.join(lacking)}." if lacking else "All claims are proven."
    return f"Asked for by {awaited.requested_by}; EM difference {seen}. {doubts}"


FATES = {
    Fate.COUNTED: "It is an answer to the decision that waits, or waited, for people.",
    Fate.OTHER_POLICY: "It names the UID of another policy, such as an earlier one of this name. Answer {policy} anew.",
    Fate.NOT_PROPOSED: "It names no decision of {policy} that waits: that one was answered, withdrawn or has expired, "
    "or never was. See what waits with `kubectl earlystop status {policy}`.",
    Fate.TOO_EARLY: "It was made before the decision was proposed. Look at what is proposed, and answer anew.",
    Fate.TOO_LATE: "It was made after the time of approval.expiresSeconds.",
    Fate.BY_AUTHOR: "The author of the change, who proposed the setting or asked for the promotion, does not approve "
    "it (approval.notByAuthor). Ask somebody else.",
    Fate.AUTHOR_UNKNOWN: NOBODY_KNOWN,
    Fate.TWICE: "The same person has answered this decision before, and the first answer counts.",
    Fate.NO_POLICY: "There is no EarlyStopPolicy {policy} in this namespace.",
}


def fate_sentence(fate: Fate, policy: str) -> str:
    """What became of an approval, and what to do. policy: the name that it names."""
    return FATES[fate].format(policy=policy)
