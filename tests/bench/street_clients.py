"""What stands between users and servers, by laws that others have published, at the border.

- Caches that answer repeated prompts: prompts are as popular as Zipf's law has it (exponent 1, as of web pages, Breslau
  et al., INFOCOM 1999), and each variant keeps its answer to one for a number of looks. Requests are drawn one by one,
  so the split shows nothing of it.
- Many clients of unequal size (ServeGen, arXiv 2505.09999), each of which comes and goes, asks at a level of its own,
  and has a loss of its own.
- Batches of tool calls on one connection (Mooncake's trace of agents, arXiv 2407.00079): sizes have a Pareto tail, and
  answers of a batch are alike.
- Clients that ask again after a time-out, of the variant that they had, with longer and longer pauses.
- Clients that hedge: a request that is slow is sent again, to a variant that is drawn anew, and the slower of the two
  is cancelled (Dean and Barroso, The tail at scale, 2013); wrong answers are the slow ones.
- Nights and days with bursts of requests (Azure's traces of 2024: arXiv 2408.00741).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import Side
from tests.bench.dispersion_paths import Counts, claims, divided
from tests.bench.statistics_paths import Array

Whole = NDArray[np.int64]
Requests = tuple[Whole, Whole, NDArray[np.bool_]]
"""Of each scored request its look, its variant (1: the candidate) and whether it was answered rightly."""

MARGIN, RISK, RATE, REQUESTS, LOOKS = 0.02, 0.05, 0.85, 200, 300
PROMPTS, REPEATED = 2000, 0.5
"""Different prompts that are asked again and again, and the share of requests that ask them; others ask new ones."""

CLIENTS, SPREAD = 100, 0.1
BATCH_LIKENESS, MOST_IN_BATCH = 0.3, 200
TIMES_OUT, MOST_RETRIES = 0.2, 4
SLOW_RIGHT, SLOW_WRONG = 0.1, 0.3


def _likely(rng: np.random.Generator, arm: Whole, likeness: float) -> Array:
    """The rate of each group of alike answers of a variant."""
    mean, strength = RATE - arm * MARGIN, 1 / likeness - 1
    return np.asarray(rng.beta(mean * strength, (1 - mean) * strength))


def _cached(kept: int) -> Callable[[np.random.Generator], Requests]:
    """Each variant keeps its answer to a repeated prompt for so many looks, from a moment of the prompt's own."""
    weights = 1 / np.arange(1, PROMPTS + 1)

    def requests(rng: np.random.Generator) -> Requests:
        looks = np.repeat(np.arange(LOOKS), REQUESTS)
        arm = rng.integers(0, 2, len(looks))
        prompt = rng.choice(PROMPTS, len(looks), p=weights / weights.sum())
        spans = LOOKS // kept + 2
        period = (looks + rng.integers(0, kept, PROMPTS)[prompt]) // kept
        answers = rng.random((2, PROMPTS, spans)) < np.array([RATE, RATE - MARGIN])[:, None, None]
        fresh = rng.random(len(looks)) < RATE - arm * MARGIN
        right = np.where(rng.random(len(looks)) < REPEATED, answers[arm, prompt, period], fresh)
        return looks, arm, right

    return requests


def _clients(stays: float) -> Callable[[np.random.Generator], Requests]:
    """stays: looks for which a client is there, or away, on average."""
    sizes = 1 / np.arange(1, CLIENTS + 1)

    def requests(rng: np.random.Generator) -> Requests:
        switches = rng.random((LOOKS, CLIENTS)) < 1 / stays
        there = (switches.cumsum(axis=0) + rng.integers(0, 2, CLIENTS)) % 2
        number = rng.poisson(there * sizes * 2 * REQUESTS / sizes.sum())
        levels = rng.uniform(-SPREAD, SPREAD, CLIENTS)
        losses = 2 * MARGIN * rng.random(CLIENTS)
        look, client = np.repeat(np.indices(number.shape).reshape(2, -1), number.ravel(), axis=1)
        losses *= MARGIN / max(losses[client].mean(), MARGIN / 10)
        arm = rng.integers(0, 2, len(look))
        right = rng.random(len(look)) < RATE + levels[client] - arm * losses[client]
        return look, arm, right

    return requests


def _batches(spans: int) -> Callable[[np.random.Generator], Requests]:
    """Batches of which the calls are spread over so many looks."""

    def requests(rng: np.random.Generator) -> Requests:
        before = LOOKS + spans
        begun = np.repeat(np.arange(before), rng.poisson(REQUESTS / 2.9, before))
        sizes = np.minimum((1 + rng.pareto(1.5, len(begun))).astype(np.int64), MOST_IN_BATCH)
        arm = rng.integers(0, 2, len(begun))
        rate = _likely(rng, arm, BATCH_LIKENESS)
        of_batch = np.repeat(np.arange(len(begun)), sizes)
        look = begun[of_batch] + rng.integers(0, spans, len(of_batch)) - spans
        return _within(look, arm[of_batch], rng.random(len(of_batch)) < rate[of_batch])

    return requests


