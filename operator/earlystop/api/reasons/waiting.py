"""The reasons why a comparison waits or began early, or a promotion waits, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EDIT_WAITS = "EditWaits"
"""Of the condition Ready, while an edit or a retry waits for the end of a pause."""

WAITING_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "DispersionUnknown": "How much answers scatter is not known, so nothing is promoted. Where nothing keeps a "
        "session on a variant, write objective.exactMatch.assumeIndependent: true; where sessions stay and their "
        'design effect is known, write dispersion: "3" (yours); where it is known how long they last at most, '
        "longestSessionSeconds, and fewer looks teach it. Else wait: 128 looks do, which takes 48 minutes at "
        "rollout.lookSeconds 15 with one candidate, and longer with several (`kubectl earlystop plan` says how long). "
        "256 do where the counts of requests show groups that stay with a variant beyond blocks of 32 looks. "
        "Cohorts learn it where servers count by users, or with rollout.aaSeconds (operator/docs/cohorts.md).",
        "AnswersOutstanding": "Many requests were in flight for longer than a step waits, so its first looks miss "
        "slow answers; let the server end requests sooner, or write a longer rollout.settleSeconds.",
    }
)

HELD_PROMOTION_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "LeastTime": "All is proven, and the promotion waits for the least time of its step; wait.",
        "HoursNotCovered": "All is proven, and the promotion waits until looks span rollout.minimumHours; wait.",
        "MixMoved": "All is proven, but about another mix of query classes than all requests have, since the mix moved "
        "with the weights; wait for more requests of this step.",
        "EvidenceTurned": "The latest answers speak against what was proven before, so nothing is promoted until "
        "they support it again; look for what changed.",
    }
)
