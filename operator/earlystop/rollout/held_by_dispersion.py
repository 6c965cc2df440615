"""Whether a candidate is held since it is not known yet how much its answers scatter."""

from __future__ import annotations

from math import log

from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.rollout.state import Comparison


def learns_dispersion(comparison: Comparison) -> bool:
    """Whether more looks will say how much a candidate's answers scatter, and nothing is promoted before."""
    known = comparison.claims.dispersion
    return bool(comparison.looks) and known.source is DispersionSource.LOOKS and not known.is_known


def is_held_by_dispersion(comparison: Comparison) -> bool:
    """Whether a loss below the margin is shown as far as is known, and that alone is not enough."""
    needed = -log(comparison.evidence.objective.risk_promote)
    return learns_dispersion(comparison) and comparison.claims.log_e.promote >= needed


def is_proven_as_far_as_is_known(comparison: Comparison) -> bool:
    """Whether each claim would be proven if answers scattered as is known so far."""
    now, needed = comparison.claims.log_e, -log(comparison.evidence.objective.risk_promote)
    values = (now.tokens, *(value for _, value in now.certificates))
    return is_held_by_dispersion(comparison) and min(values) >= needed
