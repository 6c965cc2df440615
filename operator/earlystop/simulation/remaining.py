"""How long a rollout under way still takes: the arithmetic of a plan, begun from the evidence that it has.

The rollouts of `forecast` begin anew; these begin where the campaign stands. Their bets have the capital that the
campaign's have, their step has the answers that its step has, and traffic goes on as it came in the looks so far. How
much Exact Match the candidate loses is not known: it is drawn from what the looks say of it, about normal.

The evidence of tokens goes on as fast as it has grown so far: logarithms of capital whose drift is half their variance
reach a line after an inverse Gaussian time. Guardrails and the floor are taken to hold.

Of several candidates each is drawn by itself, at the shares that it has now; `remaining_together.py` says when they
have a verdict together. A trial of a search ends at the latest when it has had the requests that it may go on to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import inf, log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.random import default_rng

from earlystop.api.counts import Look, total
from earlystop.api.policy import PolicySpec
from earlystop.evidence.bets import Side
from earlystop.evidence.engine import EvidenceState
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.pairs import PairsProcess
from earlystop.evidence.tokens import TokenProcess
from earlystop.rollout.evidence_history import history_of
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.plan import Stage, StageKind
from earlystop.rollout.search.worth import MOST_TIMES
from earlystop.rollout.state import Comparison, RolloutState
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.trials.deadline import latest_end
from earlystop.simulation.forecast import RolloutForecast, follow, seconds_to_learn
from earlystop.simulation.paths import Numbers, Paths
from earlystop.simulation.random_walk import Arms, Floats, add_against_loss, on_pairs
from earlystop.simulation.remaining_time import LEAST_LOG_E, Remaining, forecast_of, may_save
from earlystop.simulation.remaining_together import Drawn, summed, together
from earlystop.simulation.supposed_dispersion import SupposedDispersion
from earlystop.simulation.watched_stages import Claim, SupposedTraffic, Watched

RUNS, SEED = 40, 1
"""Forecasts for each supposed loss. The same state is told the same each time."""
PARTS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Quantiles of the loss, as the looks so far have it, at which rollouts are drawn."""
EDGE = 1e-3
"""Rates are supposed to be no nearer to 0 and to 1, where nothing would vary."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the looks of a comparison show. baseline, candidate: scored answers, or pairs as both. right_b, right_c:
    rates of right ones, 0..1. rate: scored answers of all users, or pairs, a second. discordance: share of pairs that
    just one variant answers right."""

    baseline: int
    candidate: int
    right_b: float
    right_c: float
    rate: float = 0.0
    discordance: float = 0.0

    @property
    def loss(self) -> float:
        """Exact Match that the candidate lost."""
        return self.right_b - self.right_c

    def error(self, scatter: float, *, on_pairs: bool) -> float:
        """Standard error of the loss."""
        if on_pairs:
            return sqrt(scatter * max(self.discordance, 1 / self.candidate) / self.candidate)
        own, other = self.right_c * (1 - self.right_c), self.right_b * (1 - self.right_b)
        return sqrt(scatter * (own / self.candidate + other / self.baseline))


def remaining(
    spec: PolicySpec, state: RolloutState, now: float, runs: int = RUNS, seed: int = SEED
) -> Remaining | None:
    """How long a campaign still takes at Unix time `now`; None where nobody can say.

    `remaining_time.obstacle` says of most why. Nobody can either before some evidence of a saving, nor while the
    comparison is not sound.

    spec: of the policy now, whose live times go on. runs: forecasts for each supposed loss.
    """
    drawn = [_drawn(spec, state, each, now, runs, seed + at) for at, each in enumerate(forecast_of(state))]
    known = [each for each in drawn if each is not None]
    if not known or len(known) < len(drawn):
        return None
    left = latest_end(spec.rollout.deadline_seconds, state) - now
    left = min(left, _seconds_of_trial(state, known[0].rate))
    if len(known) > 1:
        return together(known, left, default_rng(seed))
    return summed(known[0].seconds, known[0].verdicts, left)


