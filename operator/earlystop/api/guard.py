"""`spec.guard`: what keeps watching after a promotion.

Live: an edit of it starts no campaign and changes no evidence of one; the guard follows it at once.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from earlystop.api.values import Value, rules
from earlystop.api.when_busy import WhenBusy

DEFAULT_HOLDBACK = 5
"""Percent that stays on the baseline where the guard compares answers and the policy names no share."""


SHORTEST_FALSE_REVERT_SECONDS, LONGEST_FALSE_REVERT_SECONDS = 86_400, 31_536_000


class Adjust(Value):
    """What follows by itself from what the guard sees."""

    on_alarm: Literal["StepBack"] = Field(
        "StepBack",
        description="StepBack: once all requests are back at the baseline, the next more careful setting that the "
        "campaign has proven beside the harmful one serves, at once and without asking; the baseline if there is "
        "none, where the policy asks people before a promotion, and where this was written after the alarm. It takes "
        "several candidates, and parameters with stopsSooner.",
    )
    tries_per_week: int = Field(
        0,
        ge=0,
        le=7,
        description="How often a week, at most, a search that is over begins again by itself while the guard sees room "
        "above the margin: it tries what it has proven anew, and then what its strategy proposes next, each at a "
        "risk of its own. 0: never. It takes a search of strategy Ladder, Bayesian or External: of candidates that are "
        "tried together none is left that may save more.",
    )


class Guard(Value):
    """What keeps watching after a promotion, and how seldom it may be wrong."""

    model_config = rules(
        {
            "rule": "!has(self.holdbackWeight) || self.holdbackWeight > 0 || self.evidence == 'Pairs'",
            "message": "guard.holdbackWeight: 0 leaves the guard nothing to compare with; write a percent from 1 to "
            "50, or guard.evidence: Pairs, which compares golden questions and holds nobody back",
        }
    )

    holdback_weight: int | None = Field(
        None,
        ge=0,
        le=50,
        description="Percent of traffic that stays on the baseline, to compare with. Absent: 5, and 0 with evidence "
        "Pairs. More of it finds harm sooner.",
    )
    false_revert_seconds: int = Field(
        2_592_000,
        ge=SHORTEST_FALSE_REVERT_SECONDS,
        le=LONGEST_FALSE_REVERT_SECONDS,
        description="Mean time between reverts of a setting that does no harm, at least: Exact Match, floor, "
        "guardrails and query classes share it.",
    )
    evidence: Literal["Answers", "Pairs"] = Field(
        "Answers",
        description="Answers: those of users, of whom holdbackWeight percent stay on the baseline. Pairs: golden "
        "questions that an evaluator asks of both variants; guardrails then need a holdbackWeight of their own.",
    )
    window_seconds: int = Field(
        3600,
        ge=60,
        le=2_592_000,
        description="Length of the sliding window in which Exact Match and tokens of both variants are shown in "
        "status.guard.window. It decides nothing.",
    )

    adjust: Adjust | None = Field(
        None,
        description="What follows by itself from what the guard sees. Absent: after an alarm the baseline serves until "
        "somebody retries, and nothing bolder is tried.",
    )
    when_busy: WhenBusy | None = Field(
        None,
        description="Under load the promoted setting serves, and in quiet times the next more careful one that the "
        "campaign has proven beside it. It takes several candidates that are tried together. Absent: the promoted "
        "setting serves always.",
    )

    @property
    def holdback(self) -> int:
        """Percent of traffic that stays on the baseline."""
        if self.holdback_weight is not None:
            return self.holdback_weight
        return DEFAULT_HOLDBACK if self.evidence == "Answers" else 0
