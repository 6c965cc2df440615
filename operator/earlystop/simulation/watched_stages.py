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
    at which it is made. walk: how its bets move, with a column for each stage of each supposition."""

    side: Side
    stratum: int | None
    line: float
    walk: Walk


class Watched:
    """Stages that are judged alike, with what is to be shown in them and how traffic moves the evidence.

    Where several things are supposed, each has a column for each stage, one after the other: in `arms`, `shares`
    (answers a second of both variants and their rates of right ones, a row each), `variances` and the claims' walks.
    """

    def __init__(
        self,
        plan: Plan,
        spec: PolicySpec,
        suppositions: Sequence[SupposedTraffic],
        stages: Sequence[Stage],
        first: int,
        objective: Objective,
        runs: int,
    ) -> None:
        """suppositions: at least one; they differ in loss and discordance alone. runs: rollouts of each."""
        self.plan, self.rollout, self.runs = plan, spec.rollout, runs
        self.suppositions, self.supposed = suppositions, suppositions[0]
        self.stages, self.objective = stages, objective
        self.may_promote = stages[-1].kind is StageKind.SPLIT or not spec.delivery.traits.moves_traffic
        self.strata = 1 + len(objective.classes)
        self.on_pairs = objective.basis is Basis.PAIRS
        each_with_stage = [(told, stage) for told in suppositions for stage in stages]
        self.arms = [self._arms(told, stage) for told, stage in each_with_stage]
        self.shares = np.array([(each.baseline, each.candidate, each.rate_b, each.rate_c) for each in self.arms]).T
        self.variances = np.array(
            [self._variance(told, arms) for (told, _), arms in zip(each_with_stage, self.arms, strict=True)]
        )
        self.losses = [loss_to_refute(plan, first + index) for index in range(len(stages))]
        self.claims = list(self._claims())
        self.is_harm = np.array([each.side is Side.HARM for each in self.claims])
        self.least = np.array([stage.minimum_seconds for stage in stages], float)
        self.dispersion = SupposedDispersion.of(objective, self.supposed.dispersion)

    def _arms(self, told: SupposedTraffic, stage: Stage) -> Arms:
        """Answers a second; of pairs, as many of each."""
        count = len(self.plan.names)
        rates = told.baseline_em, told.baseline_em - told.em_loss, told.dispersion
        if self.on_pairs:
            return Arms(told.rate, told.rate, *rates)
        baseline = told.rate * (100 - count * stage.weight) / 100
        return Arms(baseline, told.rate * stage.weight / 100, *rates)

    def begin(self, numbers: Numbers, begun: Floats) -> Paths:
        """Rollouts of these numbers before their first look here; begun: when these stages begin, for each."""
        bets = [len(each.walk.stake) for each in self.claims]
        base = numbers // self.runs * len(self.stages)
        return Paths.begin(numbers, base, begun, begun + self.rollout.settle_seconds, bets)

    def _variance(self, told: SupposedTraffic, arms: Arms) -> float:
        """Variance a second of what all bets share, in all strata together."""
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
        walks = [
            self._walk(self.suppositions[at // len(self.stages)], arms, part, margin, side)
            for at, arms in enumerate(self.arms)
        ]
        drift, stake = (np.column_stack([getattr(each, name) for each in walks]) for name in ("drift", "stake"))
        return Claim(side, stratum, -log(risk) if risk > 0 else inf, Walk(drift, stake, walks[0].log_weights))

    def _walk(self, told: SupposedTraffic, arms: Arms, part: float, margin: float, side: Side) -> Walk:
        dispersion = self.objective.dispersion
        if self.on_pairs:
            worse, better = (told.discordance + told.em_loss) / 2, (told.discordance - told.em_loss) / 2
            return on_pairs(told.rate, worse, better, margin, side, dispersion)
        own = Arms(part * arms.baseline, part * arms.candidate, arms.rate_b, arms.rate_c, arms.scatter)
        return on_answers(own, margin, side, dispersion)
