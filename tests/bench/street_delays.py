"""Answers that take their time, wrong ones longer: campaigns at the border of the margin through the real transitions.

A step counts answers to its own requests only, so what is slow is missing at first. Each campaign draws every request
of both variants, with the second in which it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import MAXIMUM_LOOKS, next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.settling import SettleTimes
from earlystop.rollout.state import TRYING, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.transitions import expire, suspend_or_resume, weights_in_force
from tests.unit.rollout.policies import NOW, UID, policy

MARGIN, EXACT_MATCH, CHUNK_SECONDS = 0.02, 0.85, 900.0
TOKENS = (300, 150)
"""Of each answer of the baseline and of the candidate, so that only Exact Match is in question."""
AFTER_RAMP_SECONDS = 5400
FORMER = SettleTimes(least=60, longest=60, measured=False)
"""What a policy without `settleSeconds` waited before requests in flight were asked."""

STUCK_SECONDS = 2400.0

PAUSED_AT, OFF_AT, RESUMED_AT = 30, 840, 900
"""Seconds of a step at which it is paused, its overlay is taken off, and it goes on."""

Moments = NDArray[np.float64]
FOUR = (*({"weight": weight, "minimumSeconds": 600} for weight in (5, 10, 25)), {"weight": 50})
HALF = ({"weight": 50},)
TEN = (*({"weight": weight, "minimumSeconds": 300} for weight in range(5, 50, 5)), {"weight": 50})


@dataclass(frozen=True, slots=True)
class Delays:
    """Log-normal times of answers. means: seconds of right answers, of the baseline and of the candidate; sigma: of the
    logarithm; slower: how many times as long a wrong answer takes; rate: requests a second; steps: of the ramp; paused:
    whether each step is paused while it settles, and its overlay is off at the end of that; stuck: the share of wrong
    answers of each variant that take `STUCK_SECONDS` instead; burst: requests that come at once besides, each `every`
    seconds; swing: by which part of its mean the rate rises and falls, with the period `every`."""

    means: tuple[float, float]
    sigma: float
    slower: float
    steps: tuple[dict[str, int], ...] = FOUR
    rate: float = 40.0
    paused: bool = False
    stuck: tuple[float, float] = (0.0, 0.0)
    burst: int = 0
    swing: float = 0.0
    every: float = 300.0

    @property
    def spec(self) -> PolicySpec:
        """The policy, with time enough for the ramp."""
        longest = max(self.means) * (EXACT_MATCH + (1 - EXACT_MATCH) * self.slower)
        deadline = AFTER_RAMP_SECONDS + round(len(self.steps) * 30 * longest)
        deadline += sum(step.get("minimumSeconds", 0) for step in self.steps)
        rollout = {"steps": list(self.steps), "lookSeconds": 30, "settleSeconds": None, "deadlineSeconds": deadline}
        return policy({"rollout": rollout, "objective": {"exactMatch": {"margin": str(MARGIN)}}})


KINDS: dict[str, Delays] = {
    "answers of 15 and 5 s, sigma 0.5, wrong ones 2 times": Delays((15, 5), 0.5, 2),
    "15 and 5 s, sigma 1.2, wrong ones 3 times": Delays((15, 5), 1.2, 3),
    "15 and 5 s, sigma 1.2, 3 times, ten steps": Delays((15, 5), 1.2, 3, TEN),
    "5 and 15 s, sigma 1.2, 3 times, ten steps": Delays((5, 15), 1.2, 3, TEN),
    "40 and 10 s, sigma 0.8, 2 times": Delays((40, 10), 0.8, 2),
    "40 and 40 s, sigma 1.2, 3 times": Delays((40, 40), 1.2, 3),
    "15 and 5 s, sigma 1.2, 3 times, ten steps, 8 a second": Delays((15, 5), 1.2, 3, TEN, 8.0),
    "15 and 5 s, sigma 1.2, 3 times, ten steps, each paused": Delays((15, 5), 1.2, 3, TEN, paused=True),
    "15 and 5 s, 3 times, 500 at once every 5 minutes": Delays((15, 5), 0.5, 3, HALF, 5.0, burst=500),
    "5 and 15 s, 3 times, 500 at once every 5 minutes": Delays((5, 15), 0.5, 3, HALF, 5.0, burst=500),
    "40 and 10 s, 2 times, 2,000 at once every 10 minutes": Delays((40, 10), 0.5, 2, HALF, 5.0, burst=2000, every=600),
    "10 and 40 s, 2 times, 2,000 at once every 10 minutes": Delays((10, 40), 0.5, 2, HALF, 5.0, burst=2000, every=600),
}
BURSTS = tuple(kind for kind in KINDS if "at once" in kind)
BEYOND: dict[str, Delays] = {
    "10 s, but a seventh of the candidate's wrong answers 40 minutes": Delays((10, 10), 1.0, 1, stuck=(0.0, 1 / 7)),
    "10 s, but a seventh of the baseline's wrong answers 40 minutes": Delays((10, 10), 1.0, 1, stuck=(1 / 7, 0.0)),
    "15 and 5 s, 3 times, a load that swings by 90 % in 5 minutes": Delays((15, 5), 0.5, 3, HALF, swing=0.9),
    "5 and 15 s, 3 times, a load that swings by 90 % in 5 minutes": Delays((5, 15), 0.5, 3, HALF, swing=0.9),
    "15 and 5 s, 3 times, a load that swings by 50 % in 20 minutes": Delays(
        (15, 5), 0.5, 3, HALF, swing=0.5, every=1200
    ),
}
"""A tail that the wait for 25 mean times of an answer does not see, and swings in which as many requests are open on
the way up as on the way down, but not as many slow ones."""
PAUSED = Delays((15, 5), 1.2, 3, ({"weight": 50},), 400.0, paused=True)
"""One step with so much traffic that a look shows whether slow answers are missing from it."""
QUICK = ("40 and 10 s, sigma 0.8, 2 times",)
"""The kind that is quick to show that a wait of 60 s is too short."""


class Arm:
    """The requests of one variant in one step, drawn as time goes on. rate: a second; number: 0 for the baseline. None
    begins while the overlay is off."""

    def __init__(self, rng: np.random.Generator, delays: Delays, rate: float, exact_match: float, number: int) -> None:
        self._rng, self._delays, self._rate, self._exact_match = rng, delays, rate, exact_match
        self._mean, self._tokens, self._stuck = delays.means[number], TOKENS[number], delays.stuck[number]
        self._started, self._right, self._wrong = (np.empty(0) for _ in range(3))
        self._until = 0.0

    def tally(self, seconds: float) -> Tally:
        """What was counted so many seconds after the step's begin."""
        while self._until < seconds:
            self._draw()
        started, right, wrong = (
            int(np.searchsorted(each, seconds, "right")) for each in (self._started, self._right, self._wrong)
        )
        ended, tokens = right + wrong, self._tokens
        lengths = {"tokens": tokens * ended, "tokens_squared": tokens * tokens * ended}
        return Tally(started=started, completed=ended, match=right, mismatch=wrong, **lengths)

    def _draw(self) -> None:
        began = self._begun()
        count = len(began)
        is_right = self._rng.random(count) < self._exact_match
        sigma = self._delays.sigma
        took = np.exp(log(self._mean) - sigma * sigma / 2 + sigma * self._rng.standard_normal(count))
        took = took * np.where(is_right, 1.0, self._delays.slower)
        if self._stuck:
            took[~is_right & (self._rng.random(count) < self._stuck)] = STUCK_SECONDS
        ended = began + took
        self._started = _merged(self._started, began)
        self._right, self._wrong = _merged(self._right, ended[is_right]), _merged(self._wrong, ended[~is_right])
        self._until += CHUNK_SECONDS

    def _begun(self) -> Moments:
        """Moments at which the requests of a chunk begin."""
        delays, until = self._delays, self._until + CHUNK_SECONDS
        began = self._until + CHUNK_SECONDS * self._rng.random(self._rng.poisson(self._rate * CHUNK_SECONDS))
        if delays.paused:
            began = began[(began < OFF_AT) | (began >= RESUMED_AT)]
        if delays.swing:
            kept = (1 + delays.swing * np.sin(2 * np.pi * began / delays.every)) / (1 + delays.swing)
            began = began[self._rng.random(len(began)) < kept]
        if delays.burst:
            moments = np.arange(np.ceil(self._until / delays.every), np.ceil(until / delays.every)) * delays.every
            counts = self._rng.binomial(delays.burst, self._rate / delays.rate, len(moments))
            began = np.concatenate([began, np.repeat(moments, counts)])
        return began


