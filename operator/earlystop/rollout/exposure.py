"""Which requests each variant shall have, as a state says: their shares, and what is judged without having any."""

from __future__ import annotations

from earlystop.rollout.plan import Kind, parse_plan
from earlystop.rollout.state import TRYING, Phase, RolloutState

WITHOUT_CANDIDATE = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.REPORTING, Phase.REPORTED})


def weights(state: RolloutState) -> tuple[int, ...] | None:
    """Percent of traffic that the baseline and each candidate shall have, of sum 100; None before a campaign."""
    if state.phase == Phase.PENDING:
        return None
    plan = parse_plan(state.plan)
    shares = [0] * len(plan.names)
    if state.phase in (Phase.PROMOTING, Phase.PROMOTED):
        shares[state.leader] = 100
    elif state.phase not in WITHOUT_CANDIDATE:
        for place in state.active:
            shares[place] = plan.stage(state.step).weight
    return (100 - sum(shares), *shares)


def candidate_weight(state: RolloutState) -> int | None:
    """Percent of traffic that candidates shall have; None before the first campaign."""
    shares = weights(state)
    return None if shares is None else 100 - shares[0]


def shadowed(state: RolloutState) -> tuple[int, ...]:
    """Places of the candidates that the server shall judge on the baseline's requests. One that is dropped stays: no
    user sees it, and to take it off would change the route."""
    if state.phase not in TRYING | {Phase.SUSPENDED, Phase.HOLDING, Phase.HELD}:
        return ()
    is_shadow = parse_plan(state.plan).stage(state.step).kind is Kind.SHADOW
    return tuple(range(len(state.comparisons))) if is_shadow else ()
