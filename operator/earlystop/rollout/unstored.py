"""Decisions whose verdict could not be stored before another decision of their campaign followed.

A campaign's verdict is rendered from its state, and nothing of that changes once it is decided but what is kept here.
So whoever may abort never waits for a record, and the record has no gap: what is kept is written first, the latest
decision after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from earlystop.rollout.state import ACTING, RolloutState, Unstored


def unstored_after(state: RolloutState) -> tuple[Unstored, ...]:
    """What a state keeps once another decision follows: that of its own, if it is still being carried out, since its
    verdict may be stored or not. Of one that was carried out it is stored."""
    if state.phase not in ACTING or state.decision is None:
        return state.unstored
    return (*state.unstored, Unstored(state.decision, state.previous_digest, state.guard))


def states_to_record(state: RolloutState) -> tuple[RolloutState, ...]:
    """A state as of each of its decisions whose verdict may be missing, the first one first, and the state itself at
    the end."""
    return (*_earlier(state), state)


def relinked(state: RolloutState, digest: Callable[[RolloutState], str]) -> RolloutState:
    """The state in which each decision names the verdict before it as that is rendered now: a release that renders it
    otherwise than the one that decided must not name what nobody will find. The same state where nothing differs.

    digest: gives that of the verdict of a state's decision.
    """
    if not state.unstored:
        return state
    before = [state.unstored[0].previous_digest]
    for each in _earlier(state):
        before.append(digest(replace(each, previous_digest=before[-1])))
    if before == [*(each.previous_digest for each in state.unstored), state.previous_digest]:
        return state
    *of_kept, latest = before
    kept = (replace(each, previous_digest=it) for each, it in zip(state.unstored, of_kept, strict=True))
    return replace(state, unstored=tuple(kept), previous_digest=latest)


def _earlier(state: RolloutState) -> tuple[RolloutState, ...]:
    return tuple(
        replace(state, decision=each.decision, previous_digest=each.previous_digest, guard=each.guard, unstored=())
        for each in state.unstored
    )
