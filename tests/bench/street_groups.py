"""Groups of requests that stay with a variant for 20 looks at most, as large and as uneven as traffic makes them.

Written from the prose of what people have, beside `street_sessions`, whose sessions are all of one size and whose load
is even:

- agents that ask hundreds of times beside users who ask once; sizes with a Pareto tail (1.2), by Zipf's law (exponent
  1) or geometric;
- lengths of sessions by a log-normal law;
- a load that begins quietly and grows tenfold, with nights and weekends, or with eight times as much at the top of an
  hour;
- users who leave sooner after a wrong answer, so that how long a session is says how good it was.

Each group draws its variant by a coin, and its requests spread evenly over the time for which it lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import Side
from tests.bench.dispersion_paths import Counts, claims, divided
from tests.bench.statistics_paths import Array
from tests.bench.street_clients import Requests, Whole, counted

MARGIN, RISK, RATE, LOOKS = 0.02, 0.05, 0.85, 300
BEFORE = 60
"""Looks before the first one, so that groups are under way."""

Sizes = Callable[[np.random.Generator, int], Whole]
Spans = Callable[[np.random.Generator, int], Array]
Load = Callable[[np.random.Generator], Array]


@dataclass(frozen=True, slots=True)
class Groups:
    """requests: a look, on average at a load of 1. sizes: requests of each group, and their mean. spans: looks for
    which each group lasts. likeness: of its answers, 0 <= likeness < 1. load: of each look, from `BEFORE` looks before
    the first one on."""

    requests: float
    sizes: Sizes
    mean_size: float
    spans: Spans
    likeness: float
    load: Load = lambda _: np.ones(BEFORE + LOOKS)

    def __call__(self, rng: np.random.Generator) -> Requests:
        """The requests of one campaign whose candidate loses just the margin."""
        number = rng.poisson(self.requests / self.mean_size * self.load(rng))
        begun = np.repeat(np.arange(BEFORE + LOOKS) - float(BEFORE), number)
        begun += rng.random(len(begun))
        arm, spans = rng.integers(0, 2, len(begun)), self.spans(rng, len(begun))
        rate = RATE - arm * MARGIN
        if self.likeness:
            strength = 1 / self.likeness - 1
            rate = rng.beta(rate * strength, (1 - rate) * strength)
        of_group = np.repeat(np.arange(len(begun)), self.sizes(rng, len(begun)))
        look = np.floor(begun[of_group] + rng.random(len(of_group)) * spans[of_group]).astype(np.int64)
        return _within(look, arm[of_group], rng.random(len(of_group)) < rate[of_group])


def _within(look: Whole, arm: Whole, right: NDArray[np.bool_]) -> Requests:
    kept = (look >= 0) & (look < LOOKS)
    return look[kept], arm[kept], right[kept]


def _of(size: int) -> Sizes:
    return lambda _, count: np.full(count, size)


def _geometric(mean: float) -> Sizes:
    return lambda rng, count: rng.geometric(1 / mean, count)


def _agents(share: float, size: int) -> tuple[Sizes, float]:
    """So large a share of groups has so many requests, and the others one each."""
    return (lambda rng, count: np.where(rng.random(count) < share, size, 1)), 1 + share * (size - 1)


def _listed(sizes: Whole, weights: Array) -> tuple[Sizes, float]:
    weights = weights / weights.sum()
    return (lambda rng, count: rng.choice(sizes, count, p=weights)), float(sizes @ weights)


def _zipf(most: int) -> tuple[Sizes, float]:
    sizes = np.arange(1, most + 1)
    return _listed(sizes, 1 / sizes)


def _pareto(tail: float, most: int) -> tuple[Sizes, float]:
    """The law of whole numbers above which a share of `size ** -tail` lies, those beyond `most` as `most`."""
    sizes = np.arange(1, most + 1)
    above = np.append(sizes[:-1] ** -tail - sizes[1:] ** -tail, float(most) ** -tail)
    return _listed(sizes, above)


def _lasting(looks: float) -> Spans:
    return lambda _, count: np.full(count, looks)


def _log_normal(median: float, sigma: float, most: float) -> Spans:
    return lambda rng, count: np.minimum(median * np.exp(sigma * rng.standard_normal(count)), most)


def _nights(rng: np.random.Generator) -> Array:
    """Days of 80 looks, of which each third has three tenths of the load."""
    at = np.arange(BEFORE + LOOKS) + rng.integers(240)
    return np.asarray(np.where(at // 80 % 3 == 2, 0.3, 1.0) * (1 + 0.8 * np.sin(2 * np.pi * at / 80)))


def _hours(rng: np.random.Generator) -> Array:
    return np.asarray(np.where((np.arange(BEFORE + LOOKS) + rng.integers(60)) % 60 < 3, 8.0, 1.0))


def _after(looks: int) -> Load:
    return lambda _: (np.arange(BEFORE + LOOKS) >= BEFORE + looks).astype(float)


def _until(looks: int) -> Load:
    return lambda _: (np.arange(BEFORE + LOOKS) < BEFORE + looks).astype(float)


def _quiet_first(requests: float, groups: Groups) -> Callable[[np.random.Generator], Requests]:
    """So many single requests a look for 128 looks, and these groups from then on."""
    quiet = Groups(requests, _of(1), 1.0, _lasting(0.01), 0.0, _until(128))

    def both(rng: np.random.Generator) -> Requests:
        first, later = quiet(rng), groups(rng)
        look, arm, right = (np.concatenate(each) for each in zip(first, later, strict=True))
        return look, arm, right

    return both


STAYS, LEAVES, LOST = (0.85, 0.4), 20, 0.02052
"""Probabilities of one more question after a right and after a wrong answer; the most questions; and which part of its
right answers the candidate loses: it is two points among all answers, as 40 campaigns of each kind showed."""


def _who_leave(rng: np.random.Generator) -> Requests:
    begun = np.repeat(np.arange(BEFORE + LOOKS) - BEFORE, rng.poisson(60, BEFORE + LOOKS))
    arm, strength = rng.integers(0, 2, len(begun)), 1 / 0.3 - 1
    rate = rng.beta(RATE * strength, (1 - RATE) * strength, len(begun)) * (1 - LOST * arm)
    there, found = np.arange(len(begun)), []
    for turn in range(LEAVES):
        right = rng.random(len(there)) < rate[there]
        found.append((begun[there] + turn, arm[there], right))
        there = there[rng.random(len(there)) < np.where(right, *STAYS)]
    look, of_arm, right = (np.concatenate(each) for each in zip(*found, strict=True))
    return _within(look, of_arm, right)


KINDS: Mapping[str, Callable[[np.random.Generator], Requests]] = {
    "groups of 8 (geometric) over 4 looks (log-normal, sigma 0.8), likeness 0.3": Groups(
        200, _geometric(8), 8, _log_normal(4, 0.8, 20), 0.3
    ),
    "groups by Zipf's law to 200 over 10 looks, likeness 0.2": Groups(300, *_zipf(200), _lasting(10), 0.2),
    "groups with a Pareto tail of 1.2 to 1,000 over 18 looks, likeness 0.3": Groups(
        500, *_pareto(1.2, 1000), _lasting(18), 0.3
    ),
    "one group in 50 asks 100 times over 15 looks, likeness 0.5": Groups(200, *_agents(0.02, 100), _lasting(15), 0.5),
    "one group in 200 asks 300 times over 19 looks, likeness 0.3": Groups(300, *_agents(0.005, 300), _lasting(19), 0.3),
    "groups of 100 over 19 looks, likeness 0.3": Groups(200, _of(100), 100, _lasting(19), 0.3),
    "single requests for 128 looks, then ten times as many in groups of 10 within a look": _quiet_first(
        50, Groups(500, _of(10), 10, _lasting(0.5), 0.3, _after(128))
    ),
    "single requests for 128 looks, then four times as many in groups of 20 over 18 looks": _quiet_first(
        200, Groups(800, _of(20), 20, _lasting(18), 0.4, _after(128))
    ),
    "groups of 8 over 10 looks with nights and weekends, likeness 0.3": Groups(
        200, _geometric(8), 8, _lasting(10), 0.3, _nights
    ),
    "groups of 8 over 15 looks with eight times as many at the top of an hour, likeness 0.4": Groups(
        160, _geometric(8), 8, _lasting(15), 0.4, _hours
    ),
    "users who leave after a wrong answer": _who_leave,
    "groups of 100 over 19 looks, 400 requests a look, likeness 0.5": Groups(400, _of(100), 100, _lasting(19), 0.5),
    "groups of 300 over 19 looks, 1,000 requests a look, likeness 0.3": Groups(1000, _of(300), 300, _lasting(19), 0.3),
}


def errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that promote, and that roll back, a candidate which loses just the margin."""
    counts = counts_of(kind, runs, seed)
    found = claims(counts, divided(counts), MARGIN, RISK)
    return float((found[Side.PROMOTE] > 0).mean()), float((found[Side.HARM] > 0).mean())


def counts_of(kind: str, runs: int, seed: int) -> Counts:
    """The counts of so many campaigns of a kind."""
    number = list(KINDS).index(kind)
    rows = [counted(KINDS[kind](np.random.default_rng([seed, number, run]))) for run in range(runs)]
    n_b, x_b, n_c, x_c = (np.array(each) for each in zip(*rows, strict=True))
    return Counts(n_b, x_b, n_c, x_c, n_b, n_c)
