"""The reasons of comparisons in which answers are missing, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MISSING_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "AttritionDiffers": "More answers are missing in one variant than in the other, so nothing is promoted; read "
        "in the message which, fix its cause, then retry. Missing is what failed, never ended, was not tried or not "
        "scored; of golden questions, what is missing in pairs that the other variant answered.",
        "MostlyUnscored": "Most answers of a variant could not be scored, so nothing is promoted; do not count "
        "answers that nobody tries to score (result=None), or write exactMatch.unscored: Exclude.",
        "CountsContradict": "Counts contradict themselves, so nothing is promoted; correct what the message names "
        "where the server counts it, then retry.",
    }
)
