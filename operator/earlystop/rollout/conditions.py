"""The statements that a policy makes about itself, from its state and what was observed in the cluster."""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus, Refusal
from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.waiting import EDIT_WAITS
from earlystop.evidence.setting_check import Effect
from earlystop.rollout.certificate.words import certified_condition
from earlystop.rollout.doubts import doubt_about_all
from earlystop.rollout.formatting import in_count, in_percent, in_settings
from earlystop.rollout.guard.in_service import short_or
from earlystop.rollout.guard.words import guarded
from earlystop.rollout.held_by_dispersion import is_held_by_dispersion
from earlystop.rollout.hooks.conditions import hook_conditions
from earlystop.rollout.observations import VERDICT_MISSING, Observation, Observations, needed
from earlystop.rollout.outcome import outcome_reason
from earlystop.rollout.promotion import EvidenceTurned, HoursNotCovered, LeastTime, MixMoved, held_promotion
from earlystop.rollout.settling import answers_are_outstanding, outstanding
from earlystop.rollout.state import (
    ACTING,
    BETWEEN_TRIALS,
    ENDED,
    TRYING,
    WATCHING,
    Phase,
    RolloutState,
)
from earlystop.rollout.waiting.condition import waiting_condition
from earlystop.rollout.words.dispersion_words import without_users
from earlystop.rollout.words.summary import outlook, summary
from earlystop.rollout.words.waiting_edit import waiting_edit


def conditions(
    state: RolloutState, observations: Observations, *, edited: bool = False, worded: bool = True
) -> tuple[Condition, ...]:
    """All conditions, each with a reason constant and a message that says what is going on or what to do.

    edited: whether the policy now asks for another campaign than the one in `state`. Then nothing has come of the
    policy as it is written, whatever came of that campaign. worded: whether messages hold where the rollout stands and
    what is saved, which takes longest and which nobody reads who asks for statuses and reasons only.
    """
    observations = needed(state, observations)
    waits = waiting_edit(state) if edited and observations.refusal is None else ""
    stands = f"{summary(state)} {waits}".strip() if worded else ""
    guard = guarded(state)
    return (
        _ready(state, observations, edited, stands, waits),
        _accepted(observations),
        _from_observation(Type.METRICS_AVAILABLE, observations.metrics),
        _from_observation(Type.TRAFFIC_APPLIED, observations.traffic),
        _setting_effective(state, worded=worded),
        _sample_ratio(state),
        _progressing(state, stands, waits, observations.author_unknown),
        _ended(Type.PROMOTED, Phase.PROMOTED, state, edited),
        _ended(Type.ROLLED_BACK, Phase.ROLLED_BACK, state, edited),
        _completed(state, observations, edited, stands),
        _stalled(observations),
        *(each for each in (guard, certified_condition(state, observations.evaluators)) if each is not None),
        *hook_conditions(state, observations),
    )


def _from_observation(type_: Type, observation: Observation) -> Condition:
    return Condition(type_, observation.status, observation.reason, observation.message)


def _accepted(observations: Observations) -> Condition:
    if (refusal := observations.refusal) is not None:
        return Condition(Type.ACCEPTED, ConditionStatus.FALSE, refusal.reason, refusal.message)
    return Condition(Type.ACCEPTED, ConditionStatus.TRUE, "Accepted", "The policy can be carried out as written.")


def _stalled(observations: Observations) -> Condition:
    """Whether nothing but an edit of the policy helps, by which tools that wait know that they need not."""
    refusal = observations.refusal
    if refusal is not None and refusal.by_spec:
        return Condition(Type.STALLED, ConditionStatus.TRUE, "SpecRefused", refusal.message)
    return Condition(Type.STALLED, ConditionStatus.FALSE, "NotStalled", "Nothing waits for an edit of the policy.")


def _ready(state: RolloutState, observations: Observations, edited: bool, stands: str, waits: str) -> Condition:
    """Ready is about the operator's grip on the policy, not about the verdict: waiting tools must not hang for
    the hours of a healthy rollout."""
    if observations.error is not None:
        return Condition(Type.READY, ConditionStatus.FALSE, "InternalError", observations.error)
    if (refusal := observations.refusal) is not None:
        return Condition(Type.READY, ConditionStatus.FALSE, refusal.reason, _refused(state, refusal, edited, stands))
    if observations.storage is not None:
        return Condition(Type.READY, ConditionStatus.FALSE, "VerdictNotStored", observations.storage)
    for observation in (observations.metrics, observations.traffic):
        if observation.status == ConditionStatus.FALSE:
            return Condition(Type.READY, ConditionStatus.FALSE, observation.reason, observation.message)
    if observations.record is not None:
        return Condition(Type.READY, ConditionStatus.FALSE, VERDICT_MISSING, observations.record)
    reason = EDIT_WAITS if waits and state.phase not in ACTING else state.phase.value
    return Condition(Type.READY, ConditionStatus.TRUE, reason, stands)


