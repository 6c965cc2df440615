"""Who proposes the trials of a search, by the strategy that a policy names: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from earlystop.rollout.search.trial import Proposer


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposerTraits:
    """What a search has to know of a strategy whose trials are campaigns.

    module: dotted name of the module whose `PROPOSER` proposes. version: of its arithmetic, which verdicts name.
    certified_are_free: as in `progress.spent_risk`.
    """

    module: str
    version: int = 1
    certified_are_free: bool = False


PROPOSERS: dict[str, ProposerTraits] = {
    "Ladder": ProposerTraits(module="earlystop.rollout.search.ladder", certified_are_free=True),
}


def proposer_of(strategy: str) -> Proposer:
    """Who proposes under a strategy. Raises KeyError for one whose trials are no campaigns of their own."""
    return cast(Proposer, import_module(PROPOSERS[strategy].module).PROPOSER)
