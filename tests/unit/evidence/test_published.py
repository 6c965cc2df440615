"""Published numbers of other packages, reproduced by ours or by a formula written here for that purpose alone."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import normal_mixture
from earlystop.evidence.bets import Answers, ClassLook, Side, look_log_e
from earlystop.simulation.planning import Question, fixed_sample_size

THRESHOLD = np.log(20)


def test_the_block_e_value_of_safestats_is_our_bet_without_a_margin() -> None:
    first, second = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0, 1, 1, 1]
    pseudo = np.array([0.18, 0.18])
    seen, log_e = 0.36, 0.0
    for y_a, y_b in zip(first, second, strict=True):
        rate_a, rate_b = pseudo / seen
        if rate_a != rate_b:
            row = ClassLook(Answers(1, y_a), Answers(1, y_b), (rate_a + rate_b) / 2)
            log_e += look_log_e([row], 0.0, Side.PROMOTE, [rate_b - rate_a], cap=0.999)[0]
        pseudo, seen = pseudo + np.array([y_a, y_b]), seen + 1
    assert np.exp(log_e) == pytest.approx(11.150295, abs=5e-7)


def safestats_blocks(
    rng: np.random.Generator, rate: float, difference: float, n_a: int, n_b: int, restricted: bool, runs: int
) -> float:
    """Blocks that 80 % of runs need to reject equality, by the plug-in e-value of safestats."""
    log_e, stopped = np.zeros(runs), np.full(runs, 1000)
    prior_b = 0.18 * n_b / n_a
    hits, misses = np.tile([0.18, prior_b], (runs, 1)), np.tile([0.18, prior_b], (runs, 1))
    grid = (np.arange(400) + 0.5) / 400 * (1 - difference)
    prior = -0.82 * np.log(grid / (1 - difference)) - 0.82 * np.log1p(-grid / (1 - difference))
    for block in range(1, 1000):
        if restricted:  # one unknown rate, the other larger by the known difference
            (hit_a, hit_b), (miss_a, miss_b) = (hits - 0.18).T, (misses - 0.18).T
            log_posterior = prior + np.outer(hit_a, np.log(grid)) + np.outer(miss_a, np.log1p(-grid))
            log_posterior += np.outer(hit_b, np.log(grid + difference)) + np.outer(miss_b, np.log1p(-grid - difference))
            posterior = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
            guess_a = posterior @ grid / posterior.sum(axis=1)
            guess_b = guess_a + difference
        else:
            guess_a, guess_b = (hits / (hits + misses)).T
        y_a, y_b = rng.binomial(n_a, rate, runs), rng.binomial(n_b, rate + difference, runs)
        null = (n_a * guess_a + n_b * guess_b) / (n_a + n_b)
        log_e += y_a * np.log(guess_a / null) + (n_a - y_a) * np.log((1 - guess_a) / (1 - null))
        log_e += y_b * np.log(guess_b / null) + (n_b - y_b) * np.log((1 - guess_b) / (1 - null))
        stopped = np.where((log_e >= THRESHOLD) & (stopped == 1000), block, stopped)
        hits, misses = hits + np.stack([y_a, y_b], 1), misses + np.stack([n_a - y_a, n_b - y_b], 1)
        if (stopped < 1000).mean() > 0.85:
            break
    return float(np.quantile(stopped, 0.8, method="higher"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_a", "n_b", "restricted", "runs", "published", "error"),
    [(1, 1, False, 2000, 95, 5), (2, 1, False, 2000, 79, 4), (1, 1, True, 1500, 54, 2.7)],
)
def test_the_designs_in_the_vignette_of_safestats_come_out(
    n_a: int, n_b: int, restricted: bool, runs: int, published: float, error: float
) -> None:
    rng = np.random.default_rng(24)
    rates = [0.3, 0.35, 0.4] if not restricted else [0.35]  # the worst lie in the middle of 0..0.7
    worst = max(safestats_blocks(rng, rate, 0.3, n_a, n_b, restricted, runs) for rate in rates)
    # Theirs and ours are simulated: twice their error covers both.
    assert worst == pytest.approx(published, abs=2 * error)


def test_the_mixture_test_of_ville_is_our_two_sided_normal_mixture() -> None:
    found = normal_mixture.log_e_two_sided((160 - 140) / 0.16, 200 / 0.16, 0.1)  # MSPRT(0.7, 0.4, 0.1) on 160 of 200
    assert found == pytest.approx(4.48569219, abs=5e-9)


def test_the_sample_size_formula_for_non_inferiority_gives_its_published_value() -> None:
    assert fixed_sample_size(Question(0.85, 0.0, 0.02), 0.5) / 2 == pytest.approx(5459.5, abs=0.1)
