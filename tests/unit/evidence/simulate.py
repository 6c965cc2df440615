"""Seeded traffic for the tests: looks of a comparison, drawn with numpy, and what chance allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb, log, sqrt

import numpy as np
from hypothesis import settings

from earlystop.api.counts import Pairs
from earlystop.evidence import dispersion, setting_check, tokens
from earlystop.evidence.dispersion import DispersionEstimate
from earlystop.evidence.exact_match import Answers
from earlystop.evidence.setting_check import Effect
from earlystop.evidence.tokens import Lengths

Path = Callable[[float], float]
RAMP = (5, 10, 25, 50)
RISK = 0.05
MEAN_TOKENS = 600.0
SESSION, LIKENESS = 5, 0.3
"""Answers of a session, and their intraclass correlation."""

examples = settings(max_examples=80, deadline=None, derandomize=True, database=None)


def at_most(risk: float, runs: int) -> float:
    """A share of false claims that chance exceeds in about one case of 700 when the true share is `risk`."""
    return risk + 3 * sqrt(risk * (1 - risk) / runs)


def binomial(count: int, trials: int, rate: float) -> float:
    """Probability of `count` successes in `trials`."""
    return comb(trials, count) * rate**count * (1 - rate) ** (trials - count)


def weight_at(moment: float, weights: tuple[int, ...]) -> int:
    """The step's weight at `moment` in [0, 1): the steps share the time evenly."""
    return weights[int(moment * len(weights))]


def scored_answers(
    rng: np.random.Generator, looks: int, size: int, weights: tuple[int, ...], baseline: Path, effect: float
) -> Iterator[tuple[Answers, Answers]]:
    """`looks` looks of `size` requests; EM of the baseline follows a path over [0, 1)."""
    for look in range(looks):
        moment = look / looks
        n_c = int(rng.binomial(size, weight_at(moment, weights) / 100))
        n_b = size - n_c
        rate = baseline(moment)
        yield (
            Answers(n_b, int(rng.binomial(n_b, rate))),
            Answers(n_c, int(rng.binomial(n_c, rate + effect))),
        )


def lengths(rng: np.random.Generator, answers: int, mean: float, variation: float = 0.8) -> Lengths:
    """Gamma distributed output lengths with that mean and coefficient of variation, in whole tokens."""
    shape = 1 / variation**2
    drawn = np.rint(rng.gamma(shape, mean / shape, answers)).astype(np.int64)
    return Lengths(answers, int(drawn.sum()), int((drawn * drawn).sum()))


def first_saving_claim(
    rng: np.random.Generator, saving: float, looks: int, size: int, weights: tuple[int, ...]
) -> int | None:
    """Requests until a saving of ten percent is claimed, None if it never is."""
    process = tokens.start(0.10)
    for look in range(looks):
        weight = weight_at(look / looks, weights)
        n_c = int(rng.binomial(size, weight / 100))
        process = tokens.update(process, lengths(rng, size - n_c, 600), lengths(rng, n_c, 600 * (1 - saving)), weight)
        if process.log_e_max >= -log(RISK):
            return (look + 1) * size
    return None


def check_setting(rng: np.random.Generator, ratio: float, looks: int, size: int = 100) -> tuple[Effect, bool]:
    """What is shown at the end, and whether the means were ever said to differ."""
    token_process, check = tokens.start(0.1), setting_check.start(0.05)
    for _ in range(looks):
        look = lengths(rng, size, MEAN_TOKENS), lengths(rng, size, MEAN_TOKENS * ratio)
        token_process = tokens.update(token_process, *look, 50)
        check = setting_check.update(check, token_process)
    shown = check.effect
    return shown, shown is Effect.MOVED


def sessions(
    rng: np.random.Generator, looks: int, answers: int, rate: float, likeness: float = LIKENESS
) -> list[Answers]:
    """Looks of sessions whose answers share a Beta rate with that intraclass correlation."""
    strength = 1 / likeness - 1
    rates = rng.beta(rate * strength, (1 - rate) * strength, size=(looks, answers // SESSION))
    return [Answers(answers, int(match)) for match in rng.binomial(SESSION, rates).sum(axis=1)]


def learn_scatter(looks: list[Answers]) -> DispersionEstimate:
    """What these looks teach about how alike answers are."""
    scatter = DispersionEstimate()
    for look in looks:
        scatter = dispersion.observe(scatter, look)
    return scatter


def draw_pairs(rng: np.random.Generator, looks: int, size: int, discordance: float, difference: float) -> list[Pairs]:
    """`looks` looks of `size` pairs of which the share `discordance` disagrees."""
    plus = (discordance + difference) / 2
    counts = rng.multinomial(size, [0.8 - discordance, discordance - plus, plus, 0.2], size=looks)
    return [Pairs(*(int(count) for count in row)) for row in counts]