def _merged(known: Moments, new: Moments) -> Moments:
    # A stable sort finds that the first part is in order already.
    return np.sort(np.concatenate([known, np.sort(new)]), kind="stable")


def campaign(
    delays: Delays,
    spec: PolicySpec,
    seed: tuple[int, ...],
    settle: SettleTimes | None,
    *,
    waits_again: bool = True,
    looks: int = MAXIMUM_LOOKS,
) -> RolloutState:
    """A campaign whose candidate loses just the margin, to its end or until so many looks. settle: in place of what the
    policy says. waits_again: whether a step that is interrupted tells older requests from newer ones."""
    rng, times = np.random.default_rng(seed), LiveTimes.of(spec)
    times = times if settle is None else replace(times, settle=settle)
    state, at = start_campaign(spec, "", RolloutState(), NOW, CampaignInputs(uid=UID, entropy=str(seed))), NOW
    arms = _Step(rng, delays)
    while state.phase in TRYING and len(state.looks) < looks:
        if state.phase is Phase.APPLYING:
            arms.reach(state, at)
            state = weights_in_force(state, at)
        due = next_look(times, state)
        assert due is not None  # a step in force is watched
        if delays.paused and at - arms.began < PAUSED_AT:
            state = suspend_or_resume(replace(times, suspend=True), state, arms.began + PAUSED_AT)
            at = arms.began + RESUMED_AT
            state = replace(suspend_or_resume(times, state, at), interrupted=waits_again)
            continue
        at = due
        state = take_look(times, state, at, arms.totals(at))
        state = expire(times, state, at)
    return state


