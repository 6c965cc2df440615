"""Requests that come in groups say how much answers may scatter at most, and single ones say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from earlystop.evidence import scatter, split_scatter
from earlystop.evidence.lasting_groups import GUESSED_LIKENESS, guessed_scatter, most_alike, most_scatter
from earlystop.evidence.scatter import MOST_FACTOR, Scatter
from earlystop.evidence.split_scatter import LEAST_BLOCKS, LONG_BLOCK, NO_SPLIT, SHORT_BLOCK, SplitScatter
from earlystop.evidence.version import EIGHTH

ANSWERS, RATE = 200, 0.8
Observed = tuple[Scatter, SplitScatter]


def observed(arms: np.ndarray, right: np.ndarray) -> Observed:
    """What looks show of the answers of open groups, each of which asks once in a look. arms, right: of each, of shape
    (looks, groups)."""
    answers, split = Scatter(), NO_SPLIT
    for arm, good in zip(arms, right, strict=True):
        candidate, total = int(arm.sum()), len(arm)
        apart = good[arm == 1].mean() - good[arm == 0].mean()
        information = candidate * (total - candidate) / total / (RATE * (1 - RATE))
        answers = scatter.observe(answers, apart * information, information)
        split = split_scatter.observe(split, total - candidate, candidate, 50.0)
    return answers, split


def traffic(seed: int, span: int, likeness: float, looks: int = 256) -> Observed:
    """Groups that keep a variant for so many looks, of which a share is right or wrong all the time: answers are as
    much alike as that."""
    rng = np.random.default_rng(seed)
    at = (np.arange(looks)[:, None] + rng.integers(0, span, ANSWERS)) // span
    shape, column = (looks // span + 2, ANSWERS), np.arange(ANSWERS)
    arms = rng.integers(0, 2, shape)[at, column]
    is_alike, good = (rng.random(shape) < share for share in (likeness, RATE))
    right = np.where(is_alike[at, column], good[at, column], rng.random((looks, ANSWERS)) < RATE)
    return observed(arms, right)


def over_seeds(span: int, likeness: float, seeds: Sequence[int] = range(12)) -> np.ndarray:
    return np.array([most_scatter(*traffic(seed, span, likeness)) for seed in seeds])


@pytest.mark.slow
@pytest.mark.parametrize("span", [10, 40])
def test_groups_that_last_are_worth_on_average_what_their_answers_scatter_by_in_long_blocks(span: int) -> None:
    shared = np.arange(1, LONG_BLOCK)
    in_common = (1 - shared / LONG_BLOCK) * np.maximum(1 - shared / span, 0)
    found = over_seeds(span, 0.5, range(30))
    assert found.mean() > 1 + 0.5 * 2 * in_common.sum() and found.max() <= MOST_FACTOR


@pytest.mark.slow
def test_answers_that_are_hardly_alike_scatter_less_than_requests_do() -> None:
    alike, apart = (np.array([most_alike(*traffic(seed, 10, each)) for seed in range(12)]) for each in (0.8, 0.0))
    assert np.mean(alike) > 0.6 and np.mean(apart) < 0.5
    assert np.mean(over_seeds(10, 0.0)) < np.mean(over_seeds(10, 0.8)) / 2


@pytest.mark.slow
def test_single_requests_seldom_show_a_group() -> None:
    found = over_seeds(1, 0.0, range(40))
    assert np.mean(found == 1.0) > 0.5 and np.median(found) == 1.0 and found.max() < 4


def test_requests_that_are_dealt_out_in_turn_show_nothing_and_too_few_blocks_neither() -> None:
    turns = np.tile([0, 1], (64, ANSWERS // 2))
    assert most_scatter(*observed(turns, np.random.default_rng(1).random(turns.shape) < RATE)) == 1.0
    assert most_scatter(*traffic(2, 40, 1.0, looks=LEAST_BLOCKS * SHORT_BLOCK - 1)) == 1.0
    assert most_scatter(*traffic(2, 40, 1.0, looks=LEAST_BLOCKS * SHORT_BLOCK)) > 1.0


def test_likeness_is_bounded_by_one_where_nothing_says_that_it_is_less() -> None:
    assert most_alike(Scatter(), NO_SPLIT) == 1.0
    assert 0.0 <= most_alike(*traffic(3, 5, 0.3)) <= 1.0


def test_requests_are_a_guess_of_the_scatter_from_the_first_block_on() -> None:
    one_agent = split_scatter.observe(NO_SPLIT, 50, 150, 50.0)
    assert guessed_scatter(one_agent, EIGHTH) == 1 + GUESSED_LIKENESS * (50**2 / 50 - 1) < guessed_scatter(one_agent)
    assert guessed_scatter(split_scatter.observe(NO_SPLIT, 100, 100, 50.0)) == guessed_scatter(NO_SPLIT) == 1.0
    assert guessed_scatter(split_scatter.observe(NO_SPLIT, 0, 10_000, 50.0)) == MOST_FACTOR


def test_quiet_looks_of_single_requests_hide_no_groups_of_a_guess() -> None:
    rng, split = np.random.default_rng(5), NO_SPLIT
    for look in range(140):
        size, groups = (1, 40) if look < 130 else (10, 200)
        candidate = size * int(rng.binomial(groups, 0.5))
        split = split_scatter.observe(split, size * groups - candidate, candidate, 50.0)
    assert 1.4 * guessed_scatter(split, EIGHTH) < guessed_scatter(split) < 20
