"""Traffic by the laws that others have published of what their servers were asked, at the border.

- Sessions of coding agents, as a trace of 2.1 million requests in two hours has them: nine in ten ask once, and
  the others, which ask 7.3 times on average, make 44 % of the requests; who has asked often asks again with a
  probability of up to 94 %, and from one turn to the next it takes up to 700 s.
- Gamma arrivals, whose intervals vary by some times their mean (BurstGPT, arXiv 2401.17644), of sessions at once.
- A few clients make most of what is irregular (ServeGen, arXiv 2505.09999): one that comes and goes, asks questions of
  its own kind, and has all of the loss.
- Nights and days: a load that swings threefold, and a level that moves with it.

How much answers of one session are alike nobody has published, so that is tried. Sessions of agents last up to 45
minutes, which is 180 looks of 15 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import Side
from tests.bench.dispersion_paths import Counts, claims, divided
from tests.bench.statistics_paths import Array

Whole = NDArray[np.int64]

MARGIN, RISK, RATE, REQUESTS, LOOKS = 0.02, 0.05, 0.85, 100, 300
SPREAD = 0.1
"""By how much a rate is off .85 at most, so that it stays one."""

BEFORE = 200
"""Looks before the first one, so that sessions are under way."""

ASKS_AGAIN, MOST_AGAIN, SECOND_AGAIN, GROWTH = 0.097, 0.94, 0.7, 0.8
"""Probabilities of one more turn: after the first, at most, and after the second, from where it grows."""

MOST_TURNS, LONGEST_GAP_SECONDS, LEAST_LOAD = 60, 700.0, 0.2


@dataclass(frozen=True, slots=True)
class Recorded:
    """A law of traffic. begun: expected sessions that begin in a look, relative to their mean. own: loss and level of
    each look, both as departures from the mean. likeness, gap_seconds: of a session's answers, and the median time
    between turns. turns: whether sessions have several; else each request is one. look_seconds: of a look, which
    has as many requests in any case."""

    begun: Callable[[np.random.Generator, int], Array]
    likeness: float = 0.0
    gap_seconds: float = 20.0
    turns: bool = True
    own: Callable[[np.random.Generator, int], tuple[Array, Array]] | None = field(default=None)
    look_seconds: float = 15.0


def _steady(_: np.random.Generator, looks: int) -> Array:
    return np.ones(looks)


def _gamma(variation: float) -> Callable[[np.random.Generator, int], Array]:
    """Counts of a renewal process whose intervals vary by so many times their mean: its variance is that times squared
    over the mean, here as a rate of each look, at least `LEAST_LOAD`: the bench takes no looks without answers."""

    def begun(rng: np.random.Generator, looks: int) -> Array:
        shape = REQUESTS / (variation * variation - 1)
        return np.maximum(rng.gamma(shape, 1 / shape, looks), LEAST_LOAD)

    return begun


def _day(_: np.random.Generator, looks: int, period: int = 240) -> Array:
    return 1 + 0.5 * np.sin(2 * np.pi * np.arange(looks) / period)


def _level_of_day(rng: np.random.Generator, looks: int) -> tuple[Array, Array]:
    return np.zeros(looks), 0.08 * (_day(rng, looks) - 1)


def _client(share: float, stays: float) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    """A client that is there in half of all looks, and then makes so large a share of the requests: its questions are
    harder by half of `SPREAD`, and it has all of the loss. stays: probability that it stays there, or away."""

    def own(rng: np.random.Generator, looks: int) -> tuple[Array, Array]:
        switches = rng.random(looks) > stays
        there = (np.cumsum(switches) + rng.integers(2)) % 2 * share
        lost, level = MARGIN * (there / (share / 2) - 1), -SPREAD / 2 * there
        return lost.astype(np.float64), level.astype(np.float64)

    return own


KINDS: Mapping[str, Recorded] = {
    **{
        f"coding agents, {median} s between turns, likeness {likeness}, looks of 150 s": Recorded(
            _steady, likeness, median, look_seconds=150.0
        )
        for median, likeness in ((20, 0.3), (20, 0.5), (60, 0.3), (60, 0.5))
    },
    "coding agents that arrive in bursts, likeness 0.3, looks of 150 s": Recorded(_gamma(3.0), 0.3, look_seconds=150.0),
    "single requests that arrive in bursts": Recorded(_gamma(5.0), turns=False),
    "nights and days, single requests": Recorded(_day, turns=False, own=_level_of_day),
    **{
        f"one client with all of the loss, {looks} looks at a time": Recorded(
            _steady, turns=False, own=_client(0.6, 1 - 1 / looks)
        )
        for looks in (2, 10, 20)
    },
    **{
        f"coding agents, {median} s between turns, likeness {likeness}": Recorded(_steady, likeness, median)
        for median in (5, 20, 60)
        for likeness in (0.1, 0.3, 0.5)
    },
    "coding agents that arrive in bursts, likeness 0.3": Recorded(_gamma(3.0), 0.3),
    "nights and days, coding agents, likeness 0.3": Recorded(_day, 0.3, own=_level_of_day),
}


def errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that promote, and that roll back, a candidate which loses just the margin."""
    number, law = list(KINDS).index(kind), KINDS[kind]
    rows = [_campaign(law, np.random.default_rng([seed, number, run])) for run in range(runs)]
    n_b, x_b, n_c, x_c = (np.array(each, dtype=float) for each in zip(*rows, strict=True))
    counts = Counts(n_b, x_b, n_c, x_c, n_b, n_c)
    found = claims(counts, divided(counts), MARGIN, RISK)
    return float((found[Side.PROMOTE] > 0).mean()), float((found[Side.HARM] > 0).mean())


