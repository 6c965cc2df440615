"""The time that a rollout under way still takes, apart from the arithmetic that forecasts it."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.counts import total
from earlystop.evidence.gaps import UNSOUND, Gap
from earlystop.evidence.objective import Basis
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import WATCHING, Comparison, Phase, RolloutState

MOST_FORECAST = 16
"""Candidates that a screen waits for: each takes 0.05 s and more."""
LEAST_ANSWERS = 100
"""Of the variant with fewer: before, the looks say too little of the loss."""
LEAST_LOG_E = 0.1
"""Evidence that is smaller has not begun to grow."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """low, high: seconds from now between which 8 of 10 forecasts have a verdict on the evidence; inf where that is
    after the deadline. promoted, rolled_back: parts of the forecasts that end so by the deadline, 0..1."""

    low: float
    high: float
    promoted: float
    rolled_back: float


def obstacle(state: RolloutState) -> str | None:
    """Why a campaign that is watched has no forecast, as the end of a line; None where it may have one, and where
    nobody would ask."""
    plan = state.plan
    if plan is None or state.phase not in WATCHING | {Phase.APPLYING} or state.awaiting is not None:
        return None
    if plan.is_per_class:
        return "no forecast of a map of query classes"
    if len(state.active) > MOST_FORECAST:
        return f"no forecast of more than {MOST_FORECAST} candidates"
    if len(state.active) > 1 and {StageKind.SHADOW, StageKind.SPLIT} <= {stage.kind for stage in plan.stages}:
        return "no forecast before one is chosen in shadow"
    if plan.objective.same_setting_steps:
        return "no forecast of cohorts with one setting first"
    found = min(map(answers_of_fewer, state.active), default=0)
    if found < LEAST_ANSWERS:
        return f"no forecast before {LEAST_ANSWERS} answers of each ({found} so far)"
    if any(map(_awaits_a_saving, state.active)):
        return "no forecast before answers begin to show a saving of tokens"
    return None


def forecast_of(state: RolloutState) -> tuple[Comparison, ...]:
    """The comparisons that a forecast is about; none where nobody can say. It takes no arithmetic to tell."""
    is_watched = state.phase in WATCHING | {Phase.APPLYING} and state.awaiting is None
    if not is_watched or obstacle(state) is not None:
        return ()
    # When the pairs that lack no answer will prove it, no forecast follows.
    if any((UNSOUND | {Gap.WHOLE_PAIRS}) & set(each.assessment.gaps) for each in state.active):
        return ()
    return state.active


def _awaits_a_saving(comparison: Comparison) -> bool:
    """Whether tokens may still be shown to be saved, though nothing speaks for it yet."""
    is_open = comparison.certified_at is None and not comparison.assessment.saves_tokens
    return is_open and may_save(comparison) and comparison.assessment.log_e.tokens < LEAST_LOG_E


def may_save(comparison: Comparison) -> bool:
    """Whether the tokens that are asked for may still be shown to be saved, by what is seen of them."""
    seen = comparison.assessment.saving.estimate
    return comparison.assessment.saves_tokens or seen is None or seen >= comparison.evidence.objective.minimum_saving


def answers_of_fewer(comparison: Comparison) -> int:
    """Scored answers of the variant with fewer in the looks, or questions that both have answered."""
    candidate = total([each.candidate for each in comparison.looks])
    if comparison.evidence.objective.basis is Basis.PAIRS:
        return candidate.pairs.total
    return min(total([each.baseline for each in comparison.looks]).scored, candidate.scored)