def _within(look: Whole, arm: Whole, right: NDArray[np.bool_]) -> Requests:
    kept = (look >= 0) & (look < LOOKS)
    return look[kept], arm[kept], right[kept]


def _asked_again(rng: np.random.Generator) -> Requests:
    """A client whose request timed out asks again, of the same variant, after 1, 2, 4 and 8 looks; its answers are as
    likely right. What timed out is a failure and no answer."""
    begun = np.repeat(np.arange(-16, LOOKS), REQUESTS)
    arm, found = rng.integers(0, 2, len(begun)), []
    rate, look = _likely(rng, arm, BATCH_LIKENESS), begun
    for turn in range(MOST_RETRIES):
        out = rng.random(len(look)) < TIMES_OUT
        found.append((look[~out], arm[~out], rng.random((~out).sum()) < rate[~out]))
        look, arm, rate = look[out] + 2**turn, arm[out], rate[out]
    look, arm, right = (np.concatenate(each) for each in zip(*found, strict=True))
    return _within(look, arm, right)


def _hedged(rng: np.random.Generator) -> Requests:
    """Both copies are answered by chance in either order; the cancelled one counts nowhere. The loss is that among
    answers that were given."""
    looks = np.repeat(np.arange(LOOKS), REQUESTS)
    arm = rng.integers(0, 2, len(looks))
    kept_right, kept_wrong = 1 - SLOW_RIGHT / 2, 1 - SLOW_WRONG / 2
    given = RATE - arm * MARGIN
    # The rate before hedging that leaves the rate among the answers that were given.
    before = given * kept_wrong / (given * kept_wrong + (1 - given) * kept_right)
    right = rng.random(len(looks)) < before
    slow = rng.random(len(looks)) < np.where(right, SLOW_RIGHT, SLOW_WRONG)
    copy = slow & (rng.random(len(looks)) < 0.5)
    other = np.where(copy, rng.integers(0, 2, len(looks)), arm)
    again = rng.random(len(looks)) < RATE - other * MARGIN
    return looks, other, np.where(copy, again, right)


def _days_in_bursts(rng: np.random.Generator) -> Requests:
    """A load that swings threefold, with intervals that vary by eight times their mean, and a level that follows it."""
    day = np.sin(2 * np.pi * np.arange(LOOKS) / 240)
    shape = REQUESTS / 63
    load = np.maximum((1 + 0.5 * day) * rng.gamma(shape, 1 / shape, LOOKS), 0.1)
    look = np.repeat(np.arange(LOOKS), rng.poisson(REQUESTS * load))
    arm = rng.integers(0, 2, len(look))
    return look, arm, rng.random(len(look)) < RATE + 0.05 * day[look] - arm * MARGIN


KINDS: Mapping[str, Callable[[np.random.Generator], Requests]] = {
    **{
        f"caches that answer repeated prompts, for {kept} look{'s' if kept > 1 else ''}": _cached(kept)
        for kept in (1, 5)
    },
    **{f"100 clients of unequal size, there for {stays} looks at a time": _clients(stays) for stays in (5, 50)},
    **{
        f"batches of alike calls on one connection, over {spans} look{'s' if spans > 1 else ''}": _batches(spans)
        for spans in (1, 5)
    },
    "clients that ask again after a time-out, of the same variant": _asked_again,
    "clients that hedge slow requests": _hedged,
    "nights and days in bursts": _days_in_bursts,
    "caches that answer repeated prompts, for 20 looks, declared": _cached(20),
}
DECLARED = "declared"
"""How the name of a kind ends whose policy says that answers are given again."""

BEYOND: Mapping[str, Callable[[np.random.Generator], Requests]] = {
    "caches that answer repeated prompts, for 20 looks": _cached(20)
}
"""Until looks teach it, harm acts on a guess that takes answers of requests drawn one by one as hardly alike."""


def errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that promote, and that roll back, a candidate which loses just the margin."""
    known = {**KINDS, **BEYOND}
    number = list(known).index(kind)
    rows = [counted(known[kind](np.random.default_rng([seed, number, run]))) for run in range(runs)]
    n_b, x_b, n_c, x_c = (np.array(each) for each in zip(*rows, strict=True))
    counts = Counts(n_b, x_b, n_c, x_c, n_b, n_c)
    found = claims(counts, divided(counts, answers_repeat=kind.endswith(DECLARED)), MARGIN, RISK)
    return float((found[Side.PROMOTE] > 0).mean()), float((found[Side.HARM] > 0).mean())


def counted(requests: Requests) -> tuple[Array, Array, Array, Array]:
    """Answers and matches of each look, of the baseline and of the candidate; a look without any has one answer that is
    neither right nor wrong on average, since the bench takes no empty looks."""
    look, arm, right = requests
    found = []
    for each in (0, 1):
        n = np.bincount(look[arm == each], minlength=LOOKS).astype(float)
        x = np.bincount(look[arm == each], weights=right[arm == each].astype(float), minlength=LOOKS)
        empty = n == 0
        found += [np.where(empty, 1.0, n), np.where(empty, RATE - each * MARGIN, x)]
    return found[0], found[1], found[2], found[3]