class _Step:
    """The requests of both variants in the step that a campaign has reached."""

    def __init__(self, rng: np.random.Generator, delays: Delays) -> None:
        self._rng, self._delays = rng, delays
        self._number, self.began, self._arms = -1, 0, list[Arm]()

    def reach(self, state: RolloutState, at: int) -> None:
        """The weights of the state's step are in force, for the first time or again."""
        if state.step == self._number:
            return
        rng, delays, share = self._rng, self._delays, state.pinned_plan.stage(state.step).weight / 100
        self._number, self.began = state.step, at
        rates = (delays.rate * (1 - share), EXACT_MATCH), (delays.rate * share, EXACT_MATCH - MARGIN)
        self._arms = [Arm(rng, delays, *each, number) for number, each in enumerate(rates)]

    def totals(self, at: int) -> Totals:
        """What the step has counted."""
        baseline, candidate = (arm.tally(at - self.began) for arm in self._arms)
        return Totals(baseline, candidate)


def first_bias(delays: Delays, runs: int, seed: int, *, waits_again: bool) -> float:
    """How far the candidate seems to be beyond the margin, in the first look of evidence of a campaign: the mean of so
    many, which is 0 where nothing is missing."""
    spec, found = delays.spec, []
    for run in range(runs):
        state = campaign(delays, spec, (seed, run), None, waits_again=waits_again, looks=1)
        (look,) = state.looks
        arms = look.baseline, look.candidate
        found.append(MARGIN + arms[1].match / arms[1].scored - arms[0].match / arms[0].scored)
    return float(np.mean(found))


def errors(
    kind: str, runs: int, seed: int, settle: SettleTimes | None = None, *, waits_again: bool = True
) -> tuple[float, float]:
    """Shares of campaigns that were promoted and that were rolled back for harm."""
    known = {**KINDS, **BEYOND}
    delays, number = known[kind], list(known).index(kind)
    spec = delays.spec
    found = [
        _verdict(campaign(delays, spec, (seed, number, run), settle, waits_again=waits_again)) for run in range(runs)
    ]
    return found.count(Verdict.PROMOTE) / runs, found.count(Verdict.ROLL_BACK) / runs


def _verdict(state: RolloutState) -> Verdict:
    assert state.decision is not None  # the campaign is over
    return state.decision.verdict