def _campaign(law: Recorded, rng: np.random.Generator) -> tuple[Whole | Array, ...]:
    """Answers and matches of each look, of the baseline and of the candidate."""
    looks = BEFORE + LOOKS
    turns_a_session = 1 + ASKS_AGAIN * _mean_more() if law.turns else 1.0
    begun = rng.poisson(REQUESTS / turns_a_session * law.begun(rng, looks))
    start = np.repeat(np.arange(looks), begun)
    arm = rng.integers(0, 2, len(start))
    lost, level = law.own(rng, looks) if law.own else (np.zeros(looks), np.zeros(looks))
    mean = RATE + level[start] - arm * (MARGIN + lost[start])
    if law.likeness:
        strength = 1 / law.likeness - 1
        mean = rng.beta(mean * strength, (1 - mean) * strength)
    session, at = _turns(law, rng, start) if law.turns else (np.arange(len(start)), start)
    right = rng.random(len(session)) < mean[session]
    kept = (at >= BEFORE) & (at < looks)
    session, at, right = session[kept], at[kept] - BEFORE, right[kept]
    of_arm = arm[session]
    columns = [
        np.bincount(at[of_arm == each], weights=weights, minlength=LOOKS)
        for each in (0, 1)
        for weights in (None, right[of_arm == each].astype(float))
    ]
    return tuple(columns)


def _turns(law: Recorded, rng: np.random.Generator, start: Whole) -> tuple[Whole, Whole]:
    """The session and the look of each request."""
    alive, moment = np.arange(len(start)), (start + rng.random(len(start))) * law.look_seconds
    sessions, moments = [alive], [moment]
    for turn in range(1, MOST_TURNS):
        again = rng.random(len(alive)) < _again(turn)
        alive = alive[again]
        gap = np.minimum(law.gap_seconds * np.exp(1.3 * rng.standard_normal(len(alive))), LONGEST_GAP_SECONDS)
        moment = moment[again] + gap
        sessions.append(alive)
        moments.append(moment)
    return np.concatenate(sessions), (np.concatenate(moments) // law.look_seconds).astype(int)


def _again(turn: int) -> float:
    """The probability of one more turn after so many."""
    if turn == 1:
        return ASKS_AGAIN
    return MOST_AGAIN - (MOST_AGAIN - SECOND_AGAIN) * GROWTH ** (turn - 2)


def _mean_more() -> float:
    """Turns after the first, on average, of a session that has any."""
    mean, chance = 0.0, 1.0
    for turn in range(1, MOST_TURNS):
        chance *= 1.0 if turn == 1 else _again(turn)
        mean += chance
    return mean
