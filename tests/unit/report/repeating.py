"""Comparing what the scripts of a page repeat with what Python has."""

from __future__ import annotations

import math

import pytest

from earlystop.api.counts import later_columns
from earlystop.evidence.assessment import Assessment
from earlystop.evidence.engine import EvidenceState, begin, update
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict_columns import columns
from tests.unit.report.script_engine import Replayer

NEAR = 1e-9


def values_of(assessment: Assessment) -> dict[str, float]:
    """What a page shows of an assessment, by the names of the script's; what is not known is NaN."""
    now, largest = assessment.log_e, assessment.log_e_max
    found: dict[str, float | None] = {
        f"{kind}.{name}": getattr(values, name)
        for kind, values in (("now", now), ("largest", largest))
        for name in ("promote", "harm", "tokens")
    }
    for kind, interval in (("effect", assessment.effect), ("saving", assessment.saving)):
        found |= {f"{kind}.{name}": getattr(interval, name) for name in ("estimate", "low", "high")}
    return {name: math.nan if value is None else value for name, value in found.items()}


def ensure_repeated(scripts: Replayer, state: RolloutState, *, at_each_look: bool) -> int:
    """Every comparison of a campaign is repeated, at its last look or at each one; how many there are."""
    names = columns(state.pinned_plan, later_columns())
    for comparison in state.comparisons:
        objective, rows = comparison.evidence.objective, [look.row() for look in comparison.looks]
        repeated = scripts.replay(objective, names, rows)
        assert len(repeated) == len(rows) + 1
        states: list[EvidenceState] = [begin(objective)]
        if at_each_look:
            for look in comparison.looks:
                states.append(update(states[-1], look))
        else:
            states = [comparison.evidence]
        for evidence, again in zip(states, repeated[-len(states) :], strict=True):
            expected = values_of(evidence.assessment)
            groups = {name: name.split(".") for name in expected}
            found = {name: again[group][value] for name, (group, value) in groups.items()}
            known = {name: math.nan if value is None else value for name, value in found.items()}
            assert known == pytest.approx(expected, rel=NEAR, abs=NEAR, nan_ok=True), (state.campaign, comparison.name)
    return len(state.comparisons)
