"""What the evidence says, worked out once a look: its judgement, its conditions and its status all ask the same."""

from __future__ import annotations

from functools import lru_cache

from earlystop.evidence.engine import Assessment, EvidenceState
from earlystop.evidence.engine import assess as assess_anew


@lru_cache(maxsize=256)
def assess(state: EvidenceState) -> Assessment:
    """As `evidence.engine.assess`. Its intervals are found by bisection, and a look asks for them five times; states
    and assessments are frozen values, so an answer can be kept."""
    return assess_anew(state)
