"""How many requests candidates shall have, as one number."""

from __future__ import annotations

from earlystop.rollout.exposure import weights
from earlystop.rollout.state import RolloutState


def candidate_weight(state: RolloutState) -> int | None:
    """Percent of traffic that all candidates together shall have; None before the first campaign."""
    percents = weights(state)
    return None if percents is None else 100 - percents[0]
