"""Which variant a key gets: stable, monotone in the weights, and in proportion to them."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from earlystop.exporter.buckets import bucket_ranges, drawn_variant
from tests.unit.rollout.policies import examples

KEYS = [f"user-{number}" for number in range(2000)]
NAMES = ("baseline", "w10", "w5", "w3", "w1")


def with_baseline(candidates: list[int]) -> list[int]:
    return [100 - sum(candidates), *candidates]


def named(*weights: int) -> tuple[tuple[str, int], ...]:
    return tuple(zip(NAMES, weights, strict=False))


def drawn(salt: str, *weights: int, keys: int = len(KEYS)) -> list[str]:
    return [drawn_variant(salt, key, named(*weights)) for key in KEYS[:keys]]


@pytest.mark.slow
@examples
@given(st.integers(1, 4), st.data())
def test_where_candidates_grow_at_the_baselines_cost_only_the_baselines_keys_change(
    candidates: int, data: st.DataObject
) -> None:
    most = 100 // candidates
    after = [data.draw(st.integers(0, most)) for _ in range(candidates)]
    before = [data.draw(st.integers(0, weight)) for weight in after]
    pairs = zip(
        drawn("r1", *with_baseline(before), keys=150), drawn("r1", *with_baseline(after), keys=150), strict=True
    )
    assert all(one in (other, "baseline") for one, other in pairs)


@pytest.mark.slow
@examples
@given(st.integers(0, 100), st.integers(0, 100))
def test_of_one_candidate_a_key_changes_only_in_the_direction_of_the_weights(one: int, other: int) -> None:
    growing = drawn("r1", *with_baseline([min(one, other)]), keys=150)
    grown = drawn("r1", *with_baseline([max(one, other)]), keys=150)
    assert all(before in (after, "baseline") for before, after in zip(growing, grown, strict=True))


@pytest.mark.slow
@examples
@given(st.lists(st.integers(0, 100), min_size=1, max_size=4).filter(lambda weights: sum(weights) <= 100))
def test_every_variant_has_just_as_many_buckets_as_its_weight_says(weights: list[int]) -> None:
    whole, found = with_baseline(weights), Counter[str]()
    for variant, length in bucket_ranges(named(*whole)):
        found[variant] += length
    assert [found[name] for name in NAMES[: len(whole)]] == [weight * len(weights) for weight in whole]


def test_without_candidates_all_buckets_are_the_baselines() -> None:
    assert bucket_ranges(named(100)) == named(100)


def test_a_promoted_candidate_keeps_its_keys_and_gets_all_others() -> None:
    assert set(drawn("r1", 0, 0, 100)) == {"w5"}
    assert bucket_ranges(named(10, 0, 90)) == (("baseline", 20), ("w5", 80), ("w5", 100))


@pytest.mark.parametrize("weights", [(50, 50), (95, 5), (40, 30, 20, 10), (1, 99)])
def test_keys_are_split_in_proportion_to_the_weights(weights: tuple[int, ...]) -> None:
    found = drawn("a salt", *weights)
    counted = [found.count(name) for name in NAMES[: len(weights)]]
    assert chisquare(counted, [weight * len(KEYS) / 100 for weight in weights]).pvalue > 1e-4


def test_the_draws_of_two_campaigns_say_nothing_about_each_other() -> None:
    both = list(zip(drawn("r1", 50, 50), drawn("r2", 50, 50), strict=True))
    cells = [both.count((one, other)) for one, other in itertools.product(NAMES[:2], repeat=2)]
    assert chisquare(cells).pvalue > 1e-4


def test_the_draw_is_the_same_in_every_release() -> None:
    found = [drawn_variant("r1", key, named(50, 50)) for key in ("", "anna", "ünal", "\udc80")]
    assert found == ["baseline", "w10", "baseline", "baseline"]


@pytest.mark.parametrize("weights", [(0, 0), (50, 51), (-1, 101)])
def test_weights_that_are_no_split_are_refused(weights: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="sum to 100"):
        drawn_variant("r1", "anna", named(*weights))
