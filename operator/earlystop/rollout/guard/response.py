"""The one place where an alarm becomes an action."""

from __future__ import annotations

from dataclasses import replace

from earlystop.evidence.objective import Claim
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.exposure import serving
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.guard.adjust import setting_after
from earlystop.rollout.guard.believable import believable
from earlystop.rollout.guard.culprit import Evidence, Finding, culprits, voids_certificates
from earlystop.rollout.guard.culprit_words import culprit_sentence
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.later_decision import decided_again, without_certificate
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Decision, RolloutState, Verdict


def respond(times: LiveTimes, state: RolloutState, previous_digest: str, evidence: Evidence) -> RolloutState:
    """The state with a decision to take the promoted setting off, where a guard has alarmed; else the same one.

    It is a further decision of the campaign: all requests go back to the baseline first, then the verdict is stored.
    What the alarm is about is certified no more. Whatever has moved, it reverts; what it was is found here too, and
    whether a more careful setting follows is decided here, and only here. None follows where the engine or the scorer
    has moved, or what parameters mean, since what it was certified on is no more.

    previous_digest: digest of the promotion's verdict. evidence: what shows who has moved, as it was read.
    """
    alarm = alarm_of(state)
    if alarm is None or state.guard is None or not state.is_guarded:
        return state
    evidence = believable(evidence)
    finding = culprits(evidence)
    follows = "" if voids_certificates(finding, evidence) else setting_after(times, state)
    pinned = replace(alarm, then=follows, finding=finding, evidence=evidence)
    decision = Decision(
        verdict=Verdict.ROLL_BACK,
        reason=GUARD_ALARM,
        message=alarm_message(alarm.claims, in_duration(alarm.seconds), finding, evidence),
        at=alarm.at,
        candidate=serving(state),
        guard_looks_as_text=True,
    )
    after = replace(without_certificate(state), guard=replace(state.guard, alarm=pinned, spans=()))
    return decided_again(times.without_people, after, decision, previous_digest)


def alarm_message(
    claims: tuple[Claim, ...], apart: str, finding: Finding | None = None, evidence: Evidence | None = None
) -> str:
    """Why the promoted setting is taken off. apart: the time between false alarms on average, at least, in words.
    finding, evidence: None in verdicts of earlier releases, which name nobody."""
    named = ", ".join(map(str, claims))
    message = (
        f"After the promotion the guard shows harm ({named}), so all requests go back to the baseline. Without harm "
        f"such an alarm comes once in {apart} at most, on average."
    )
    if finding is None or evidence is None:
        return message
    return f"{message} {culprit_sentence(finding, evidence)}"
