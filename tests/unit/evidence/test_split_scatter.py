"""Requests that are drawn one by one are told from those that stick to a variant in groups, and from none."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import split_scatter
from earlystop.evidence.split_scatter import LEAST_LOOKS, NO_SPLIT, SplitScatter


def after(candidates: np.ndarray, total: int, share: float = 50.0) -> SplitScatter:
    """After looks in which so many of `total` requests went to the candidate."""
    found = NO_SPLIT
    for each in candidates:
        found = split_scatter.observe(found, total - int(each), int(each), share)
    return found


def shown(draws: np.ndarray, total: int, share: float = 50.0) -> float:
    """The share of campaigns, one a row, whose split seems to be of single requests."""
    return float(np.mean([after(row, total, share).seems_one_by_one for row in draws]))


@pytest.mark.parametrize(("total", "share"), [(200, 50.0), (2000, 5.0), (10, 50.0)])
def test_single_requests_seem_to_be_so_mostly_and_not_before_enough_looks(total: int, share: float) -> None:
    draws = np.random.default_rng(1).binomial(total, share / 100, (60, 48))
    assert shown(draws, total, share) > 0.7
    assert shown(draws[:, : LEAST_LOOKS - 1], total, share) == 0.0


@pytest.mark.parametrize(("requests", "looks"), [(5, 1), (10, 10), (20, 20), (40, 40)])
def test_sessions_that_stick_to_a_variant_are_never_taken_for_single_requests_for_long(
    requests: int, looks: int
) -> None:
    rng, open_sessions, number = np.random.default_rng(2), 200 // (requests // looks), 100
    campaigns = []
    for _ in range(20):
        arms = rng.integers(0, 2, (number // looks + 2, open_sessions))
        begun = rng.integers(0, looks, open_sessions)
        at = (np.arange(number)[:, None] + begun) // looks
        campaigns.append(arms[at, np.arange(open_sessions)].sum(axis=1) * (requests // looks))
    assert shown(np.array(campaigns), 200) < 0.1


def test_a_split_that_is_dealt_out_in_turn_shows_nothing() -> None:
    assert not after(np.full(200, 100), 200).seems_one_by_one


def test_a_split_that_is_broken_is_not_one_of_single_requests() -> None:
    assert not after(np.random.default_rng(3).binomial(200, 0.6, 64), 200).seems_one_by_one


def test_looks_without_requests_show_nothing() -> None:
    assert after(np.zeros(50), 0) == NO_SPLIT


def grouped(rng: np.random.Generator, looks: int, spans: int, in_each: int) -> np.ndarray:
    """The candidate's requests among 200 in each look, of groups that keep a variant for so many looks and have as many
    requests in each as `in_each` says."""
    number = 200 // in_each
    arms = rng.integers(0, 2, (looks // spans + 2, number))
    at = (np.arange(looks)[:, None] + rng.integers(0, spans, number)) // spans
    return np.asarray(arms[at, np.arange(number)].sum(axis=1) * in_each)


def outlasting(spans: int, in_each: int, campaigns: int = 100) -> float:
    """The share of campaigns of 128 looks in which groups seem to outlast their blocks."""
    rng = np.random.default_rng(4)
    draws = [grouped(rng, 128, spans, in_each) for _ in range(campaigns)]
    return float(np.mean([after(each, 200).groups_outlast_blocks for each in draws]))


@pytest.mark.slow
def test_groups_over_more_looks_than_short_blocks_have_are_seen_to_outlast_them_and_others_seldom() -> None:
    assert outlasting(60, 1) > 0.9
    assert outlasting(1, 5) < 0.4
    assert outlasting(1, 1) < 0.1


def test_nothing_outlasts_blocks_before_enough_long_ones_are_complete() -> None:
    draws = grouped(np.random.default_rng(5), 128, 60, 1)
    assert not any(after(draws[:looks], 200).groups_outlast_blocks for looks in (0, 8, 64, 127))


def test_a_split_that_is_dealt_out_in_turn_outlasts_nothing() -> None:
    assert not after(np.full(200, 100), 200).groups_outlast_blocks
