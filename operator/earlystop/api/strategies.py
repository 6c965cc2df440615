"""Every rollout strategy in one table: what it is like, and which module tries candidates by it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTraits:
    """What a plan has to know of a strategy.

    module: dotted name of the module whose `STRATEGY` tries candidates by it (`rollout.strategy.Strategy`).
    takes_several: whether candidates are judged beside each other.
    splits_among_one: whether only one of them ever gets requests, so that a split needs no room for others.
    moves_shares: whether shares follow the evidence, so that nobody knows beforehand how many steps there are.
    """

    module: str
    takes_several: bool = False
    splits_among_one: bool = False
    moves_shares: bool = False


DEFAULT_STRATEGY = "Canary"

STRATEGIES: dict[str, StrategyTraits] = {
    DEFAULT_STRATEGY: StrategyTraits(module="earlystop.rollout.strategies.canary"),
    "ABTest": StrategyTraits(module="earlystop.rollout.strategies.ab_test", takes_several=True),
}

SHADOW_FIRST = StrategyTraits(
    module="earlystop.rollout.strategies.shadow_first", takes_several=True, splits_among_one=True
)
"""How the settings of a search are tried that are judged in shadow before live requests."""

WITHOUT_TRAFFIC = StrategyTraits(module="earlystop.rollout.strategies.shadow_only", takes_several=True)
"""How candidates are tried where no request ever gets one, whatever strategy is written."""
