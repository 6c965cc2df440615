"""The reasons of searches, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from earlystop.api.reasons.proposal import PROPOSAL_ROWS
from earlystop.api.reasons.trial import TRIAL_ROWS

SEARCH_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "SearchUnusable": "The search has nothing that could be tried, more than its strategy takes, or a mode that "
        "cannot carry it; write what the message names (operator/docs/search.md).",
    }
)


def search_rows(refusal: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]:
    """All that searches give, its trials, and proposals to it. refusal: where a refused policy says why."""
    return ((refusal, SEARCH_REFUSALS), *TRIAL_ROWS, *PROPOSAL_ROWS)
