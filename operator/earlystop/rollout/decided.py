"""From a decision to the state that carries it out, or that waits for people first."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.gates import Gate
from earlystop.rollout.formatting import in_remainder
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Decision, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.waiting.approval import changes_nothing, needs_approval
from earlystop.rollout.waiting.gate_words import GATE_CLOSED, GATE_TIMED_OUT
from earlystop.rollout.waiting.gates import asked_first
from earlystop.rollout.waiting.proposing import wait

LONGEST_MESSAGE = 1024


def with_decision(times: LiveTimes, state: RolloutState, decision: Decision) -> RolloutState:
    """The state with a decision that waits to be carried out, or that waits for people first. A trial without a verdict
    holds nothing: its search goes on without its setting."""
    for_people = needs_approval(times.approval, state, decision)
    gates = times.gates if decision.verdict is Verdict.PROMOTE and not changes_nothing(state, decision) else ()
    if for_people or gates:
        return _waiting(state, wait(state, decision), gates, for_people=for_people)
    return decided(times, state, decision)


def _waiting(before: RolloutState, after: RolloutState, gates: tuple[Gate, ...], *, for_people: bool) -> RolloutState:
    """The state with a decision that waits, and the gates that it waits for."""
    if after is before or after.awaiting is None or not gates:
        return after if after is before else replace(after, gates=None)
    return replace(after, gates=replace(asked_first(gates, after.awaiting.since), for_people=for_people))


def decided(times: LiveTimes, state: RolloutState, decision: Decision) -> RolloutState:
    """The state with a decision that nobody need agree to any more."""
    holds = times.hold_when_inconclusive and state.search is None and decision.verdict is Verdict.INCONCLUSIVE
    phase = Phase.HOLDING if holds else CARRIED_OUT_IN[decision.verdict]
    uncertain = state.comparison(decision.candidate).uncertain
    decision = replace(decision, message=with_remainder(decision.message, uncertain))
    step_gates = state.step_gates if decision.reason in (GATE_CLOSED, GATE_TIMED_OUT) else None
    return replace(state, phase=phase, decision=decision, awaiting=None, step_gates=step_gates)


CARRIED_OUT_IN = {
    Verdict.PROMOTE: Phase.PROMOTING,
    Verdict.RECOMMEND: Phase.REPORTING,
    Verdict.ROLL_BACK: Phase.ROLLING_BACK,
    Verdict.INCONCLUSIVE: Phase.ROLLING_BACK,
}


def with_remainder(message: str, uncertain: Totals) -> str:
    """A decision's message with a sentence on what its counts may have missed, where there is anything and room for
    it."""
    longer = f"{message} {in_remainder(uncertain.baseline, uncertain.candidate)}"
    return message if uncertain == Totals() or len(longer) > LONGEST_MESSAGE else longer


def is_decided_by_evidence(state: RolloutState) -> bool:
    """Whether the evidence has decided for a candidate, and the decision waits for people. Looks and harm go on, and
    neither a deadline nor a budget of the search for evidence ends the campaign; the waiting has an end of its own."""
    return state.awaiting is not None and state.awaiting.by_evidence
