"""What is done in each phase of a rollout about its traffic and its verdict: one table, by phase and split status.

The order is safe at every interruption. Where exposure rises, the verdict is stored before the route gives the
candidate more requests, and the event comes last: nobody gets a promoted setting without a record of why. Where
exposure falls, the route takes the candidate off before the verdict is stored, and the event comes last: harm ends
though a verdict cannot be stored. Either way the decision itself is in status before any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.decisions import SplitStatus
from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, ENDED, WATCHING, Phase, RolloutState
from earlystop.rollout.step_moves import unproven_weights_lost, weights_in_force, weights_lost
from earlystop.rollout.transitions import carried_out, give_up
from earlystop.rollout.verdict import verdict_name


class When(StrEnum):
    """When the objects that lead requests are compared with what a phase wants, and changed."""

    NEVER = "Never"
    """Weights stay as they are."""
    TO_DETACH = "ToDetach"
    """When something says that objects may have changed, and only to take users off what no longer fits their route, or
    what does not serve them."""
    ON_RECHECK = "OnRecheck"
    """When something says that objects may have changed; what then differs was edited by someone else."""
    ALWAYS = "Always"


class Act(StrEnum):
    """What carries out a decision, once it is stored. The event follows from the phase that comes after."""

    ROUTE = "Route"
    VERDICT = "Verdict"


RISES = (Act.VERDICT, Act.ROUTE)
FALLS = (Act.ROUTE, Act.VERDICT)


class Next(StrEnum):
    """What follows once the traffic was attended to."""

    REST = "Rest"
    REPEAT = "Repeat"
    PROVE_BY_METRICS = "ProveByMetrics"
    SETTLE = "Settle"
    """The weights are in force: evidence may begin after the time to settle."""
    SETTLE_AGAIN_IF_CHANGED = "SettleAgainIfChanged"
    """What was put right was not in force for a while: the step's evidence begins anew."""
    GIVE_UP = "GiveUp"
    """What the step needs was not ready in time: the campaign ends."""
    STORE_VERDICT = "StoreVerdict"
    FINISH = "Finish"
    """The decision is carried out as soon as its verdict is stored."""


@dataclass(frozen=True, slots=True)
class PhaseActions:
    """What is done in a phase. order: of the acts that carry out a decision, () where nothing was decided.
    after: what follows, for every status of the split."""

    when: When
    order: tuple[Act, ...]
    after: Mapping[SplitStatus, Next]


def _after(default: Next, **others: Next) -> Mapping[SplitStatus, Next]:
    """One entry for every status; others: by name of the status."""
    return {status: others.get(status.name, default) for status in SplitStatus}


UNTOUCHED = PhaseActions(When.NEVER, (), _after(Next.REST))
FROZEN = PhaseActions(When.TO_DETACH, (), _after(Next.REST))
APPLYING = PhaseActions(
    When.ALWAYS,
    (),
    _after(Next.REPEAT, PROVEN=Next.SETTLE, UNPROVABLE=Next.PROVE_BY_METRICS, OVERDUE=Next.GIVE_UP),
)
WATCHED = PhaseActions(When.ON_RECHECK, (), _after(Next.SETTLE_AGAIN_IF_CHANGED))
RISING = PhaseActions(When.ALWAYS, RISES, _after(Next.REPEAT, PROVEN=Next.FINISH, UNPROVABLE=Next.FINISH))
# A gateway that misroutes gets no candidate, as a rollback wants.
FALLING = PhaseActions(
    When.ALWAYS,
    FALLS,
    _after(Next.FINISH, NOT_WRITTEN=Next.REPEAT, WRITTEN=Next.STORE_VERDICT, OVERDUE=Next.STORE_VERDICT),
)
OVER = PhaseActions(When.ON_RECHECK, (), _after(Next.REST))
# Users go on to be led to candidates: what was written anew has to be proven anew, or taken off.
HELD = PhaseActions(When.ON_RECHECK, (), _after(Next.REST, UNPROVABLE=Next.PROVE_BY_METRICS))

ACTIONS: Mapping[Phase, PhaseActions] = {
    Phase.PENDING: UNTOUCHED,
    Phase.SUSPENDED: FROZEN,  # even where a step was not in force yet
    Phase.APPLYING: APPLYING,
    **dict.fromkeys(WATCHING, WATCHED),
    **dict.fromkeys(ACTING - {Phase.ROLLING_BACK}, RISING),
    Phase.ROLLING_BACK: FALLING,
    **dict.fromkeys((ENDED | BETWEEN_TRIALS) - {Phase.HELD}, OVER),
    Phase.HELD: HELD,
}


@dataclass(frozen=True, slots=True)
class Acted:
    """What acting on a split has come to.

    status: how far the split has got. changed: whether anything was written that differed. interrupted: whether users
    were led by the split before, and not all the time since.
    """

    status: SplitStatus
    changed: bool
    interrupted: bool


def after_traffic(tracked: TrackedPolicy, acted: Acted, now: int) -> RolloutState:
    """The state that follows from what was done about traffic and verdict. now: Unix seconds."""
    state = unproven_weights_lost(tracked.state) if acted.interrupted else tracked.state
    match next_after(state.watch_phase, acted.status):
        case Next.SETTLE:
            return weights_in_force(state, now)
        case Next.GIVE_UP:
            return give_up(tracked.times, state, now)
        case Next.SETTLE_AGAIN_IF_CHANGED if acted.changed:
            return weights_lost(state)
        case Next.FINISH if tracked.status.verdict_stored == verdict_name(tracked.name, state):
            return carried_out(state)
        case _:
            return state


def next_after(phase: Phase, status: SplitStatus) -> Next:
    """What follows in a phase once its traffic has this status."""
    return ACTIONS[phase].after[status]
