"""Golden questions are a sample: how many a verdict on their population needs, and when they are used up.

Pairs of different questions are independent draws from the population; a question that is asked again is none. So a
campaign about the population takes as many pairs as the policy says that there are questions, and then ends.
"""

from __future__ import annotations

from math import ceil, log

from earlystop.api.counts import Pairs
from earlystop.evidence.objective import About, Basis, Objective
from earlystop.rollout.formatting import in_count, in_factor, in_points
from earlystop.rollout.state import Comparison, Phase, RolloutState

PRICE_NATS = 0.4
"""Price of not knowing the gap, as `simulation.planning` has it for a candidate that loses nothing."""

NINETY_OVER_FORECAST = 2.4
"""Pairs that sufficed in 90 % of 400 simulated rollouts, in looks of 50 pairs, over the mean that is forecast: at a
margin of 2 points and 6 % of the pairs discordant 2,455 of 1,020, at 5 points and 15 % 950 of 410."""

SUPPOSED_DISCORDANCE = 0.06
"""Share of the pairs that one variant alone answers right, until a hundred pairs tell better."""

NEARLY_ALL, SILENT_SECONDS = 0.9, 600
"""Some questions are asked while nothing counts, or cannot be scored: when so many are pairs, and for so long there was
none, there will be none any more."""


def questions_needed(margin: float, risk: float, discordance: float) -> int:
    """Different questions for a verdict in 90 % of rollouts of a candidate that loses nothing.

    margin: 0 < margin < 1; risk: of promoting wrongly, 0 < risk < 1; discordance: as `SUPPOSED_DISCORDANCE`, times
    the dispersion.
    """
    return ceil(2 * (PRICE_NATS - log(risk)) * discordance / margin**2 * NINETY_OVER_FORECAST / 10) * 10


def counts_twice(comparison: Comparison) -> bool:
    """Whether there are more pairs than questions, so that one is evidence twice."""
    most = _most(comparison.evidence.objective)
    return most is not None and _taken(comparison) > most


def exhausted(state: RolloutState) -> bool:
    """Whether no candidate that is tried can have more pairs of different questions. Only looks without a pair are
    silence: neither the time between two looks is, nor one in which nothing can be read."""
    return bool(state.active) and all(_is_exhausted(each, state) for each in state.active)


def takes_questions_once(objective: Objective) -> bool:
    """Whether each golden question is evidence at most once in a campaign, so that they can run out."""
    return _most(objective) is not None


def _is_exhausted(comparison: Comparison, state: RolloutState) -> bool:
    most = _most(comparison.evidence.objective)
    if most is None or not comparison.looks:
        return False
    # Those of this step that were counted before its snapshot are used up as well.
    seen = max(_taken(comparison), comparison.mark.candidate.pairs.total)
    is_read = state.phase is Phase.OBSERVING and state.metrics_lost_at is None
    silent = is_read and (state.last_look_at or 0) - comparison.looks[-1].at >= SILENT_SECONDS
    return seen >= most or (silent and seen >= NEARLY_ALL * most)


def exhausted_message(comparison: Comparison) -> str:
    """The sentence on a campaign whose questions are used up before a verdict."""
    objective, counted = comparison.evidence.objective, _pairs(comparison)
    most, discordance = objective.distinct_questions or 0, SUPPOSED_DISCORDANCE
    taken = _taken(comparison)
    if counted.total >= 100:
        discordance = (counted.baseline_only + counted.candidate_only + 1) / (counted.total + 2)
    needed = questions_needed(objective.margin, objective.risk_promote, discordance * objective.dispersion)
    return (
        f"The golden questions are used up: of {in_count(most)}, {in_count(taken)} are pairs of this campaign, "
        f"and each is evidence once. A verdict about the population at a margin of {in_points(objective.margin)} "
        f"points and a risk of {in_factor(objective.risk_promote)} needs about {in_count(needed)}, for one that loses "
        "nothing. Add questions and retry, or write exactMatch.questions.about: File."
    )


def _pairs(comparison: Comparison) -> Pairs:
    return comparison.evidence.quality.paired_promote.pairs


def _taken(comparison: Comparison) -> int:
    """Questions that are used up, also by pairs that are no evidence since they lack an answer."""
    return max(_pairs(comparison).total, comparison.evidence.pair_attrition.pairs)


def _most(objective: Objective) -> int | None:
    """How many pairs can be evidence; None for any number."""
    is_sample = objective.basis is Basis.PAIRS and objective.about is About.POPULATION
    return objective.distinct_questions if is_sample else None