def _refused(state: RolloutState, refusal: Refusal, edited: bool, stands: str) -> str:
    """Why the policy is refused as it is written now, and what goes on beneath."""
    if state.phase is Phase.PENDING:
        return refusal.message
    why = f"The edit is refused: {refusal.message}" if edited else refusal.message
    others = {Phase.SUSPENDED: "stands still", Phase.CHOOSING: "is over, and the next trial waits"}
    beneath = {**others, **dict.fromkeys(ENDED, "is over")}.get(state.phase, "goes on as it began")
    return f"{why} Campaign {state.campaign} {beneath}: {stands}"


def _progressing(state: RolloutState, stands: str, waits: str, author_unknown: bool) -> Condition:
    """A refused edit does not stop what is under way. An unsound comparison does: no step and no promotion follows."""
    if state.phase in WATCHING and split_is_broken(state):
        return Condition(Type.PROGRESSING, ConditionStatus.FALSE, "TrafficSplitMismatch", mismatch(state))
    if state.phase in WATCHING and _nothing_moves(state):
        message = unmoved(state) if stands else ""
        return Condition(Type.PROGRESSING, ConditionStatus.FALSE, "SettingNotEffective", message)
    if state.phase in WATCHING and dispersion_is_unknown(state):
        return Condition(Type.PROGRESSING, ConditionStatus.FALSE, "DispersionUnknown", unknown_users(state))
    doubt = doubt_about_all(state.under_trial) if state.phase in WATCHING else None
    if doubt is not None:
        return Condition(Type.PROGRESSING, ConditionStatus.FALSE, doubt.reason, doubt.message)
    if state.awaiting is not None:
        return waiting_condition(state, stands, author_unknown=author_unknown)
    if answers_are_outstanding(state):
        message = f"{stands} {outstanding(state)}"
        return Condition(Type.PROGRESSING, ConditionStatus.TRUE, "AnswersOutstanding", message)
    if state.phase in TRYING | ACTING | BETWEEN_TRIALS:
        message = f"{outlook(state)} {waits}".strip() if stands else ""
        return Condition(Type.PROGRESSING, ConditionStatus.TRUE, _progress_reason(state), message)
    return Condition(Type.PROGRESSING, ConditionStatus.FALSE, state.phase.value, stands)


def _progress_reason(state: RolloutState) -> str:
    """What holds the promotion of a candidate that is proven; else the phase."""
    if state.phase is not Phase.OBSERVING or state.last_look_at is None:
        return state.phase.value
    if any(map(is_held_by_dispersion, state.active)):
        return "DispersionUnknown"
    held = held_promotion(state.pinned_plan, state, state.last_look_at)
    match held[1] if held else None:
        case EvidenceTurned():
            return "EvidenceTurned"
        case HoursNotCovered():
            return "HoursNotCovered"
        case MixMoved():
            return "MixMoved"
        case LeastTime():
            return "LeastTime"
    return state.phase.value


def _setting_effective(state: RolloutState, *, worded: bool) -> Condition:
    tried = state.under_trial
    if any(each.claims.setting is Effect.NOT_MOVED for each in tried):
        message = unmoved(state) if worded else ""
        return Condition(Type.SETTING_EFFECTIVE, ConditionStatus.FALSE, "SettingNotEffective", message)
    if tried and all(each.claims.setting is Effect.MOVED for each in tried):
        message = ""
        if worded:
            savings = "; ".join(in_percent(each.assessment.saving) for each in tried)
            message = f"The setting changes what is generated: {savings} of the tokens are saved."
        return Condition(Type.SETTING_EFFECTIVE, ConditionStatus.TRUE, "TokensMoved", message)
    message = "Not yet enough answers to tell whether the setting changes what the engine generates."
    return Condition(Type.SETTING_EFFECTIVE, ConditionStatus.UNKNOWN, "NotShownYet", message)


def unmoved(state: RolloutState) -> str:
    """What to do about a setting that never reached the engine."""
    comparison = next(each for each in state.under_trial if each.claims.setting is Effect.NOT_MOVED)
    return (
        f"Answers at {in_settings(state.pinned_plan.settings_of(comparison.name))} are as long as the baseline's "
        f"({in_percent(comparison.assessment.saving)} of the tokens are saved), so the setting does not seem to reach "
        "the engine. It is not promoted. Check that the server reads the setting's header, then retry."
    )


