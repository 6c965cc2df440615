"""The one place where a lapse becomes an action, once it has lasted: never a promotion."""

from __future__ import annotations

from itertools import combinations

from earlystop.rollout.certificate.binding import Lapse, Part
from earlystop.rollout.certificate.follow import SETTLED_SECONDS
from earlystop.rollout.decision import CERTIFICATE_LAPSED
from earlystop.rollout.later_decision import decided_again, without_certificate
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Decision, Phase, RolloutState, Verdict

_NAMES = {
    Part.MODEL: "the target's model label",
    Part.IMAGES: "its images",
    Part.TEMPLATE: "its Pod template",
    Part.PARAMETERS: "the meaning of its parameters",
    Part.SCORER: "how its evaluator scores answers",
    Part.QUESTIONS: "its golden questions",
}


def acts_at(times: LiveTimes, state: RolloutState) -> int | None:
    """The Unix second from which something follows from a lapse; None for never. What is not the certified setting's
    service is not touched, and while the policy is suspended no weight moves."""
    lapse = _lapse(state)
    serves = state.phase is Phase.PROMOTED and without_certificate(state) is not state
    if lapse is None or lapse.is_back or times.certificate.on_change == "Keep" or times.suspend or not serves:
        return None
    return lapse.since + SETTLED_SECONDS


def revalidates(times: LiveTimes, state: RolloutState, now: int) -> bool:
    """Whether a new campaign shall begin, as after a retry."""
    due = acts_at(times, state)
    return times.certificate.on_change == "Revalidate" and due is not None and now >= due


def roll_back_lapsed(times: LiveTimes, state: RolloutState, now: int, previous_digest: str) -> RolloutState:
    """The state with a decision to give all requests to the baseline, where the policy asks for it; else the same one.

    It is a further decision of the campaign, and the setting is certified no more. Nobody is asked. previous_digest: of
    the promotion's verdict.
    """
    due, lapse = acts_at(times, state), _lapse(state)
    if times.certificate.on_change != "RollBack" or lapse is None or due is None or now < due:
        return state
    message = lapsed_message(lapse.changed)
    decision = Decision(Verdict.ROLL_BACK, CERTIFICATE_LAPSED, message, now, state.leader)
    return decided_again(times.without_people, without_certificate(state), decision, previous_digest, ends_guard=True)


def lapsed_message(changed: tuple[Part, ...]) -> str:
    """The sentence on why the promoted setting is taken off, with what has changed."""
    named = ", ".join(_NAMES[each] for each in changed)
    return (
        f"The certificate has lapsed, as something that the setting was certified on has changed ({named}): all "
        "requests go back to the baseline. No harm was proven."
    )


def lapsed_messages() -> list[str]:
    """Every sentence that `lapsed_message` can give, by which `verify` checks a record's words."""
    return [lapsed_message(each) for number in range(1, len(Part) + 1) for each in combinations(Part, number)]


def _lapse(state: RolloutState) -> Lapse | None:
    return None if state.certified is None else state.certified.lapse
