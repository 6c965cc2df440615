"""What ends a wait of a policy: its rollout's time, or what gates and people have answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision
from earlystop.rollout.transitions import expire
from earlystop.rollout.unstored import relinked
from earlystop.rollout.waiting.answered import after_answers
from earlystop.rollout.waiting.approval import (
    ApprovalRequirement,
    Asked,
    GivenApproval,
    asked,
    needs_approval,
    proposed_decision,
)
from earlystop.rollout.waiting.gate_clock import gate_time
from earlystop.rollout.waiting.gates import GateSubject, following
from earlystop.rollout.waiting.gates import requirements as gate_requirements
from earlystop.rollout.waiting.requirements import Requirement
from earlystop.rollout.waiting.step_gates import after_step_gates


async def after_waiting(
    tracked: TrackedPolicy,
    given: Callable[[tuple[str, str]], Awaitable[Sequence[GivenApproval]]],
    clock: Callable[[], float],
) -> RolloutState:
    """The state after the first of these that is news: the end of the rollout's time, an answer of a gate, all that
    people have answered, and that a decision to be carried out names the verdict before it as it is rendered now; the
    same one where none is.

    given: gives the approvals that name the policy of a namespace and name. clock: Unix seconds.
    """
    state = tracked.state
    ended = expire(tracked.times, state, int(clock()))
    if ended is not state:
        return ended
    approvals = () if state.awaiting is None else await given(tracked.key)
    asked = after_gates(tracked, int(clock()))
    if asked is not state:
        return asked
    answered = after_people(tracked, approvals, int(clock()))
    if answered is not state:
        return answered
    return relinked(state, partial(digest_of_decision, tracked.name, tracked.uid))


def asked_of(tracked: TrackedPolicy) -> Asked:
    """What a policy asks people now."""
    return asked(tracked.uid, tracked.spec.approval, tracked.state, tracked.policy.requests.author)


def after_gates(tracked: TrackedPolicy, now: int) -> RolloutState:
    """The state with what gates have answered to the step or the decision that waits, and with what follows for a step;
    the same one where that is no news. now: Unix seconds."""
    state, step = tracked.state, tracked.state.step_gates
    if step is not None and not step.entered:
        news = tracked.step_gates.about(GateSubject(step.asked.since, step=step.step))
        after = after_step_gates(tracked.times, state, news, now, all_were_asked=False)
        if after is not state:
            return after
    if state.awaiting is None:
        return state
    news = tracked.gates.about(GateSubject(state.awaiting.since, state.awaiting.candidate))
    at, holds = gate_time(state, now), tracked.times.approval.expires_seconds
    gates = following(tracked.times.gates, state.gates, state.awaiting.since, news, at, holds, all_were_asked=False)
    return state if gates == state.gates else replace(state, gates=gates)


def after_people(tracked: TrackedPolicy, given: Sequence[GivenApproval], now: int) -> RolloutState:
    """The state after all answers; the same one where none changes anything. given: approvals that name the policy.
    now: Unix seconds."""
    of, state = asked_of(tracked), tracked.state
    if of.author_unknown != tracked.observations.author_unknown:
        tracked.observe(replace(tracked.observations, author_unknown=of.author_unknown), now)
    if state.awaiting is None:
        return state
    is_needed = needs_approval(tracked.times.approval, state, proposed_decision(state, state.awaiting))
    requirement = ApprovalRequirement(of, given, is_needed)
    digest = digest_of_decision(tracked.name, tracked.uid, state)
    needed: tuple[Requirement, ...] = (requirement, *gate_requirements(tracked.times.gates, state.gates))
    after, note = after_answers(tracked.times, state, needed, of.digest, digest, now)
    if note is not None:
        tracked.announce(note)
    return after
