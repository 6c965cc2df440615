"""The samples of a guard: what both variants did lately, and how far its detectors are from an alarm."""

from __future__ import annotations

from collections.abc import Iterator

from earlystop.api.counts import Variant
from earlystop.controller.policy_metrics import table
from earlystop.controller.policy_metrics.table import PolicyMetric
from earlystop.rollout.guard.words import detector_rows
from earlystop.rollout.state import RolloutState


def of_guard(state: RolloutState) -> Iterator[tuple[PolicyMetric, tuple[str, ...], float | None]]:
    """Numbers that may not be known, without the labels of the policy; none while no guard watches."""
    guard = state.guard
    if guard is None or not state.is_guarded:
        return
    window = guard.window
    yield table.GUARD_EXACT_MATCH, (Variant.BASELINE.value,), window.baseline.exact_match
    yield table.GUARD_EXACT_MATCH, (Variant.CANDIDATE.value,), window.candidate.exact_match
    yield table.GUARD_SAVING, (), window.saving if guard.holdback else None
    yield table.GUARD_BUSY, (), (0.0 if guard.busy.serves else 1.0) if guard.busy.changes else None
    for claim, value, needed in detector_rows(guard):
        yield table.GUARD_STATISTIC, (str(claim),), value
        yield table.GUARD_LINE, (str(claim),), needed
