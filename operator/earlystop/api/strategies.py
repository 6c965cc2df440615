"""Every rollout strategy in one table: what it is like, and which module tries candidates by it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTraits:
    """What a plan has to know of a strategy. takes_several: whether candidates are judged beside each other."""

    takes_several: bool = False


DEFAULT_STRATEGY = "Canary"

STRATEGIES: dict[str, StrategyTraits] = {
    DEFAULT_STRATEGY: StrategyTraits(),
    "ABTest": StrategyTraits(takes_several=True),
}
