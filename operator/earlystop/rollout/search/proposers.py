"""Who proposes the trials of a search, by the strategy that a policy names (`api.searches`)."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import cast

from earlystop.api.searches import SEARCHES
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.trial import Proposer


def proposer_of(strategy: str, waiting: tuple[WaitingOffer, ...] = ()) -> Proposer:
    """Who proposes under a strategy whose trials are campaigns of their own. Raises KeyError for an unknown name.

    waiting: what others have proposed, for a strategy that takes proposals.
    """
    traits = SEARCHES[strategy]
    proposer = import_module(traits.module).PROPOSER
    return cast(Proposer, replace(proposer, waiting=waiting) if traits.takes_proposals else proposer)