def _sample_ratio(state: RolloutState) -> Condition:
    if not any(each.looks for each in state.under_trial):
        return Condition(
            Type.SAMPLE_RATIO_OK, ConditionStatus.UNKNOWN, "NoEvidenceYet", "No requests were compared yet."
        )
    if state.evidence is not None and not state.evidence.objective.split_known:
        message = (
            "Each user keeps a variant, and some ask more than others, so no share of requests is expected."
            if state.pinned_plan.spec.delivery.traits.by_weights
            else "Requests are not split by weights here, so no share of them is expected. That each cohort gets its "
            "variant, and nobody else's requests count, is checked by probes."
        )
        return Condition(Type.SAMPLE_RATIO_OK, ConditionStatus.UNKNOWN, "NotSplit", message)
    if split_is_broken(state):
        return Condition(Type.SAMPLE_RATIO_OK, ConditionStatus.FALSE, "TrafficSplitMismatch", mismatch(state))
    return Condition(Type.SAMPLE_RATIO_OK, ConditionStatus.TRUE, "AsWeighted", "Requests are split as the weights say.")


def split_is_broken(state: RolloutState) -> bool:
    """Whether requests are shown not to arrive as the weights say. A candidate that was dropped holds nobody back."""
    return any(each.claims.sample_ratio_broken for each in state.under_trial)


def dispersion_is_unknown(state: RolloutState) -> bool:
    """Whether answers of users who keep a variant were compared, and nobody counts by users. A candidate that was
    dropped holds nobody back."""
    return any(
        each.looks and each.evidence.objective.by_users and not each.claims.dispersion.is_known
        for each in state.under_trial
    )


def unknown_users(state: RolloutState) -> str:
    """What to do about users whose answers nobody can tell apart."""
    return without_users(state.under_trial)


def setting_is_unmoved(state: RolloutState) -> bool:
    """Whether a candidate that is tried is shown to answer as long as the baseline."""
    return any(each.claims.setting is Effect.NOT_MOVED for each in state.active)


def _nothing_moves(state: RolloutState) -> bool:
    """Whether that is shown of every candidate: of several, one that does nothing holds back no other."""
    under_trial = state.under_trial
    return bool(under_trial) and all(each.claims.setting is Effect.NOT_MOVED for each in under_trial)


def mismatch(state: RolloutState) -> str:
    """What to do about requests that do not arrive as they were split."""
    looks = next(each.looks for each in state.under_trial if each.claims.sample_ratio_broken)
    baseline = in_count(sum(look.baseline.started for look in looks))
    candidate = in_count(sum(look.candidate.started for look in looks))
    return (
        f"Requests are not split as the weights say: {baseline} to the baseline and {candidate} to the "
        "candidate. Nothing is promoted. Check the gateway and the headers that clients send, then retry."
    )


def _ended(type_: Type, phase: Phase, state: RolloutState, edited: bool) -> Condition:
    if state.phase not in ENDED:
        return Condition(type_, ConditionStatus.UNKNOWN, state.phase.value, "No verdict has been carried out yet.")
    assert state.decision is not None  # terminal phases follow a decision
    end = state.search.ended if state.search is not None and state.search.ended is not None else state.decision
    if edited:
        message = f"The edit has no verdict yet. The campaign before it ended as {state.phase.value}."
        return Condition(type_, ConditionStatus.UNKNOWN, end.reason, message)
    if state.phase is phase:
        return Condition(type_, ConditionStatus.TRUE, end.reason, short_or(state, end.message))
    return Condition(type_, ConditionStatus.FALSE, end.reason, f"The campaign ended as {state.phase.value}.")


def _completed(state: RolloutState, observations: Observations, edited: bool, stands: str) -> Condition:
    """Whether the campaign that the policy asks for is over, for tools that wait for any outcome.

    What a campaign came to stays true when something that it needs is refused later; of a policy that asks for another
    one it says nothing.
    """
    if state.phase in ENDED and not edited:
        return Condition(Type.COMPLETED, ConditionStatus.TRUE, outcome_reason(state), stands)
    if state.phase in ENDED | {Phase.PENDING} and observations.refusal is not None:
        message = f"No campaign begins while the policy is refused: {observations.refusal.message}"
        return Condition(Type.COMPLETED, ConditionStatus.FALSE, observations.refusal.reason, message)
    if state.phase in ENDED | {Phase.PENDING}:
        message = "The campaign that the policy asks for has not begun. It begins when the policy is not suspended."
        return Condition(Type.COMPLETED, ConditionStatus.FALSE, Phase.PENDING.value, message)
    message = "A campaign is under way; the condition Progressing says how far it is."
    return Condition(Type.COMPLETED, ConditionStatus.FALSE, "InProgress", message)
