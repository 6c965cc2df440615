"""Query classes whose mix moves, candidates that are tried again or judged in shadow first, and shown intervals.

The true loss is the margin on average over requests, so each claim of either side is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sin

import numpy as np

from earlystop.api.counts import Pairs
from earlystop.evidence import effect_bounds, pairs
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.effect_bounds import DifferenceSums
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.multiple_testing import campaign_risk
from earlystop.rollout.plan import SHADOW_PART
from tests.bench import statistics_paths as paths
from tests.bench.statistics_paths import Array, Stream, first_claims
from tests.bench.statistics_rivals import RISK

MARGIN, SIZE, LOOKS, INTERVAL_LOOKS = 0.02, 200, 300, 150
EASY, HARD = 0.97, 0.55
TOLERANCE = MARGIN / 10

Mix = Callable[[int], float]
"""The share of hard questions in each look."""


def wave(low: float, high: float, period: float, phase: float = 0.0) -> Mix:
    """A mix that swings between two shares of hard questions once in so many looks."""
    return lambda look: (low + high) / 2 + (high - low) / 2 * sin(2 * pi * look / period + phase)


def _alternating(first: float, second: float) -> Mix:
    return lambda look: second if look % 2 else first


MIXES: dict[str, tuple[Mix, tuple[float, float]]] = {
    "a constant mix": (lambda _: 0.5, (0.0, -0.04)),
    "hard questions in every second look alone": (_alternating(0, 1), (0.0, -0.04)),
    "a mix of 10 and 90 %, in turn": (_alternating(0.1, 0.9), (0.0, -0.04)),
    "the same, easy questions lose": (_alternating(0.1, 0.9), (-0.04, 0.0)),
    "a wave of 4 looks, 5 to 95 %": (wave(0.05, 0.95, 4), (0.0, -0.04)),
    "a wave of 10 looks, 10 to 90 %": (wave(0.1, 0.9, 10), (0.0, -0.04)),
    "a wave of 40 looks, 20 to 80 %, hard first": (wave(0.2, 0.8, 40), (0.0, -0.04)),
    "a wave of 40 looks, 20 to 80 %, easy first": (wave(0.2, 0.8, 40, pi), (0.0, -0.04)),
}
"""Kind -> the share of hard questions, and how much a candidate differs on easy and on hard ones."""


def mixed(rng: np.random.Generator, runs: int, mix: Mix, effects: tuple[float, float]) -> Stream:
    """Looks of easy and hard questions, split evenly by chance."""
    hard = rng.binomial(SIZE, [mix(look) for look in range(LOOKS)], (runs, LOOKS))
    total = np.stack([SIZE - hard, hard], axis=2)
    n_c = rng.binomial(total, 0.5)
    n_b = total - n_c
    n_c = np.where(n_b == 0, 0, n_c)
    x_b, x_c = rng.binomial(n_b, (EASY, HARD)), rng.binomial(n_c, np.add((EASY, HARD), effects))
    return Stream(*(part.astype(float) for part in (n_b, x_b, n_c, x_c)))


def mix_errors(kind: str, runs: int, seed: int, *, own_mix: bool = False) -> tuple[float, float]:
    """Wrong claims of both sides. A claim is about the requests so far, so it is an error unless their mean loss, by
    the mix that was meant, is on its own side of the margin by more than `TOLERANCE`.

    own_mix: as version 1 of the engine bet.
    """
    (mix, effects), number = MIXES[kind], list(MIXES).index(kind)
    stream = mixed(np.random.default_rng([seed, number]), runs, mix, effects)
    hard = np.array([mix(look) for look in range(LOOKS)])
    so_far = ((1 - hard) * effects[0] + hard * effects[1]).cumsum() / np.arange(1, LOOKS + 1)
    wrong = {}
    for side in Side:
        claimed = first_claims(stream, MARGIN, side, default_grid(side), RISK, own_mix=own_mix)
        made = claimed[claimed < LOOKS]
        wrong[side] = float((float(side) * (so_far[made] + MARGIN) <= TOLERANCE).sum()) / runs
    return wrong[Side.PROMOTE], wrong[Side.HARM]


def retry_errors(campaigns: int, runs: int, seed: int) -> tuple[float, float]:
    """The same candidate again and again, with `risk.campaigns` as many."""
    rng = np.random.default_rng([seed, campaigns])
    found = dict.fromkeys(Side, np.zeros(runs, dtype=bool))
    for campaign in range(1, campaigns + 1):
        risk = campaign_risk(RISK, campaign, campaigns)
        stream = paths.constant(rng, runs, LOOKS, SIZE, 0.5, 0.85, -MARGIN)
        for side in Side:
            found[side] = found[side] | (first_claims(stream, MARGIN, side, default_grid(side), risk) < LOOKS)
    return float(found[Side.PROMOTE].mean()), float(found[Side.HARM].mean())


def shadow_errors(runs: int, seed: int) -> tuple[float, float]:
    """Judged in shadow on pairs, 6 % of them discordant, and then on live answers: harm has its risk once."""
    rng = np.random.default_rng(seed)
    line = -np.log(RISK * SHADOW_PART)
    dropped = np.zeros(runs, dtype=bool)
    for run in range(runs):
        process = pairs.start(MARGIN, Side.HARM)
        for _ in range(60):
            both, baseline, candidate, neither = (int(each) for each in rng.multinomial(50, (0.74, 0.04, 0.02, 0.2)))
            process = pairs.update(process, Pairs(both, baseline, candidate, neither))
        dropped[run] = process.log_e_max >= line
    stream = paths.constant(rng, runs, LOOKS, SIZE, 0.5, 0.85, -MARGIN)
    live = {Side.PROMOTE: RISK, Side.HARM: RISK * (1 - SHADOW_PART)}
    claimed = {side: first_claims(stream, MARGIN, side, default_grid(side), risk) for side, risk in live.items()}
    promoted = (claimed[Side.PROMOTE] < LOOKS) & ~dropped
    rolled_back = (claimed[Side.HARM] < LOOKS) | dropped
    return float(promoted.mean()), float(rolled_back.mean())


Draw = Callable[[np.random.Generator, int], Stream]
_WAVE = MIXES["a wave of 10 looks, 10 to 90 %"]

SHOWN: dict[str, tuple[Draw, float]] = {
    "independent answers": (lambda rng, runs: paths.constant(rng, runs, INTERVAL_LOOKS, SIZE, 0.5, 0.85, -MARGIN), 1.0),
    "sessions of 5, likeness 0.3": (
        lambda rng, runs: paths.sessions(rng, runs, INTERVAL_LOOKS, SIZE, 0.85, -MARGIN, 5, 0.3),
        2.2,
    ),
    "the baseline falls .97 to .70, rising weights": (
        lambda rng, runs: paths.varied(
            rng, runs, INTERVAL_LOOKS, SIZE, lambda t: 0.05 + 0.45 * t, lambda t: 0.97 - 0.27 * t, -MARGIN
        ),
        1.0,
    ),
    "a wave of 10 looks": (lambda rng, runs: mixed(rng, runs, *_WAVE), 1.0),
}
"""Kind -> the streams of so many campaigns, and their dispersion, which the policy states."""


def interval_errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """The shown interval misses the truth on a side at some look: above it, and below it."""
    draw, dispersion = SHOWN[kind]
    stream = draw(np.random.default_rng([seed, list(SHOWN).index(kind)]), runs)
    missed = np.array([_missed(stream, run, dispersion) for run in range(runs)])
    return float(missed[:, 0].mean()), float(missed[:, 1].mean())


def _missed(stream: Stream, run: int, dispersion: float) -> tuple[bool, bool]:
    sums, above, below = DifferenceSums(MARGIN), False, False
    for look in range(INTERVAL_LOOKS):
        columns: list[Array] = [part[run, look] for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c)]
        rows = zip(*(column.astype(int).tolist() for column in columns), strict=True)
        classes = {str(k): (Answers(nb, xb), Answers(nc, xc)) for k, (nb, xb, nc, xc) in enumerate(rows)}
        sums = effect_bounds.add_look(sums, classes, None)
        if look % 10 == 9:
            shown = effect_bounds.bounds(sums, RISK, RISK, dispersion)
            assert shown.low is not None and shown.high is not None  # there were answers
            above, below = above or shown.low > -MARGIN, below or shown.high < -MARGIN
    return above, below
