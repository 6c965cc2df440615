"""What a campaign may end with, in one word."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a campaign ends with."""

    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"
    INCONCLUSIVE = "Inconclusive"
    RECOMMEND = "Recommend"
