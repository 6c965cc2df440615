"""The reasons of searches, with a sentence each, as in `reasons.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SEARCH_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "SearchUnusable": "The search has nothing that could be tried, more than its strategy takes, or a mode that "
        "cannot carry it; write what the message names (operator/docs/search.md).",
    }
)
