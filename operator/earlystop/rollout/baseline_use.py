"""Whether a campaign may begin on a baseline, where another one is pinned: what promotions have used since."""

from __future__ import annotations

from collections.abc import Iterable

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse, digest_of_setting, part_of
from earlystop.rollout.remembered import ProvenLoss


def used_before(spec: PolicySpec, losses: Iterable[ProvenLoss]) -> MarginUse | None:
    """What promotions have used to get from the pinned baseline to the one in use; nothing where none is pinned. None
    where the one in use was never proven."""
    pinned = spec.pinned_settings()
    in_use = spec.baseline_settings()
    if pinned is None or in_use == pinned:
        return NOTHING_USED
    since = digest_of_setting(pinned)
    found = next((each for each in losses if each.pinned == since and each.values == in_use), None)
    return None if found is None else MarginUse(found.lost, found.risk, found.promotions)


def refusal_of_baseline(spec: PolicySpec, losses: Iterable[ProvenLoss]) -> Refusal | None:
    """Why no campaign can begin on this baseline, or None."""
    used = used_before(spec, losses)
    pinned = spec.baseline.pinned
    if used is None:
        return Refusal(
            "BaselineNotProven",
            "baseline.values was not proven against baseline.pinned, so nobody knows what it has lost already. Write "
            "the values of status.certified or of baseline.pinned, or pin baseline.values, which begins a margin anew.",
        )
    try:
        part_of(spec, used)
    except ValueError as error:
        assert pinned is not None  # without one there is always something left
        return Refusal(
            "MarginSpent",
            f"No margin is left for another promotion: {error}. Raise exactMatch.margin (with baseline.pinned."
            f"promotions {pinned.promotions} or more), or pin baseline.values, which begins a margin anew.",
        )
    return None
