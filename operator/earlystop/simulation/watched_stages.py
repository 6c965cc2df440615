"""Stages of a forecast that are judged alike: what is to be shown in them, and how supposed traffic moves evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np

from earlystop.api.policy import PolicySpec
from earlystop.evidence.bets import Side
from earlystop.evidence.objective import Basis, Objective, class_claim
from earlystop.rollout.advance import loss_to_refute
from earlystop.rollout.plan import Plan, Stage, StageKind
from earlystop.simulation.paths import Numbers, Paths
from earlystop.simulation.random_walk import Arms, Floats, Walk, on_answers, on_pairs
from earlystop.simulation.supposed_dispersion import SupposedDispersion


@dataclass(frozen=True, slots=True)
class SupposedTraffic:
    """What is supposed to be true.

    rate: scored requests, or pairs, a second, > 0. baseline_em: 0..1. em_loss: baseline's EM minus the candidate's.
    discordance: share of pairs that just one variant answers right. dispersion: how much more answers scatter than
    independent ones, at least 1. answer_seconds: how long an answer takes, at least 0. Query classes share the requests
    evenly.
    """

    rate: float
    baseline_em: float
    em_loss: float
    discordance: float = 0.06
    dispersion: float = 1.0
    answer_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on Exact Match. side: which. stratum: index of its query class, None for all requests. line: log e-value
    at which it is made. walk: how its bets move, with a column for each stage."""

    side: Side
    stratum: int | None
    line: float
    walk: Walk


class Watched:
    """Stages that are judged alike, with what is to be shown in them and how traffic moves the evidence."""

    def __init__(
        self,
        plan: Plan,
        spec: PolicySpec,
        supposed: SupposedTraffic,
        stages: Sequence[Stage],
        first: int,
        objective: Objective,
    ) -> None:
        self.plan, self.rollout, self.supposed = plan, spec.rollout, supposed
        self.stages, self.objective = stages, objective
        self.may_promote = stages[-1].kind is StageKind.SPLIT or not spec.delivery.traits.moves_traffic
        self.strata = 1 + len(objective.classes)
        self.on_pairs = objective.basis is Basis.PAIRS
        self.arms = [self._arms(stage) for stage in stages]
        self.rates = np.array([(each.baseline, each.candidate) for each in self.arms])
        self.variances = np.array([self.variance(stage) for stage in range(len(stages))])
        self.losses = [loss_to_refute(plan, first + index) for index in range(len(stages))]
        self.claims = list(self._claims())
        self.least = np.array([stage.minimum_seconds for stage in stages], float)
        self.dispersion = SupposedDispersion.of(objective, supposed.dispersion)

    def _arms(self, stage: Stage) -> Arms:
        """Answers a second; of pairs, as many of each."""
        told, count = self.supposed, len(self.plan.names)
        rates = told.baseline_em, told.baseline_em - told.em_loss, told.dispersion
        if self.on_pairs:
            return Arms(told.rate, told.rate, *rates)
        baseline = told.rate * (100 - count * stage.weight) / 100
        return Arms(baseline, told.rate * stage.weight / 100, *rates)

    def begin(self, numbers: Numbers, begun: Floats) -> Paths:
        """Rollouts of these numbers before their first look here; begun: when these stages begin, for each."""
        bets = [len(each.walk.stake) for each in self.claims]
        return Paths.begin(numbers, begun, begun + self.rollout.settle_seconds, bets)

    def variance(self, stage: int) -> float:
        """Variance a second of what all bets share, in all strata together."""
        arms, told = self.arms[stage], self.supposed
        if self.on_pairs:
            return told.dispersion * told.rate * (told.discordance - told.em_loss**2)
        return arms.variance

    def _claims(self) -> Iterator[Claim]:
        objective, risks = self.objective, self.objective.harm_risks
        promote = objective.risk_promote / len(self.plan.names)
        yield self._claim(Side.PROMOTE, None, objective.margin, promote)
        yield self._claim(Side.HARM, None, objective.margin, risks.exact_match)
        for index, each in enumerate(objective.classes):
            yield self._claim(Side.HARM, index, each.margin, risks.guardrails[class_claim(each.name)])
            if objective.require_each:
                yield self._claim(Side.PROMOTE, index, each.margin, promote)

    def _claim(self, side: Side, stratum: int | None, margin: float, risk: float) -> Claim:
        part = 1.0 if stratum is None else 1 / self.strata
        walks = [self._walk(arms, part, margin, side) for arms in self.arms]
        drift, stake = (np.column_stack([getattr(each, name) for each in walks]) for name in ("drift", "stake"))
        return Claim(side, stratum, -log(risk) if risk > 0 else inf, Walk(drift, stake, walks[0].log_weights))

    def _walk(self, arms: Arms, part: float, margin: float, side: Side) -> Walk:
        told, dispersion = self.supposed, self.objective.dispersion
        if self.on_pairs:
            worse, better = (told.discordance + told.em_loss) / 2, (told.discordance - told.em_loss) / 2
            return on_pairs(told.rate, worse, better, margin, side, dispersion)
        own = Arms(part * arms.baseline, part * arms.candidate, arms.rate_b, arms.rate_c, arms.scatter)
        return on_answers(own, margin, side, dispersion)
