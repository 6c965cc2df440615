"""Every strategy of a search in one table: what it is like, and which module searches by it."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.strategies import StrategyTraits

MOST_SETTINGS = 200
"""Settings that one search may try."""
MOST_TOGETHER = MOST_SETTINGS
"""Settings that one campaign judges beside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTraits:
    """What a policy may ask of a strategy.

    module: dotted name of the module that searches by it: a module whose `STRATEGY`
        tries all settings (`rollout.strategy.Strategy`) where `one_campaign`, else one whose `PROPOSER` says which is
        tried next (`rollout.search.trial.Proposer`).
    one_campaign: whether all settings are judged beside each other; else each trial is a campaign of its own.
    most_settings, most_parameters: that it takes.
    moves_shares: whether shares among settings follow the evidence, each change in a step of its own.
    in_shadow: whether it takes settings that are judged on the baseline's own requests, where all are judged at once.
    version: of the proposer's arithmetic, which the verdicts of its trials name; earlier ones can be recomputed.
    certified_are_free: whether a certified trial and the next one share a risk (`rollout.search.progress.spent_risk`).
    takes_proposals: whether others say by EarlyStopProposals what is tried, so that it waits where none is there.
    """

    module: str
    one_campaign: bool = False
    most_settings: int = MOST_SETTINGS
    most_parameters: int = 3
    in_shadow: bool = False
    moves_shares: bool = False
    version: int = 1
    certified_are_free: bool = False
    takes_proposals: bool = False

    @property
    def campaign(self) -> StrategyTraits:
        """How the settings are tried where one campaign tries all."""
        return StrategyTraits(module=self.module, takes_several=True, moves_shares=self.moves_shares)


DEFAULT_SEARCH = "Ladder"

SEARCHES: dict[str, SearchTraits] = {
    DEFAULT_SEARCH: SearchTraits(
        module="earlystop.rollout.search.ladder",
        most_settings=20,
        most_parameters=1,
        in_shadow=True,
        version=7,
        certified_are_free=True,
    ),
    "Grid": SearchTraits(module="earlystop.rollout.strategies.grid", one_campaign=True, in_shadow=True),
    "Bayesian": SearchTraits(module="earlystop.rollout.search.bayesian", version=6, certified_are_free=True),
    "Bandit": SearchTraits(
        module="earlystop.rollout.strategies.bandit",
        one_campaign=True,
        moves_shares=True,
    ),
    "External": SearchTraits(
        module="earlystop.rollout.search.external", version=2, certified_are_free=True, takes_proposals=True
    ),
}