def _drawn(
    spec: PolicySpec, state: RolloutState, comparison: Comparison, now: float, runs: int, seed: int
) -> Drawn | None:
    """When the forecasts of one candidate have a verdict, in seconds from now; None where nobody can say."""
    seen = _seen(comparison)
    if seen is None:
        return None
    objective = comparison.evidence.objective
    on_pairs, factor = objective.basis is Basis.PAIRS, comparison.evidence.dispersion.factor
    loss = NormalDist(seen.loss, max(1e-6, seen.error(factor, on_pairs=on_pairs)))
    elapsed = now - state.campaign_started_at
    seconds, ends = _forecast(spec, state, comparison, seen, [loss.inv_cdf(part) for part in PARTS], runs, seed)
    left = seconds - elapsed
    looks = comparison.looks
    drawn = Drawn(left, ends, comparison.assessment.saving, looks[-1].at - looks[0].at, seen.rate)
    if comparison.certified_at is not None:
        at_next_look = max(0.0, looks[-1].at + spec.rollout.look_seconds - now)
        return replace(drawn, seconds=np.full(len(left), at_next_look), verdicts=np.ones(len(left), np.int64))
    if not may_save(comparison):
        ends[ends > 0] = 0
    saved = _seconds_to_save(comparison, now, len(left), seed)
    return None if saved is None else replace(drawn, seconds=np.where(ends > 0, np.maximum(left, saved), left))


def _seconds_of_trial(state: RolloutState, rate: float) -> float:
    """Seconds until a trial of a search has had the requests that it may go on to; inf outside of one. rate: answers of
    all users a second, which its baseline and its candidate share with the setting that serves."""
    trial, served = state.pinned_plan.trial, incumbent_weight(state)
    if trial is None:
        return inf
    had = max(started_in(each.looks) for each in state.comparisons)
    return max(0.0, MOST_TIMES * trial.requests - had) / (rate * (100 - served) / 100)


def _seconds_to_save(comparison: Comparison, now: float, runs: int, seed: int) -> Floats | None:
    """Seconds from now until the saving of tokens is shown in each forecast; None where nothing speaks for it yet."""
    assessed, looks = comparison.assessment, comparison.looks
    if assessed.saves_tokens or not may_save(comparison):
        return np.zeros(runs)
    if assessed.log_e.tokens < LEAST_LOG_E:
        return None
    before = [look.at for look, value in zip(looks, history_of(comparison).tokens, strict=True) if value == 0]
    left = -log(comparison.evidence.objective.risk_promote) - assessed.log_e.tokens
    drift = assessed.log_e.tokens / max(1, looks[-1].at - (before or [looks[0].at])[-1])
    left = max(left, LEAST_LOG_E)
    return default_rng(seed).wald(left / drift, left**2 / (2 * drift), runs) - (now - looks[-1].at)


def _seen(comparison: Comparison) -> _Seen | None:
    """What its looks show; None where that is too little."""
    looks, on_pairs = comparison.looks, comparison.evidence.objective.basis is Basis.PAIRS
    spans = [(later, later.at - look.at) for look, later in pairwise(looks) if later.step == look.step]
    seconds = sum(gap for _, gap in spans)
    judged = sum(look.candidate.pairs.total if on_pairs else _scored(look) / _part(look) for look, _ in spans)
    counts = _of_pairs(looks) if on_pairs else _of_answers(looks)
    if not judged or not seconds:
        return None
    return replace(counts, rate=judged / seconds)


def _scored(look: Look) -> int:
    return look.baseline.scored + look.candidate.scored


def _part(look: Look) -> float:
    """Of all requests that the two variants of a look had, beside other candidates or a setting that serves."""
    return 1.0 if look.baseline_weight is None else max(1, look.baseline_weight + look.weight) / 100


def _of_answers(looks: Sequence[Look]) -> _Seen:
    baseline, candidate = total([each.baseline for each in looks]), total([each.candidate for each in looks])
    right = baseline.match / max(1, baseline.scored), candidate.match / max(1, candidate.scored)
    return _Seen(baseline.scored, candidate.scored, *map(_inside, right))


