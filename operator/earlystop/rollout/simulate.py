"""A policy on made-up traffic: the very same kernel and evidence, fed by a random stream instead of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, sqrt

from numpy.random import Generator

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.grid import next_look
from earlystop.rollout.kernel import expire, start_campaign, take_look, weights_in_force
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import TRYING, RolloutState, Totals


@dataclass(frozen=True, slots=True)
class World:
    """The traffic that a policy meets, and the truth about its candidate.

    rate: requests a second, > 0. baseline_em: 0..1. em_loss: baseline's EM minus the candidate's, so that both lie in
    0..1. mean_tokens: of the baseline, > 0; spread: standard deviation over mean of both, >= 0. saving: share of
    tokens that the candidate saves, < 1. Raises ValueError, naming the field, outside these domains.
    """

    rate: float = 10.0
    baseline_em: float = 0.80
    em_loss: float = 0.0
    mean_tokens: float = 600.0
    spread: float = 0.8
    saving: float = 0.3

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.mean_tokens <= 0 or self.spread < 0 or self.saving >= 1:
            raise ValueError("rate and mean tokens must be above 0, the spread at least 0, the saving below 1")
        if not (0 <= self.baseline_em <= 1 and 0 <= self.baseline_em - self.em_loss <= 1):
            raise ValueError("the EM of the baseline, and that minus the loss, must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one simulated rollout ended: the verdict and its reason, answers that were evidence, seconds it took."""

    verdict: str
    reason: str
    answers: int
    seconds: int


def simulate(spec: PolicySpec, world: World, random: Generator, runs: int) -> Iterator[Outcome]:
    """So many rollouts of the policy, one after the other, all from the same source of randomness."""
    spec = spec.model_copy(update={"suspend": False})
    for _ in range(runs):
        yield _rollout(spec, world, random)


def _rollout(spec: PolicySpec, world: World, random: Generator) -> Outcome:
    now = 0
    state = start_campaign(spec, "simulated", "", "", RolloutState(), now)
    totals = Totals()
    while state.phase in TRYING:
        if state.step_started_at is None:
            state, totals = weights_in_force(state, now), Totals()
        at = next_look(spec, state)
        assert at is not None  # a step whose weights are in force is watched
        weight = parse_plan(state.plan).weights[state.step] / 100
        totals = _more(totals, world, random, at - now, weight)
        now = at
        state = take_look(spec, state, now, totals)
        state = expire(spec, state, now)
    assert state.decision is not None  # nothing else ends the loop
    answers = sum(look.baseline.scored + look.candidate.scored for look in state.looks)
    return Outcome(state.decision.verdict.value, state.decision.reason, answers, now)


def _more(totals: Totals, world: World, random: Generator, seconds: int, weight: float) -> Totals:
    """The totals after more requests: Poisson arrivals, each to the candidate with the weight's probability."""
    loss, keep = world.em_loss, 1 - world.saving
    arrivals = [random.poisson(world.rate * seconds * share) for share in (1 - weight, weight)]
    return Totals(
        totals.baseline + _requests(random, arrivals[0], world.baseline_em, world.mean_tokens, world.spread),
        totals.candidate
        + _requests(random, arrivals[1], world.baseline_em - loss, world.mean_tokens * keep, world.spread),
    )


def _requests(random: Generator, count: int, em: float, mean: float, spread: float) -> Tally:
    """Requests that all complete; their lengths are log-normal, at least one token each."""
    variance = log(1 + spread**2)
    lengths = random.lognormal(log(mean) - variance / 2, sqrt(variance), count).round().clip(1)
    match = int(random.binomial(count, em))
    return Tally(
        started=count,
        completed=count,
        match=match,
        mismatch=count - match,
        tokens=int(lengths.sum()),
        tokens_squared=int((lengths**2).sum()),
    )
