"""Who proposes the trials of a search, by the strategy that a policy names (`api.searches`)."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from earlystop.api.searches import SEARCHES
from earlystop.rollout.search.trial import Proposer


def proposer_of(strategy: str) -> Proposer:
    """Who proposes under a strategy whose trials are campaigns of their own. Raises KeyError for an unknown name."""
    return cast(Proposer, import_module(SEARCHES[strategy].module).PROPOSER)
