"""What people are told of a certificate."""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus
from earlystop.api.conditions import ConditionType as Type
from earlystop.rollout.certificate.binding import Binding, Lapse, Part
from earlystop.rollout.certificate.evaluators import EVALUATORS_DIFFER
from earlystop.rollout.certificate.follow import new_lapse
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_note import EventNote

REASONS = {
    Part.MODEL: "ModelChanged",
    Part.IMAGES: "ImagesChanged",
    Part.TEMPLATE: "TemplateChanged",
    Part.PARAMETERS: "ParametersChanged",
    Part.SCORER: "ScorerChanged",
    Part.QUESTIONS: "QuestionsChanged",
}
_NAMES = {
    Part.MODEL: "the model label of the Pods of Deployment {target}",
    Part.IMAGES: "the images of Deployment {target}",
    Part.TEMPLATE: "the Pod template of Deployment {target}",
    Part.PARAMETERS: "where the parameters stand in requests, or what they mean",
    Part.SCORER: "how the evaluator scores answers",
    Part.QUESTIONS: "the set of golden questions",
}


def certified_condition(state: RolloutState, differing: str = "") -> Condition | None:
    """The condition of the certificate in status.certified; None without one. differing: how the policy's evaluators
    differ, "" where they do not."""
    certified = state.certified
    if certified is None:
        return None
    if certified.bound is None:
        message = "What the certified setting was proven on was not read yet: the target's Deployment."
        return Condition(Type.CERTIFIED, ConditionStatus.UNKNOWN, "NotBound", message)
    if certified.lapse is None and differing:
        return Condition(Type.CERTIFIED, ConditionStatus.UNKNOWN, EVALUATORS_DIFFER, differing)
    if certified.lapse is None:
        return Condition(Type.CERTIFIED, ConditionStatus.TRUE, "AsCertified", _holds(certified.bound))
    message = lapse_sentence(certified.bound, certified.lapse)
    return Condition(Type.CERTIFIED, ConditionStatus.FALSE, reason_of(certified.lapse), message)


def lapse_sentence(bound: Binding, lapse: Lapse) -> str:
    """What has changed since the setting was certified, and what to do."""
    names = [_NAMES[each].format(target=bound.target) for each in lapse.changed]
    found = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    changed = f"The certificate has lapsed: {found} changed after the setting was certified"
    moments = f"({rfc3339(bound.at)}), at {rfc3339(lapse.at)}"
    if lapse.is_back:
        back = "All is as it was certified now; when that has lasted for a minute, the certificate holds again."
        return f"{changed} {moments}. {back}"
    return f"{changed} {moments}. Retry the policy to certify a setting anew, or put back what was changed."


def certificate_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The events about a certificate that lapses or holds again. What alternates is told once."""
    then, now, lapse = before.certified, after.certified, new_lapse(before, after)
    if now is None or now.bound is None or then is None or then.at != now.at:
        return []
    if lapse is not None:
        return [EventNote(reason_of(lapse), "CompareTarget", lapse_sentence(now.bound, lapse), warning=True)]
    if now.lapse is None and then.lapse is not None:
        return [EventNote("CertificateHolds", "CompareTarget", _holds(now.bound))]
    return []


def reason_of(lapse: Lapse) -> str:
    """The word for a lapse: that of the most informative part."""
    return REASONS[lapse.changed[0]]


def revalidating_note(state: RolloutState) -> EventNote:
    """The event of a campaign that begins since the certificate of the one before has lapsed."""
    assert state.certified is not None and state.certified.lapse is not None  # the caller asks for nothing else
    changed = ", ".join(REASONS[each] for each in state.certified.lapse.changed)
    message = (
        f"The certificate of campaign {state.campaign} has lapsed ({changed}), so a new campaign tries the policy's "
        "candidates, as certificate.onChange says. The baseline serves meanwhile."
    )
    return EventNote("Revalidating", "StartCampaign", message, warning=True)


def _holds(bound: Binding) -> str:
    parts = [f"Deployment {bound.target}", "the parameters"]
    parts += ["the scorer"] if bound.knows(Part.SCORER) else []
    parts += ["the golden questions"] if bound.knows(Part.QUESTIONS) else []
    return f"{', '.join(parts[:-1])} and {parts[-1]} are as certified."
