"""Promotions since a pinned baseline share one margin and one risk: what they have used, and what the next may use.

Whoever commits a promoted setting as the next baseline would have the whole margin again, and k promotions could lose k
margins. With `baseline.pinned` a certificate of the k-th of n promotions is made at an equal part of what those before
it left: of the margin, less the loss that their certificates allow, and of `risk.promote`. Losses add up, and so do
the probabilities that one of the certificates is wrong. So the setting in force has lost less than the margin against
the pinned baseline with probability 1 - `risk.promote`, provided that what a certificate says stays true.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import floor
from typing import Any, NamedTuple

from earlystop.api.policy import PolicySpec

LEAST_MARGIN = 0.0001
"""A campaign at less than this hundredth of a point of Exact Match would have no end."""

MICRO = 1_000_000
"""Margins are divided, and losses counted, in millionths: so that what a status says is what is reckoned with."""


class MarginUse(NamedTuple):
    """lost: Exact Match that certificates since the pinned baseline allow to be lost, 0..1. risk: probability that more
    is. promotions: how many there were."""

    lost: float = 0.0
    risk: float = 0.0
    promotions: int = 0

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> MarginUse:
        """What stands in a plan. Raises ValueError for anything else."""
        try:
            found = cls(**written)
        except TypeError:
            raise ValueError("the plan's used holds other fields than lost, risk and promotions") from None
        is_whole = type(found.promotions) is int and found.promotions >= 0
        if not (is_whole and all(type(each) in (int, float) and 0 <= each < 1 for each in found[:2])):
            raise ValueError(f"the plan's used is {found}; write fractions from 0 to 1 and a number of promotions")
        return found


NOTHING_USED = MarginUse()


class MarginPart(NamedTuple):
    """What one campaign may use: margin, a loss of Exact Match; risk, of a wrong promotion, of all its attempts."""

    margin: float
    risk: float


def part_of(spec: PolicySpec, used: MarginUse) -> MarginPart:
    """What the next promotion may use: all of it without a pinned baseline.

    Raises ValueError where nothing is left.
    """
    margin, risk = float(spec.objective.exact_match.margin), float(spec.objective.risk.promote)
    pinned = spec.baseline.pinned
    if pinned is None:
        return MarginPart(margin, risk)
    following = pinned.promotions - used.promotions
    if following < 1:
        raise ValueError(f"all {pinned.promotions} promotions that share the margin have been made")
    part = floor(round((margin - used.lost) / following * MICRO, 3)) / MICRO
    if part < LEAST_MARGIN or risk - used.risk <= 0:
        raise ValueError(f"the promotions before allow a loss of {used.lost:g} of the margin of {margin:g}")
    return MarginPart(part, (risk - used.risk) / following)


def digest_of_setting(values: Mapping[str, str]) -> str:
    """What tells a setting apart, from the canonical value of each parameter."""
    return hashlib.sha256(json.dumps(sorted(values.items())).encode()).hexdigest()[:16]
