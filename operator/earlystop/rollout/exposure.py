"""Which requests each variant shall have, as a state says: their weights, and what is judged without having any."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import TRYING, WITHOUT_CANDIDATE, Phase, RolloutState
from earlystop.rollout.strategy import strategy_of

PROMOTED = frozenset({Phase.PROMOTING, Phase.PROMOTED})


def weights(state: RolloutState) -> tuple[int, ...] | None:
    """Percent of traffic that the baseline and each candidate of the plan, in its order, shall have, of sum 100; None
    before a campaign."""
    if state.phase == Phase.PENDING:
        return None
    plan = state.pinned_plan
    percents: Mapping[str, int] = {}
    if state.phase in PROMOTED and plan.spec.delivery.traits.promotes_target:
        # Its Pods were enough for this share. It goes to them until the target has what was promoted.
        percents = {state.leader: strategy_of(plan).weights(plan, state).get(state.leader, 0)}
    elif state.phase in PROMOTED:
        percents = {state.leader: 100}
    elif state.phase not in WITHOUT_CANDIDATE:
        percents = strategy_of(plan).weights(plan, state)
    of_candidates = tuple(percents.get(name, 0) for name in plan.names)
    return (100 - sum(of_candidates), *of_candidates)


def promoted(state: RolloutState) -> str:
    """Name of the candidate that was promoted, "" before a promotion."""
    return state.leader if state.phase in PROMOTED else ""


def shadowed(state: RolloutState) -> tuple[str, ...]:
    """Names of the candidates that the server shall judge on the baseline's requests. One that is dropped stays: no
    user sees it, and to take it off would change the route."""
    if state.phase not in TRYING | {Phase.SUSPENDED, Phase.HOLDING, Phase.HELD}:
        return ()
    is_shadow = state.pinned_plan.stage(state.step).kind is StageKind.SHADOW
    return tuple(each.name for each in state.comparisons) if is_shadow else ()
