"""A policy on made-up traffic: the very same kernel and evidence, fed by a random stream instead of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log, sqrt

from numpy.random import Generator

from earlystop.api.counts import ClassAnswers, Pairs, Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import Basis
from earlystop.rollout.grid import next_look
from earlystop.rollout.kernel import expire, start_campaign, take_look, weights_in_force
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import TRYING, RolloutState, Totals


@dataclass(frozen=True, slots=True)
class World:
    """The traffic that a policy meets, and the truth about its candidate.

    rate: requests a second, > 0. baseline_em: 0..1. em_loss: baseline's EM minus the candidate's, so that both lie in
    0..1. mean_tokens: of the baseline, > 0; spread: standard deviation over mean of both, >= 0. saving: share of
    tokens that the candidate saves, < 1. Query classes share the requests evenly, each with this EM and loss.
    discordance: share of the questions that just one variant answers right, at least the loss, where EM is read from
    pairs: then one pair comes with each request of the candidate. Raises ValueError outside these domains.
    """

    rate: float = 10.0
    baseline_em: float = 0.80
    em_loss: float = 0.0
    mean_tokens: float = 600.0
    spread: float = 0.8
    saving: float = 0.3
    discordance: float = 0.06

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.mean_tokens <= 0 or self.spread < 0 or self.saving >= 1:
            raise ValueError("rate and mean tokens must be above 0, the spread at least 0, the saving below 1")
        if not (0 <= self.baseline_em <= 1 and 0 <= self.baseline_em - self.em_loss <= 1):
            raise ValueError("the EM of the baseline, and that minus the loss, must lie between 0 and 1")
        if not abs(self.em_loss) <= self.discordance <= 1:
            raise ValueError(f"the discordance is {self.discordance}; write at least the loss, and at most 1")


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
    objective = parse_plan(state.plan).objective
    nothing = totals = Totals(classes=(ClassAnswers(),) * len(objective.classes))
    while state.phase in TRYING:
        if state.step_started_at is None:
            state, totals = weights_in_force(state, now), nothing
        at = next_look(spec, state)
        assert at is not None  # a step whose weights are in force is watched
        weight = parse_plan(state.plan).stage(state.step).weight / 100
        totals = _more(totals, world, random, at - now, weight)
        if objective.basis is Basis.PAIRS:
            totals = _paired(totals, world, random)
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
    baseline = _requests(random, arrivals[0], world.baseline_em, world.mean_tokens, world.spread)
    candidate = _requests(random, arrivals[1], world.baseline_em - loss, world.mean_tokens * keep, world.spread)
    classes = _by_class(random, baseline, candidate, len(totals.classes))
    return Totals(
        totals.baseline + baseline,
        totals.candidate + candidate,
        tuple(
            ClassAnswers(*(mine + more for mine, more in zip(known, new, strict=True)))
            for known, new in zip(totals.classes, classes, strict=True)
        ),
    )


def _by_class(random: Generator, baseline: Tally, candidate: Tally, named: int) -> list[ClassAnswers]:
    """The answers of each named class; those of the other requests, as many as of one class, are left over."""
    shares = [1 / (named + 1)] * (named + 1)
    columns = [
        random.multinomial(count, shares)[:named].tolist()
        for count in (baseline.match, baseline.mismatch, candidate.match, candidate.mismatch)
    ]
    return [ClassAnswers(*row) for row in zip(*columns, strict=True)]


def _paired(totals: Totals, world: World, random: Generator) -> Totals:
    """The totals with one pair for each request that the candidate has had."""
    known = totals.candidate.pairs
    worse = (world.discordance + world.em_loss) / 2
    better = world.discordance - worse
    right = max(0.0, world.baseline_em - worse)
    shares = (right, worse, better, max(0.0, 1 - right - worse - better))
    new = random.multinomial(totals.candidate.completed - known.total, [each / sum(shares) for each in shares]).tolist()
    pairs = known.plus(Pairs(*new))._asdict()
    return replace(
        totals, candidate=replace(totals.candidate, **{f"pairs_{name}": count for name, count in pairs.items()})
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
