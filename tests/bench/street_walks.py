"""Campaigns at the border through the real transitions: sessions at a small weight, and a mix that moves with the ramp.

Time goes in ticks of `TICK` seconds; looks come by the operator's own schedule, which doubles their spacing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from earlystop.api.counts import ClassAnswers, Tally
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import TRYING, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.transitions import expire, weights_in_force
from tests.unit.rollout.policies import NOW, UID, policy

MARGIN, RATE, TICK, REQUESTS = 0.02, 0.85, 15, 200
TOLERANCE = MARGIN / 10
TOKENS = (300, 150)
"""Of each answer, so that only Exact Match is in question."""
EASY_HARD, HARD_LOSES = np.array([0.97, 0.55]), np.array([0.0, 0.04])


class Stream(Protocol):
    """The requests of one campaign."""

    def serve(self, tick: int, weight: int, *, first: bool) -> Totals:
        """What a tick adds to the counts. weight: of the candidate, in percent; first: whether its step begins."""

    def loss(self, tick: int) -> float:
        """How much Exact Match the candidate loses on the requests of a tick, 0..1."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A kind of traffic. steps, hours: of the policy, and its deadline; objective: changes to it; stream: of one
    campaign; by_requests: whether what was lost is the mean over all requests, each of which counts as much."""

    steps: Sequence[Mapping[str, int]]
    hours: float
    stream: Callable[[np.random.Generator], Stream]
    objective: Mapping[str, Any]
    by_requests: bool = False


class Ended(NamedTuple):
    """How a campaign ended. lost: on average over its requests; lost_by_weight: the same, where a request counts by how
    much a look of its step says, w (1 - w) at a weight w."""

    verdict: Verdict
    lost: float
    lost_by_weight: float

    def is_wrong(self, lost: float) -> bool:
        """Whether the verdict is false, if so much was lost."""
        if self.verdict is Verdict.PROMOTE:
            return lost >= MARGIN - TOLERANCE
        return self.verdict is Verdict.ROLL_BACK and lost <= MARGIN + TOLERANCE


class Sessions:
    """Sessions that last so many ticks and ask once in each; those of a step draw their variant when they begin."""

    def __init__(self, rng: np.random.Generator, ticks: int, likeness: tuple[float, float]) -> None:
        self._rng, self._ticks, self._strength = rng, ticks, 1 / np.array(likeness) - 1
        self._left = rng.integers(1, ticks + 1, REQUESTS)
        self._arm = np.zeros(REQUESTS, dtype=np.int64)
        self._rate = np.zeros(REQUESTS)

    def serve(self, tick: int, weight: int, *, first: bool) -> Totals:
        """As `Stream` has it."""
        new = np.ones(REQUESTS, dtype=bool) if first else self._left == 0
        self._left[self._left == 0] = self._ticks
        self._arm[new] = self._rng.random(int(new.sum())) < weight / 100
        mean, strength = np.array([RATE, RATE - MARGIN])[self._arm[new]], self._strength[self._arm[new]]
        self._rate[new] = self._rng.beta(mean * strength, (1 - mean) * strength)
        is_right = self._rng.random(REQUESTS) < self._rate
        self._left -= 1
        answers, match = np.bincount(self._arm, minlength=2), np.bincount(self._arm[is_right], minlength=2)
        baseline, candidate = (tally(int(answers[arm]), int(match[arm]), arm) for arm in (0, 1))
        return Totals(baseline, candidate)

    def loss(self, tick: int) -> float:
        """As `Stream` has it."""
        return MARGIN


class MovingMix:
    """Easy and hard questions, of which a candidate loses hard ones alone. hard: their share in each tick. named:
    whether the policy names them as query classes."""

    def __init__(self, rng: np.random.Generator, hard: Callable[[int], float], *, named: bool = True) -> None:
        self._rng, self._hard, self._named = rng, hard, named

    def serve(self, tick: int, weight: int, *, first: bool) -> Totals:
        """As `Stream` has it."""
        hard = int(self._rng.binomial(REQUESTS, self._hard(tick)))
        both = np.array([REQUESTS - hard, hard])
        n_c = self._rng.binomial(both, weight / 100)
        n_b = both - n_c
        x_b, x_c = self._rng.binomial(n_b, EASY_HARD), self._rng.binomial(n_c, EASY_HARD - HARD_LOSES)
        rows = zip(x_b.tolist(), (n_b - x_b).tolist(), x_c.tolist(), (n_c - x_c).tolist(), strict=True)
        arms = tally(int(n_b.sum()), int(x_b.sum()), 0), tally(int(n_c.sum()), int(x_c.sum()), 1)
        return Totals(*arms, tuple(ClassAnswers(*row) for row in rows) if self._named else ())

    def loss(self, tick: int) -> float:
        """As `Stream` has it."""
        return float(HARD_LOSES[1] * self._hard(tick))


def tally(answers: int, match: int, arm: int) -> Tally:
    """Counts of one variant, all of whose requests were answered and scored."""
    tokens = TOKENS[arm]
    lengths = {"tokens": tokens * answers, "tokens_squared": tokens * tokens * answers * 5 // 4}
    return Tally(started=answers, completed=answers, match=match, mismatch=answers - match, **lengths)


AN_HOUR_AT_1 = [{"weight": 1, "minimumSeconds": 3600}, {"weight": 50}]
CLASSES = {"queryClasses": [{"name": "easy", "margin": "0.2"}, {"name": "hard", "margin": "0.2"}]}
OVER_REQUESTS = "hard questions while the candidate has 1 %, easy ones at 50 %, over all requests"
MIXED = {"exactMatch": {"margin": str(MARGIN)}, **CLASSES}
UNNAMED = "hard questions while the candidate has 1 %, easy ones at 50 %, over all requests, without query classes"
RISING = "hard questions while the candidate has 1 %, easy ones at 50 %, judged by weight"


def _hard_first(tick: int) -> float:
    """The share of hard questions: nearly all for an hour, and then nearly none."""
    return 0.99 if tick < 245 else 0.01


def _sessions(ticks: int, likeness: tuple[float, float], weight: int) -> Walk:
    learned = {"exactMatch": {"margin": str(MARGIN), "assumeIndependent": None}}
    return Walk([{"weight": weight}], 5, lambda rng: Sessions(rng, ticks, likeness), learned)


KINDS: dict[str, Walk] = {
    "sessions of 10 ticks at 10 %, likeness 0.3": _sessions(10, (0.3, 0.3), 10),
    "sessions of 10 ticks at 10 %, likeness 0.1 and 0.5": _sessions(10, (0.1, 0.5), 10),
    RISING: Walk(AN_HOUR_AT_1, 4, lambda rng: MovingMix(rng, _hard_first), MIXED),
    OVER_REQUESTS: Walk(AN_HOUR_AT_1, 4, lambda rng: MovingMix(rng, _hard_first), MIXED, by_requests=True),
}
BEYOND: dict[str, Walk] = {
    UNNAMED: Walk(
        AN_HOUR_AT_1,
        4,
        lambda rng: MovingMix(rng, _hard_first, named=False),
        {"exactMatch": MIXED["exactMatch"]},
        by_requests=True,
    )
}
"""A mix that nobody names is not seen to move."""


def campaign(walk: Walk, rng: np.random.Generator) -> Ended:
    """One campaign to its end."""
    rollout = {"lookSeconds": TICK, "settleSeconds": 30, "deadlineSeconds": round(3600 * walk.hours)}
    spec = policy({"rollout": {**rollout, "steps": list(walk.steps)}, "objective": dict(walk.objective)})
    times, stream, tick, served = LiveTimes.of(spec), walk.stream(rng), 0, list[tuple[float, int]]()
    state = start_campaign(spec, "", RolloutState(), NOW, CampaignInputs(uid=UID, entropy=str(rng.integers(1 << 40))))
    counted, begins = Totals(), True
    while state.phase in TRYING:
        if state.phase is Phase.APPLYING:
            state, counted, begins = weights_in_force(state, NOW + TICK * tick), Totals(), True
        due, weight = next_look(times, state), state.pinned_plan.stage(state.step).weight
        assert due is not None  # it is watched until it is decided
        while NOW + TICK * tick < due:
            counted = _plus(counted, stream.serve(tick, weight, first=begins))
            served.append((stream.loss(tick), weight))
            tick, begins = tick + 1, False
        state = expire(times, take_look(times, state, due, counted, in_flight=(0, 0)), due)
    assert state.decision is not None  # it is over
    losses, weights = np.array(served).T
    by_weight = weights * (100 - weights)
    return Ended(state.decision.verdict, float(losses.mean()), float(losses @ by_weight / by_weight.sum()))


def _plus(one: Totals, other: Totals) -> Totals:
    before = one.classes or (ClassAnswers(),) * len(other.classes)
    both = (zip(*pair, strict=True) for pair in zip(before, other.classes, strict=True))
    classes = tuple(ClassAnswers(*(known + new for known, new in pairs)) for pairs in both)
    return Totals(one.baseline + other.baseline, one.candidate + other.candidate, classes)


def ended(kind: str, runs: int, seed: int) -> list[Ended]:
    """So many campaigns of a kind."""
    known = {**KINDS, **BEYOND}
    number = list(known).index(kind)
    return [campaign(known[kind], np.random.default_rng([seed, number, run])) for run in range(runs)]


def errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that were promoted, and rolled back, wrongly: a request counts by what its look says, unless
    the kind says otherwise."""
    by_requests = {**KINDS, **BEYOND}[kind].by_requests
    found = ended(kind, runs, seed)
    wrong = [each.verdict for each in found if each.is_wrong(each.lost if by_requests else each.lost_by_weight)]
    return wrong.count(Verdict.PROMOTE) / runs, wrong.count(Verdict.ROLL_BACK) / runs