def _of_pairs(looks: Sequence[Look]) -> _Seen:
    found = total([each.candidate for each in looks]).pairs
    number = max(1, found.total)
    return _Seen(
        baseline=found.total,
        candidate=found.total,
        right_b=_inside((found.both + found.baseline_only) / number),
        right_c=_inside((found.both + found.candidate_only) / number),
        discordance=_inside((found.baseline_only + found.candidate_only) / number),
    )


def _inside(rate: float) -> float:
    return min(1 - EDGE, max(EDGE, rate))


class _Present(Watched):
    """Stages with the shares that the candidate of a campaign under way has in them."""

    def __init__(self, state: RolloutState, name: str, *given: Any) -> None:
        self.state, self.name = state, name
        super().__init__(*given)

    def _arms(self, told: SupposedTraffic, stage: Stage) -> Arms:
        arms, trial = super()._arms(told, stage), self.plan.trial
        if self.on_pairs or (len(self.plan.names) == 1 and self.plan.incumbent is None):
            return arms
        if trial is not None:
            shares = trial.baseline_weight(stage.weight), stage.weight
        else:
            percents = weights(self.state)
            assert percents is not None  # a campaign has begun
            shares = percents[0], percents[1 + self.plan.names.index(self.name)]
        baseline, candidate = (told.rate * max(1, share) / 100 for share in shares)
        return replace(arms, baseline=baseline, candidate=candidate)


def _beside_others(objective: Objective, state: RolloutState, comparison: Comparison) -> Objective:
    """The objective at the risk that closed testing leaves a candidate: a share for itself and for each of the others
    that seems to lose more than the margin, since nothing will ever be shown of them."""
    if len(state.comparisons) == 1:
        return objective
    others = [each for each in state.comparisons if each.name != comparison.name]
    hopeless = sum(each.dropped is not None or (_loss(each) or 0.0) >= objective.margin for each in others)
    # `Watched` shares the risk among all candidates of the plan.
    return replace(objective, risk_promote=min(0.999, objective.risk_promote * len(state.comparisons) / (1 + hopeless)))


def _loss(comparison: Comparison) -> float | None:
    seen = _seen(comparison)
    return None if seen is None else seen.loss


def _forecast(
    spec: PolicySpec,
    state: RolloutState,
    comparison: Comparison,
    seen: _Seen,
    losses: Sequence[float],
    runs: int,
    seed: int,
) -> tuple[Floats, Numbers]:
    """Seconds from the campaign's beginning to the verdict of each forecast, and which verdict: `runs` for each
    supposed loss, one loss after the other."""
    plan, random, number = state.pinned_plan, default_rng(seed), runs * len(losses)
    suppositions = [_supposed(seen, each) for each in losses]
    told = RolloutForecast(np.zeros(number, np.int64), np.full(number, inf), np.zeros(number), np.zeros(number))
    alive, begun = np.arange(number), np.zeros(number)
    deadline = latest_end(spec.rollout.deadline_seconds, state) - state.campaign_started_at
    # Each candidate that was dropped began another step of the last stage.
    present = min(state.step, len(plan.stages) - 1)
    stages = list(enumerate(plan.stages))
    for kind, group in groupby(stages, key=lambda each: each[1].kind):
        numbered = list(group)
        if numbered[-1][0] < present:
            continue
        if kind is StageKind.LEARN:
            begun = begun + seconds_to_learn(spec, numbered[0][1])
            continue
        first, alike = numbered[0][0], [stage for _, stage in numbered]
        objective = _beside_others(plan.objective_at(first, state.dispersion), state, comparison)
        watched = _Present(state, comparison.name, plan, spec, suppositions, alike, first, objective, runs)
        paths = watched.begin(alive, begun)
        if first <= present:
            _stand(paths, watched, state, comparison, seen, present - first)
        alive, begun = follow(watched, random, paths, told, deadline)
    return told.seconds, told.verdict


