"""What a candidate's own evidence may lack for a promotion, by name."""

from __future__ import annotations

from enum import StrEnum


class Gap(StrEnum):
    """What a candidate's own evidence may lack for a promotion."""

    EXACT_MATCH = "ExactMatch"
    """It is not shown to lose less than the margin, in all and in each query class where that is asked for."""
    TOKENS = "Tokens"
    """It is not shown to save as many tokens as are asked for."""
    SAMPLE_RATIO = "SampleRatio"
    """Requests are shown not to arrive as the weights say, so the comparison is not sound."""
    DISPERSION = "Dispersion"
    """The same users are in every look, and it is not known how much they scatter."""
    SETTING = "Setting"
    """Lengths of answers are shown not to have moved, so the setting does not reach the engine."""
    ATTRITION = "Attrition"
    """More is shown to be missing in one variant, or seems to be now, so its answers may be the better part of what it
    would have said."""
    WHOLE_PAIRS = "WholePairs"
    """The pairs that lack no answer do not prove by themselves what all of them prove."""
    UNSCORED = "Unscored"
    """Most answers of a variant could not be scored."""
    COUNTS = "Counts"
    """The counts contradict themselves."""


UNSOUND = frozenset({Gap.SAMPLE_RATIO, Gap.SETTING, Gap.ATTRITION, Gap.UNSCORED, Gap.COUNTS})
"""Gaps that no more evidence closes: something about the comparison is wrong."""
