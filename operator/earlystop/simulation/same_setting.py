"""What a plan supposes of a first stage with the baseline's setting on all sides (A/A): how long it lasts, and how
much of the margin its bounds leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, sqrt

from earlystop.evidence.bound_part import bound_risk
from earlystop.evidence.longest_session import looks_to_learn
from earlystop.evidence.objective import Objective
from earlystop.evidence.own_difference import LEAST_ROOM
from earlystop.rollout.look_spacing import seconds_of_looks
from earlystop.rollout.plan import Plan
from earlystop.simulation.supposed_dispersion import LEARNED_SURPLUS

SURPLUS = 2.0
"""Beside log(1 / risk): what a bound at all looks together costs more than its risk, as a log e-value."""


@dataclass(frozen=True, slots=True)
class SupposedSameSetting:
    """look_seconds: between two looks at first. rate: scored answers a second of all variants, > 0. em: of the
    baseline, 0..1. scatter: how many times as much answers scatter as independent ones, >= 1."""

    plan: Plan
    look_seconds: int
    rate: float
    em: float
    scatter: float

    @property
    def seconds(self) -> float:
        """How long the stage's looks take, in seconds, where a plan begins with such a stage."""
        from earlystop.evidence.divisors import waits_for_looks  # with all that learns how answers scatter

        objective, stage = self.plan.objective, self.plan.stages[0]
        block, learned = waits_for_looks(objective), 0
        if block > 1:
            learned = seconds_of_looks(self.look_seconds, looks_to_learn(block), candidates=len(self.plan.names))
        bounded = self._answers(objective, (1 - LEAST_ROOM) * objective.margin) / self._answers_a_second
        return max(float(stage.minimum_seconds), float(learned), bounded)

    def after(self, objective: Objective) -> Objective:
        """The objective with the margin that the stage leaves, where the plan has one."""
        if not objective.same_setting_steps:
            return objective
        width = sqrt(self._answers(objective, 1.0) / (self._answers_a_second * self.seconds))
        return replace(objective, margin=max(objective.margin - width, LEAST_ROOM * objective.margin))

    def _answers(self, objective: Objective, width: float) -> float:
        """How many answers each of two like cohorts needs until their difference is bounded by `width`."""
        variance = LEARNED_SURPLUS * self.scatter * self.em * (1 - self.em)
        log_e = log(1 / bound_risk(objective.risk_promote)) + SURPLUS
        return 4 * variance * log_e / (width * width)

    @property
    def _answers_a_second(self) -> float:
        return self.rate * self.plan.stages[0].weight / 100