def _supposed(seen: _Seen, loss: float) -> SupposedTraffic:
    loss = seen.right_b - _inside(seen.right_b - loss)
    return SupposedTraffic(seen.rate, seen.right_b, loss, max(seen.discordance, abs(loss) + EDGE))


def _stand(paths: Paths, watched: Watched, state: RolloutState, comparison: Comparison, seen: _Seen, step: int) -> None:
    """Let the paths stand where the campaign does. step: index of its step in the watched stages."""
    runs, looks, evidence = len(paths.number), comparison.looks, comparison.evidence
    since, settle = state.evidence_from, watched.rollout.settle_seconds
    latest = state.last_look_at or state.step_started_at or state.campaign_started_at
    started = (latest if since is None else since - settle) - state.campaign_started_at
    paths.step = np.full(runs, step)
    paths.started = np.full(runs, float(started))
    paths.last = np.full(runs, float(started + settle if since is None else latest - state.campaign_started_at))
    paths.looks = len(looks)
    if not looks:
        return
    paths.first = np.full(runs, float(looks[0].at - state.campaign_started_at))
    in_step = [each for each in looks if each.step == state.step]
    paths.in_step = np.full(runs, float(sum(min(_judged(each, watched)) for each in in_step)))
    paths.answers = np.full(runs, float(seen.baseline + seen.candidate))
    paths.candidate = np.full(runs, float(seen.candidate))
    paths.tokens.bets = np.full(runs, _bets_on_tokens(evidence.tokens))
    paths.capital = [np.tile(_capital(claim, evidence, watched)[:, None], (1, runs)) for claim in watched.claims]
    paths.most = np.stack([each.max(axis=0) for each in paths.capital])
    factor = evidence.dispersion.factor / watched.objective.dispersion
    watched.dispersion = SupposedDispersion(
        watched.dispersion.waits if not evidence.dispersion.is_known else 0,
        max(1.0, factor),
        max(1.0, factor),
        watched.dispersion.block,
    )
    _stand_against_loss(paths, watched, seen)


def _bets_on_tokens(tokens: TokenProcess) -> int:
    """How many blocks of lengths were bet on; 1 for any under version 1 of the engine, which compares no blocks."""
    if tokens.scale is None:
        return 0
    return 1 if tokens.blocks is None else 1 + tokens.blocks.scales[0].windows


def _judged(look: Look, watched: Watched) -> tuple[int, int]:
    """Answers of both variants in a look, or pairs as both."""
    pairs = look.candidate.pairs.total
    return (pairs, pairs) if watched.on_pairs else (look.baseline.scored, look.candidate.scored)


def _capital(claim: Claim, evidence: EvidenceState, watched: Watched) -> Floats:
    """The logarithm of the capital of each of a claim's bets, after the looks so far."""
    quality, side = evidence.quality, claim.side
    if claim.stratum is not None:
        processes = quality.harmed if side is Side.HARM else quality.certified
        return np.array(processes[claim.stratum].log_capital)
    process = quality.deciding(watched.objective.basis)[0 if side is Side.PROMOTE else 1]
    if not isinstance(process, PairsProcess):
        return np.array(process.log_capital)
    found, objective = process.pairs, watched.objective
    number = max(1, found.total)
    rates = found.baseline_only / number, found.candidate_only / number
    return found.total * on_pairs(1.0, *rates, objective.margin, side, objective.dispersion).drift


def _stand_against_loss(paths: Paths, watched: Watched, seen: _Seen) -> None:
    """What the looks say against the loss that the next step asks about, as if they had come at this step's split."""
    losses = np.array([each.em_loss for each in watched.suppositions])
    beyond = seen.candidate * (losses[paths.base // len(watched.stages)] - seen.loss)
    if watched.on_pairs:
        paths.against[0, 0], paths.against[0, 1] = seen.candidate, beyond
        return
    arms = watched.shares.take(paths.column, axis=1)
    paths.against += add_against_loss(
        arms,
        watched.objective.margin,
        watched.objective.dispersion,
        seen.candidate / arms[1],
        beyond,
        paths.candidate / 2,
    )
