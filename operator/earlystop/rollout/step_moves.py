"""What may happen to the step under way, whether it is of a trial or of the guard that watches over a promotion."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.rollout import look_taken, transitions
from earlystop.rollout.guard import transitions as guard
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState
from earlystop.rollout.totals import Totals


def weights_in_force(state: RolloutState, at: int) -> RolloutState:
    """The step's weights are proven to be in force at Unix second `at`."""
    return guard.weights_in_force(state, at) if state.is_guarded else transitions.weights_in_force(state, at)


def weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed the weights that were in force, so evidence is taken again only once they are proven anew."""
    return guard.weights_lost(state) if state.is_guarded else transitions.weights_lost(state)


def unproven_weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed weights by which users were led before anything had proven them."""
    return guard.unproven_weights_lost(state) if state.is_guarded else transitions.unproven_weights_lost(state)


def take_look(
    times: LiveTimes, state: RolloutState, at: int, *totals: Totals, in_flight: Sequence[int] | None = None
) -> RolloutState:
    """The state after a look at moment `at`. totals, in_flight: of each candidate that has a comparison, and of the
    promoted one alone under a guard."""
    if state.is_guarded:
        return guard.take_look(times, state, at, totals[0], in_flight)
    return look_taken.take_look(times, state, at, *totals, in_flight=in_flight)


def lose_metrics(state: RolloutState, now: int, at: int | None = None, *, none_expected: bool = False) -> RolloutState:
    """Counts could not be used; parameters as for `transitions.lose_metrics`."""
    if state.is_guarded:
        return guard.lose_metrics(state, now, at)
    return transitions.lose_metrics(state, now, at, none_expected=none_expected)
